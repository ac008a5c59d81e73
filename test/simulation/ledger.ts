import type { AuditEntry } from '../../appliance/audit/event.ts';
import { State } from '../../appliance/kmip/enumeration.ts';
import type { ManagedObject } from '../../appliance/keystore/managed-object.ts';
import type { SqliteKeystore } from '../../appliance/keystore/store.ts';
import { secretOf } from '../harness/replica.ts';
import type { SimulatedNode } from './node.ts';

/** What clients were told of one key. */
export interface Key {
  readonly id: string;
  readonly secret: Buffer;
  readonly creator: SimulatedNode;
  /** Where it lay when it was answered. */
  readonly copies: 'single' | 'journal' | 'both';
  /** The nodes that answered that it is compromised. */
  readonly revokers: Set<SimulatedNode>;
  /** Last thing that was answered; `unsure` while an answer is owed. */
  fate: 'there' | 'destroyed' | 'unsure';
  /** Who answered that last thing. */
  by: SimulatedNode;
  /** The nodes that have to give it whenever they are asked. */
  readonly holders: Set<SimulatedNode>;
  /** The nodes at which it was seen compromised. */
  readonly seen: Set<SimulatedNode>;
  /** When somebody first wanted its end, in milliseconds; and whether it was seen purged. */
  ended?: number;
  purged?: boolean;
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}

const gone: readonly State[] = [State.Destroyed, State.DestroyedCompromised];

/** All that was answered to clients, and what must never be. */
export class Ledger {
  readonly keys = new Map<string, Key>();
  readonly #fault: (text: string) => void;
  readonly #say: (text: string) => void;
  readonly #elapsed: () => number;
  /** Whether a disk was put back: then a word may be gone that another one has heard. */
  #forgetful = false;
  readonly #rollbacks = new Map<SimulatedNode, number>();
  /** Nodes that have to notice that their disks are old. */
  readonly #rolledBack = new Set<SimulatedNode>();
  /** Acts that a node answered and whose audit entries it has to have. */
  readonly #acts = new Map<SimulatedNode, Set<string>>();

  constructor(fault: (text: string) => void, say: (text: string) => void, elapsed: () => number) {
    this.#fault = fault;
    this.#say = say;
    this.#elapsed = elapsed;
  }

  /** A client wants a key's end. */
  ending(key: Key): void {
    key.ended ??= this.#elapsed();
  }

  /** However clocks are set: nobody agrees to an end before its time. */
  watchEnds(nodes: readonly SimulatedNode[], retention: number): void {
    for (const key of this.keys.values()) {
      if (key.ended === undefined || key.purged === true) continue;
      for (const { name, life } of nodes) {
        const object = life?.keystore.object(key.id);
        const word = object?.intents.some(({ words }) => words.length > 0) === true;
        if (word && this.#elapsed() - key.ended < 1000 * retention) {
          this.#fault(`${name} has agreed too soon to purge ${key.id}`);
        }
        if (object?.purged !== true) continue;
        key.purged = true;
        this.#say(`${name} has purged ${key.id.slice(0, 8)}`);
      }
    }
  }

  any(at: number): Key | undefined {
    return [...this.keys.values()][at];
  }

  /** How often a node had an older disk put back. */
  rollbacks(node: SimulatedNode): number {
    return this.#rollbacks.get(node) ?? 0;
  }

  /** `before`: how often the other node had been put back when the key was asked for. */
  created(
    node: SimulatedNode,
    other: SimulatedNode,
    { id, secret, before }: { id: string; secret: Buffer; before: number },
  ): void {
    const holders = new Set([node]);
    const copies = node.life?.keystore.copies(id) ?? 'single';
    // Its word may have been under way while its disk was put back.
    if (copies === 'both' && this.rollbacks(other) === before) holders.add(other);
    const common = { revokers: new Set<SimulatedNode>(), seen: new Set<SimulatedNode>() };
    this.keys.set(id, {
      ...{ id, secret, creator: node, copies, fate: 'there', by: node, holders, ...common },
    });
  }

  did(node: SimulatedNode, act: string, object: string): void {
    const acts = this.#acts.get(node) ?? new Set();
    this.#acts.set(node, acts.add(`${act} ${object}`));
  }

  /** What a client that asks a node for a key may find. */
  async read(node: SimulatedNode, key: Key): Promise<void> {
    const keystore = node.life?.keystore;
    if (keystore === undefined || node.keeper.away) return;
    const expected = key.holders.has(node);
    const object = keystore.object(key.id);
    if (object?.purged === true) return;
    if (object?.compromiseDate !== undefined) key.seen.add(node);
    else if (key.seen.has(node)) this.#fault(`${key.id} was compromised, as ${node.name} said`);
    try {
      const found = await secretOf(keystore, key.id);
      if (!found.equals(key.secret)) this.#fault(`${node.name} gave a wrong secret of ${key.id}`);
      else if (node.life?.keystore === keystore) key.holders.add(node);
    } catch (error) {
      // A keeper that went away meanwhile, or a process that died.
      if (!expected || node.life?.keystore !== keystore) return;
      if (codeOf(error) === 'keeper-unavailable') return;
      this.#fault(`${node.name} did not give ${key.id}, which it has: ${String(error)}`);
    }
  }

  /** A node's disk will not know its present epoch; where its peer does, it has to notice. */
  shouldNotice(node: SimulatedNode, other: SimulatedNode): void {
    const epoch = node.life?.keystore.replica.epoch ?? '';
    if (other.life?.keystore.replica.authorOf(epoch) !== undefined) this.#rolledBack.add(node);
  }

  /**
   * A node loses its disk, or has an older one: while it lives still, says what goes with it. What
   * was answered with one copy, as the policy allows, may be lost; nothing else.
   */
  disowns(node: SimulatedNode, other: SimulatedNode, lenient: boolean): void {
    const there = other.life?.keystore;
    const copies = node.life?.keystore;
    if (copies === undefined) throw new Error('it does not live');
    this.#forgetful = true;
    this.#rollbacks.set(node, this.rollbacks(node) + 1);
    for (const key of this.keys.values()) {
      key.holders.delete(node);
      key.seen.delete(node);
      const elsewhere = there?.object(key.id);
      if (key.revokers.has(node) && elsewhere?.compromiseDate === undefined) {
        key.revokers.delete(node);
      }
      const isGone = elsewhere !== undefined && gone.includes(elsewhere.state);
      if (key.by === node && key.fate === 'destroyed' && !isGone) key.fate = 'unsure';
      if (key.creator !== node || key.copies !== 'single' || key.holders.has(other)) continue;
      const safe = (there?.replica.materials([key.id]).length ?? 0) > 0;
      if (safe || copies.copies(key.id) !== 'single') continue;
      if (!lenient) this.#fault(`${key.id} was answered, and ${node.name} alone has it`);
      this.keys.delete(key.id);
    }
    this.#acts.delete(node);
  }

  /** In the end, of nodes that came together again. */
  async judge(nodes: readonly SimulatedNode[]): Promise<void> {
    for (const node of nodes) {
      const keystore = node.life?.keystore;
      if (keystore === undefined) continue;
      if (keystore.failure !== undefined) this.#fault(`${node.name} does not write`);
      const { auditBreak } = keystore.verify();
      if (auditBreak !== undefined) this.#fault(`the audit of ${node.name} breaks`);
      this.#judgeAudit(node, keystore);
      this.#judgePast(node, keystore);
      for (const key of this.keys.values()) await this.#judgeKey(node, keystore, key);
    }
  }

  #judgeAudit(node: SimulatedNode, { trail }: SqliteKeystore): void {
    const said = new Set<string>();
    for (let after = 0; ;) {
      const page = trail.page(after, 1_000);
      if (page.length === 0) break;
      for (const { entry } of page) {
        const { act, object } = JSON.parse(entry) as AuditEntry;
        said.add(`${act} ${object ?? ''}`);
      }
      after = page.at(-1)?.seq ?? after;
    }
    for (const act of this.#acts.get(node) ?? []) {
      if (!said.has(act)) this.#fault(`the audit of ${node.name} lacks ${act}`);
    }
  }

  #judgePast(node: SimulatedNode, { replica }: SqliteKeystore): void {
    const fork = replica.conflicts(100).find(({ kind }) => kind === 'fork');
    if (fork !== undefined) {
      this.#fault(`${node.name} knows two records of one place: ${JSON.stringify(fork)}`);
    }
    const healed = replica.healings().some((healing) => healing.node === node.id);
    if (this.#rolledBack.has(node) && !healed) {
      this.#fault(`${node.name} did not notice that its disk was put back`);
    }
  }

  async #judgeKey({ name }: SimulatedNode, keystore: SqliteKeystore, key: Key): Promise<void> {
    const { id } = key;
    const object = keystore.object(id);
    if (object === undefined) {
      this.#fault(`key ${id} was answered and is lost on ${name}`);
      return;
    }
    this.#judgeConflicts(name, object);
    if (object.purged) {
      this.#judgePurged(name, keystore, key);
      return;
    }
    const found = await secretOf(keystore, id).catch(() => undefined);
    if (found === undefined) this.#fault(`the secret of ${id} is lost on ${name}`);
    else if (!found.equals(key.secret)) this.#fault(`${id} has another secret on ${name}`);
    if (key.fate === 'destroyed' && !gone.includes(object.state)) {
      this.#fault(`${id} was destroyed and is there again on ${name}`);
    }
    if (key.revokers.size > 0 && object.compromiseDate === undefined) {
      this.#fault(`${id} was compromised and is not any more on ${name}`);
    }
  }

  #judgeConflicts(name: string, { uniqueIdentifier: id, conflicts }: ManagedObject): void {
    for (const { about } of conflicts) {
      if (about === 'purge' && this.#forgetful) continue;
      this.#fault(`${id} has a conflict about its ${about} on ${name}`);
    }
  }

  #judgePurged(name: string, { replica }: SqliteKeystore, { id, fate }: Key): void {
    if (fate === 'there') this.#fault(`${id} was purged on ${name}, and nobody said so`);
    if (replica.materials([id]).length === 0) return;
    this.#fault(`${id} is purged on ${name} and its secret is there`);
  }
}
