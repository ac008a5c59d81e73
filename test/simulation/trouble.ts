import type { Chance } from './chance.ts';
import type { Image } from './disk.ts';
import type { Ledger } from './ledger.ts';
import type { SimulatedNetwork } from './network.ts';
import type { Death, SimulatedNode } from './node.ts';
import type { Timeline } from './timeline.ts';
import { afterTurns } from './turns.ts';

export interface TroubleParts {
  readonly nodes: readonly [SimulatedNode, SimulatedNode];
  /** The one whose disk may be put back or lost: with both, both copies would be. */
  readonly unlucky: SimulatedNode;
  readonly chance: Chance;
  readonly timeline: Timeline;
  readonly network: SimulatedNetwork;
  readonly ledger: Ledger;
  /** Whether a key may have been answered with one copy. */
  readonly lenient: boolean;
  readonly journals: boolean;
  readonly say: (text: string) => void;
  /** Clients do something: what happens then meets it half-way. */
  readonly use: () => void;
}

const imagesMost = 4;

/** All that goes wrong, one thing at a time, several of them at once. */
export class Trouble {
  /** How often each thing went wrong. */
  readonly counts: Record<string, number> = {};
  readonly #parts: TroubleParts;
  readonly #images: { readonly files: Image; readonly epoch: string }[] = [];
  readonly #armed = new Set<() => void>();

  constructor(parts: TroubleParts) {
    this.#parts = parts;
  }

  happen(): void {
    const { chance, nodes } = this.#parts;
    const node = chance.of(nodes);
    const other = node === nodes[0] ? nodes[1] : nodes[0];
    const what = chance.next();
    if (what < 0.34) this.#death(node, chance.of(['killed', 'power']));
    else if (what < 0.38) this.#bothLosePower();
    else if (what < 0.58) this.#network(node, other);
    else if (what < 0.72) this.#diskTrouble(node);
    else if (what < 0.84) this.#mishap(node);
    else this.#oldDisk();
  }

  /** Remembers the unlucky node's disk as it is, to be put back later. */
  remember(): void {
    const { unlucky, chance } = this.#parts;
    if (unlucky.life === undefined) return;
    const image = { files: unlucky.disk.image(), epoch: unlucky.life.keystore.replica.epoch };
    if (this.#images.length < imagesMost) this.#images.push(image);
    else this.#images[chance.below(imagesMost)] = image;
  }

  /** Nothing is to go wrong any more. */
  end(): void {
    for (const stop of this.#armed) stop();
    this.#armed.clear();
    const { nodes, network } = this.#parts;
    network.mend();
    for (const node of nodes) {
      node.able = true;
      node.keeper.away = false;
      node.plugged = true;
      node.skew = 0;
      node.fill(false);
      node.disk.mend();
    }
  }

  /** The unlucky node is gone with its disk; its journal is brought to the other one. */
  loseForGood(): SimulatedNode | undefined {
    const { nodes, unlucky, ledger, lenient } = this.#parts;
    if (unlucky.life === undefined) return undefined;
    const survivor = unlucky === nodes[0] ? nodes[1] : nodes[0];
    this.#count('disk lost for good');
    this.#parts.say(`the disk of ${unlucky.name} is gone for good`);
    ledger.disowns(unlucky, survivor, lenient);
    unlucky.die('power');
    return survivor;
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
    this.#parts.say(`— ${what}`);
  }

  /** Now, at the n-th turn of a promise, or at the n-th write or flush. */
  #death(node: SimulatedNode, death: Death): void {
    const { chance, timeline, use, say } = this.#parts;
    timeline.after(chance.below(2_500), () => {
      node.start();
    });
    if (node.life === undefined) return;
    this.#count(death === 'power' ? 'power cut' : 'process killed');
    use();
    const when = chance.next();
    if (when < 0.2) {
      say(`${node.name} dies`);
      node.die(death);
    } else if (when < 0.6) {
      const life = node.life;
      const turns = chance.below(chance.of([20, 200, 2_000]));
      say(`${node.name} dies in ${turns} turns`);
      const stop = afterTurns(turns, () => {
        this.#armed.delete(stop);
        if (node.life === life) node.die(death);
      });
      this.#armed.add(stop);
    } else {
      const operations = 1 + chance.below(chance.of([8, 60]));
      say(`${node.name} dies in ${operations} operations`);
      node.dying(death);
      node.disk.cutAfter(operations);
    }
  }

  #bothLosePower(): void {
    const { nodes, chance, timeline } = this.#parts;
    this.#count('power cut of both');
    for (const node of nodes) {
      if (node.life !== undefined) node.die('power');
      timeline.after(chance.below(2_500), () => {
        node.start();
      });
    }
  }

  #network(node: SimulatedNode, other: SimulatedNode): void {
    const { chance, network } = this.#parts;
    switch (chance.below(7)) {
      case 0:
        this.#count('one way cut');
        network.cut(node.id, other.id);
        return;
      case 1:
        this.#count('both ways cut');
        network.cut(node.id, other.id);
        network.cut(other.id, node.id);
        return;
      case 2:
        this.#count('messages again');
        network.repeats = 0.2;
        return;
      case 3:
        this.#count('bits flipped on the way');
        network.flips = 0.3;
        return;
      case 4:
        network.delay = chance.of([2, 50, 900]);
        this.#count('connections end');
        network.reset();
        return;
      default:
        this.#parts.say('the network is whole');
        network.mend();
    }
  }

  #diskTrouble(node: SimulatedNode): void {
    const { chance, timeline, use } = this.#parts;
    if (chance.happens(0.4)) {
      this.#count('flush fails');
      node.disk.failFlushAfter(1 + chance.below(4));
      use();
      return;
    }
    if (node.full) return;
    this.#count('disk full');
    node.fill(true, 1 + chance.below(12));
    timeline.after(500 + chance.below(6_000), () => {
      node.fill(false);
    });
  }

  #mishap(node: SimulatedNode): void {
    const { chance, say, journals } = this.#parts;
    switch (chance.below(journals ? 4 : 3)) {
      case 0:
        node.skew = chance.of([0, 3_600, -3_600, 1_000_000_000]);
        this.#count('clock jumps');
        say(`the clock of ${node.name} is ${node.skew} s ahead`);
        return;
      case 1:
        node.able = !node.able;
        this.#count('keeper proof changes');
        say(`the keeper of ${node.name} is ${node.able ? 'proven' : 'not proven'}`);
        return;
      case 2:
        node.keeper.away = !node.keeper.away;
        this.#count('keeper goes or comes');
        say(`the keeper of ${node.name} is ${node.keeper.away ? 'away' : 'there'}`);
        return;
      default:
        node.plugged = !node.plugged;
        this.#count('journal pulled or put in');
        say(`the journal of ${node.name} is ${node.plugged ? 'in' : 'out'}`);
    }
  }

  /** An image of an earlier hour is put back, or one is made. */
  #oldDisk(): void {
    const { unlucky, nodes, chance, timeline, ledger, lenient, say } = this.#parts;
    const other = unlucky === nodes[0] ? nodes[1] : nodes[0];
    const image = this.#images[chance.below(this.#images.length)];
    if (unlucky.life === undefined || chance.happens(0.4) || image === undefined) {
      this.remember();
      return;
    }
    this.#count('old disk put back');
    say(`the disk of ${unlucky.name} is put back`);
    if (image.epoch !== unlucky.life.keystore.replica.epoch) ledger.shouldNotice(unlucky, other);
    ledger.disowns(unlucky, other, lenient);
    unlucky.die('killed');
    unlucky.next = image.files;
    timeline.after(chance.below(2_500), () => {
      unlucky.start();
    });
  }
}
