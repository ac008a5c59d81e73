import { createHash, createSecretKey } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { Alone } from './alone.ts';
import { Chance } from './chance.ts';
import { Clients } from './clients.ts';
import { SimulatedWrapping } from './keeper.ts';
import { Ledger } from './ledger.ts';
import { SimulatedNetwork } from './network.ts';
import { SimulatedNode } from './node.ts';
import { Timeline } from './timeline.ts';
import { Trouble } from './trouble.ts';

/** What one seed came to. */
export interface Outcome {
  readonly seed: number;
  /** What must never be, in words; none for a run that held. */
  readonly faults: readonly string[];
  /** Every step, with its moment. */
  readonly schedule: readonly string[];
  /** SHA-256 of the schedule, of every message, and of what both nodes did to their disks. */
  readonly trace: string;
  readonly acknowledged: number;
  readonly refused: number;
  /** How often each thing went wrong. */
  readonly injected: Readonly<Record<string, number>>;
  /** Milliseconds until both nodes were whole and equal again. */
  readonly healed: number;
}

const troubleMilliseconds = 25_000;
const healMilliseconds = 60_000;
/** How long destroyed keys are kept, in seconds that a node runs. */
const retention = 4;
/** How long creates go on alone: longer than any trouble here, or so short that it runs out. */
const aloneSeconds = [259_200, 1] as const;

/** One seed: a pair that clients use while everything fails that may; then it has to be whole. */
export class Simulation {
  readonly #chance: Chance;
  readonly #timeline = new Timeline();
  readonly #network: SimulatedNetwork;
  readonly #folder: string;
  readonly #nodes: readonly [SimulatedNode, SimulatedNode];
  readonly #policy: 'refuse' | 'alone-for';
  readonly #seconds: number;
  readonly #journals: boolean;
  readonly #schedule: string[] = [];
  readonly #messages = createHash('sha256');
  readonly #faults: string[] = [];
  readonly #ledger: Ledger;
  readonly #clients: Clients;
  readonly #trouble: Trouble;
  readonly #unlucky: SimulatedNode;
  readonly #seed: number;
  #healed = 0;

  /** `root`: the folder that the shim watches. */
  constructor(seed: number, root: string) {
    this.#seed = seed;
    const chance = new Chance(seed);
    const timeline = this.#timeline;
    this.#chance = chance;
    this.#network = new SimulatedNetwork(timeline, chance, (text) => {
      this.#messages.update(`${timeline.elapsed} ${text}\n`);
    });
    this.#folder = mkdtempSync(join(root, 'seed-'));
    const say = (text: string): void => {
      this.#schedule.push(`${String(timeline.elapsed).padStart(6)} ms  ${text}`);
    };
    const fault = (text: string): void => {
      say(`!! ${text}`);
      this.#faults.push(text);
    };
    this.#policy = chance.of(['refuse', 'alone-for']);
    this.#seconds = this.#policy === 'refuse' ? 0 : chance.of(aloneSeconds);
    this.#journals = chance.happens(0.5);
    const world = {
      ...{ chance, timeline, network: this.#network, say, fault, journals: this.#journals },
      folder: this.#folder,
      cluster: chance.bytes(16).toString('hex'),
      commitmentKey: createSecretKey(chance.bytes(32)),
      wrapping: new SimulatedWrapping(chance.bytes(32), chance.bytes(16)),
    };
    const nodes = [new SimulatedNode('one', world), new SimulatedNode('two', world)] as const;
    this.#nodes = nodes;
    this.#network.isAlive = (id) => nodes.some((node) => node.id === id && !node.disk.off);
    const alone = new Alone(nodes, this.#network, timeline);
    timeline.onSettled = async () => {
      alone.look();
      for (const node of nodes) if (node.isDead) await this.#bury(node);
    };
    this.#unlucky = chance.of(nodes);
    this.#ledger = new Ledger(fault, say, () => timeline.elapsed);
    this.#clients = new Clients({
      ...{ nodes, chance, ledger: this.#ledger, say },
      onSingle: (node, id) => {
        if (!alone.isLongerThan(node, this.#seconds)) return;
        fault(`${id} was answered by ${node.name}, alone for longer than ${this.#seconds} s`);
      },
    });
    this.#trouble = new Trouble({
      ...{ nodes, unlucky: this.#unlucky, chance, timeline, network: this.#network, say },
      ledger: this.#ledger,
      lenient: this.#policy === 'alone-for',
      journals: this.#journals,
      use: () => {
        this.#clients.act();
      },
    });
  }

  async run(): Promise<Outcome> {
    let survivor: SimulatedNode | undefined;
    try {
      await this.#pair();
      while (this.#timeline.elapsed < troubleMilliseconds) {
        if (this.#chance.happens(0.14)) this.#trouble.happen();
        else this.#clients.act();
        await this.#pass(20 + this.#chance.below(400));
        this.#ledger.watchEnds(this.#nodes, retention);
      }
      if (this.#chance.happens(0.25)) survivor = this.#trouble.loseForGood();
      await this.#heal(survivor);
      await this.#purge(survivor);
      await this.#ledger.judge(survivor === undefined ? this.#nodes : [survivor]);
    } catch (error) {
      this.#faults.push(`the run broke: ${error instanceof Error ? (error.stack ?? '') : ''}`);
    } finally {
      this.#trouble.end();
      for (const node of this.#nodes) {
        node.die('killed');
        await node.bury();
      }
    }
    const trace = this.#traced();
    for (const node of this.#nodes) node.discard();
    rmSync(this.#folder, { recursive: true });
    const { acknowledged, refused } = this.#clients;
    return {
      ...{ seed: this.#seed, faults: this.#faults, schedule: this.#schedule, trace },
      ...{ acknowledged, refused, injected: this.#trouble.counts, healed: this.#healed },
    };
  }

  #traced(): string {
    const disks = this.#nodes.flatMap(({ disk, stick }) => [disk, stick]);
    for (const { operations, flushes } of disks) this.#messages.update(`${operations} ${flushes}`);
    return this.#messages.update(this.#schedule.join('\n')).digest('hex');
  }

  #say(text: string): void {
    this.#schedule.push(`${String(this.#timeline.elapsed).padStart(6)} ms  ${text}`);
  }

  async #bury(node: SimulatedNode): Promise<void> {
    this.#say(`${node.name} is dead`);
    await node.bury();
  }

  async #pass(milliseconds: number): Promise<void> {
    const { elapsed } = this.#timeline;
    // What was said before any event has its consequences, too.
    this.#timeline.after(0, () => undefined);
    await this.#timeline.runTo(elapsed + milliseconds);
  }

  async #pair(): Promise<void> {
    const [one, two] = this.#nodes;
    const [first, second] = [one.open(), two.open()];
    await first.change((draft) => {
      for (const { id: node, name, publicKey: recordKey } of this.#nodes) {
        const addresses = [name];
        draft.append({
          ...{ kind: 'member-joined', node, name, recordKey, transportKey: '', addresses },
        });
      }
      const seconds = this.#seconds;
      draft.append({ kind: 'copy-policy-set', policy: this.#policy, seconds });
      draft.append({ kind: 'retention-set', seconds: retention });
    });
    await second.replica.trust(one.id, one.publicKey, 'paired');
    await second.replica.ingest(
      first.replica.after({}, { records: 100, bytes: 1 << 20 }).entries,
      one.id,
    );
    await first.close();
    await second.close();
    for (const node of this.#nodes) node.start();
    const policy = `${this.#policy} ${this.#seconds} s`;
    this.#say(`paired, policy ${policy}, journals: ${this.#journals ? 'yes' : 'no'}`);
    await this.#pass(3_000);
    this.#trouble.remember();
  }

  /** Whole, they come to the ends of keys whose time is over. */
  async #purge(survivor: SimulatedNode | undefined): Promise<void> {
    const nodes = survivor === undefined ? this.#nodes : [survivor];
    await this.#pass(2_000 * retention);
    this.#ledger.watchEnds(nodes, retention);
    const lack = await this.#comeTogether(nodes);
    if (lack !== undefined) this.#faults.push(`not whole after purges: ${lack}`);
  }

  async #heal(survivor: SimulatedNode | undefined): Promise<void> {
    await this.#pass(1);
    this.#say('everything is whole again');
    this.#trouble.end();
    if (survivor !== undefined) {
      if (survivor.life !== undefined) survivor.die('killed');
      await this.#pass(1);
      const stick = new Map([...survivor.stick.image(), ...this.#unlucky.stick.image()]);
      survivor.stick.put(stick);
    }
    const nodes = survivor === undefined ? this.#nodes : [survivor];
    for (const node of nodes) node.start();
    const begun = this.#timeline.elapsed;
    const lack = await this.#comeTogether(nodes);
    if (lack !== undefined) this.#faults.push(`not whole again: ${lack}`);
    this.#healed = this.#timeline.elapsed - begun;
  }

  async #comeTogether(nodes: readonly SimulatedNode[]): Promise<string | undefined> {
    const end = this.#timeline.elapsed + healMilliseconds;
    for (;;) {
      const lack = await this.#lacks(nodes);
      if (lack === undefined || this.#timeline.elapsed > end) return lack;
      await this.#pass(250);
    }
  }

  /** What keeps nodes from being whole and equal; undefined for those that are. */
  async #lacks(nodes: readonly SimulatedNode[]): Promise<string | undefined> {
    for (const { name, life } of nodes) {
      if (life === undefined) return `${name} does not live`;
      const { history, keystore, journalsTaken } = life;
      if (history.wound !== undefined) return `${name} is not healed`;
      if (keystore.failure !== undefined) return `${name} does not write`;
      if (!journalsTaken) return `${name} did not take its journals`;
      const lacking = keystore.replica.lacking(1_000);
      const lost = lacking.find((object) => this.#ledger.keys.has(object));
      if (lost !== undefined) return `${name} lacks the secret of ${lost}`;
    }
    const [a, b] = nodes.map(({ life }) => life?.keystore.replica);
    if (a === undefined || b === undefined) return undefined;
    if (JSON.stringify(a.heads()) !== JSON.stringify(b.heads())) return 'heads differ';
    const now = (): Promise<void> => Promise.resolve();
    const [one, two] = [await a.digest(now), await b.digest(now)];
    return one.digest === two.digest ? undefined : 'states differ';
  }
}

/** Memory, so that the disk of this machine is worn by no seed. */
export function memoryFolder(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : '/tmp';
}
