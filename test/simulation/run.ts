import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { State } from '../../appliance/kmip/enumeration.ts';
import type { SqliteKeystore } from '../../appliance/keystore/store.ts';
import { makeKey, secretOf, testCluster } from '../harness/replica.ts';
import { Chance } from './chance.ts';
import { SimulatedNetwork } from './network.ts';
import { SimulatedNode } from './node.ts';
import { settle, Timeline } from './timeline.ts';

/** What one seed came to. */
export interface Outcome {
  readonly seed: number;
  /** What must never be, in words; none for a run that held. */
  readonly faults: readonly string[];
  /** Every step, with its moment. */
  readonly schedule: readonly string[];
  readonly acknowledged: number;
  readonly refused: number;
  readonly injected: number;
}

interface Key {
  readonly secret: Buffer;
  revoked: boolean;
  /** When somebody first wanted its end; and whether it was seen purged. */
  ended?: number;
  purged?: boolean;
  /** Last thing that was answered; `unsure` while an answer is owed. */
  fate: 'there' | 'destroyed' | 'unsure';
}

const troubleMilliseconds = 25_000;
const healMilliseconds = 60_000;
/** How long destroyed keys are kept, in seconds that a node runs. */
const retention = 4;

/** One seed: a pair that clients use while everything fails that may; then it has to be whole. */
export class Simulation {
  readonly #chance: Chance;
  readonly #timeline = new Timeline();
  readonly #network: SimulatedNetwork;
  readonly #folder: string;
  readonly #nodes: readonly [SimulatedNode, SimulatedNode];
  readonly #policy: 'refuse' | 'alone-for';
  readonly #schedule: string[] = [];
  readonly #faults: string[] = [];
  readonly #keys = new Map<string, Key>();
  /** The one node whose disk may be put back: two would be the loss of both copies. */
  readonly #unlucky: SimulatedNode;
  readonly #seed: number;
  #images: string[] = [];
  #acknowledged = 0;
  #refused = 0;
  #injected = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#chance = new Chance(seed);
    this.#network = new SimulatedNetwork(this.#timeline, this.#chance);
    const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    this.#folder = mkdtempSync(join(memory, 'twinlock-simulation-'));
    const world = {
      cluster: testCluster(),
      timeline: this.#timeline,
      chance: this.#chance,
      network: this.#network,
      say: (text: string): void => {
        this.#say(text);
      },
    };
    this.#nodes = [
      new SimulatedNode('one', this.#folder, world),
      new SimulatedNode('two', this.#folder, world),
    ];
    this.#policy = this.#chance.of(['refuse', 'alone-for']);
    this.#unlucky = this.#chance.of(this.#nodes);
  }

  async run(): Promise<Outcome> {
    try {
      await this.#pair();
      while (this.#timeline.elapsed < troubleMilliseconds) {
        if (this.#chance.happens(0.12)) await this.#trouble();
        else this.#use();
        await this.#pass(20 + this.#chance.below(400));
        this.#watchEnds();
      }
      await this.#heal();
      await this.#pass(2_000 * retention);
      await this.#heal();
      await this.#judge();
    } catch (error) {
      this.#faults.push(`the run broke: ${error instanceof Error ? (error.stack ?? '') : ''}`);
    } finally {
      for (const node of this.#nodes) await node.crash();
      rmSync(this.#folder, { recursive: true });
    }
    return {
      seed: this.#seed,
      faults: this.#faults,
      schedule: this.#schedule,
      acknowledged: this.#acknowledged,
      refused: this.#refused,
      injected: this.#injected,
    };
  }

  #say(text: string): void {
    this.#schedule.push(`${String(this.#timeline.elapsed).padStart(6)} ms  ${text}`);
  }

  async #pass(milliseconds: number): Promise<void> {
    await this.#timeline.runTo(this.#timeline.elapsed + milliseconds);
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
      const seconds = this.#policy === 'refuse' ? 0 : 259_200;
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
    this.#say(`paired, policy ${this.#policy}`);
    await this.#pass(3_000);
    await this.#unlucky.crash();
    this.#images.push(this.#unlucky.image());
    this.#unlucky.start();
  }

  /**
   * What clients do. Nobody waits for the answer: it may never come, and what a process says that
   * is dead already was heard by nobody.
   */
  #use(): void {
    const node = this.#chance.of(this.#nodes);
    const keystore = node.life?.keystore;
    if (keystore === undefined) return;
    const [id, key] = this.#anyKey();
    if (id === undefined || this.#chance.happens(0.6)) {
      void this.#create(node, keystore);
    } else if (this.#chance.happens(0.4)) {
      void this.#read(node, keystore, id, key);
    } else if (this.#chance.happens(0.4)) {
      void this.#revoke(node, keystore, id, key);
    } else {
      void this.#endOrUndo(node, keystore, id, key);
    }
  }

  #anyKey(): [string, Key] | [undefined, undefined] {
    const keys = [...this.#keys];
    return keys[this.#chance.below(Math.max(1, keys.length))] ?? [undefined, undefined];
  }

  async #create(node: SimulatedNode, keystore: SqliteKeystore): Promise<void> {
    const { name } = node;
    const secret = this.#chance.bytes(32);
    const id = this.#chance.bytes(16).toString('hex');
    try {
      await makeKey(keystore, Buffer.from(secret), id);
      if (node.life?.keystore !== keystore) return;
      this.#keys.set(id, { secret, revoked: false, fate: 'there' });
      this.#acknowledged++;
      this.#say(`${name} answers key ${id.slice(0, 8)}`);
    } catch (error) {
      this.#refused++;
      this.#say(`${name} refuses a key: ${codeOf(error)}`);
    }
  }

  async #read(node: SimulatedNode, keystore: SqliteKeystore, id: string, key: Key): Promise<void> {
    if (keystore.object(id)?.hasMaterial !== true) return;
    try {
      const found = await secretOf(keystore, id);
      if (!found.equals(key.secret)) this.#faults.push(`${node.name} gave a wrong secret of ${id}`);
    } catch (error) {
      // A record whose secret did not come yet may be here, on the node that did not make it.
      if (codeOf(error) !== 'material-missing') {
        this.#faults.push(`${node.name} could not read ${id}: ${codeOf(error)}`);
      }
    }
  }

  async #revoke(
    node: SimulatedNode,
    keystore: SqliteKeystore,
    id: string,
    key: Key,
  ): Promise<void> {
    const { name } = node;
    try {
      await keystore.change((draft) => {
        if (draft.object(id) === undefined) throw new Error('not there yet');
        draft.append({ kind: 'object-revoked', object: id, code: 2, date: 1 });
      });
      if (node.life?.keystore !== keystore) return;
      key.revoked = true;
      this.#say(`${name} revokes ${id.slice(0, 8)}`);
    } catch (error) {
      this.#say(`${name} does not revoke: ${codeOf(error)}`);
    }
  }

  async #endOrUndo(
    node: SimulatedNode,
    keystore: SqliteKeystore,
    id: string,
    key: Key,
  ): Promise<void> {
    const { name } = node;
    const undo = this.#chance.happens(0.3);
    const before = key.fate;
    key.fate = 'unsure';
    if (!undo) key.ended ??= this.#timeline.elapsed;
    try {
      const done = await keystore.change((draft) => {
        const object = draft.object(id);
        if (object === undefined) throw new Error('not there yet');
        if (undo && object.intents.length === 0) return false;
        if (undo) draft.append({ kind: 'destroy-cancelled', object: id });
        else draft.append({ kind: 'destroy-intended', object: id, date: 1 });
        return true;
      });
      if (node.life?.keystore !== keystore) return;
      // Undone here: an intent that the other node said at the same time stays.
      key.fate = done ? (undo ? 'unsure' : before === 'unsure' ? 'unsure' : 'destroyed') : before;
      this.#say(`${name} ${undo ? 'undestroys' : 'destroys'} ${id.slice(0, 8)}`);
    } catch (error) {
      this.#say(`${name} does not end: ${codeOf(error)}`);
    }
  }

  /** However clocks are set: nobody agrees to an end before its time. */
  #watchEnds(): void {
    for (const [id, key] of this.#keys) {
      if (key.ended === undefined || key.purged === true) continue;
      for (const { name, life } of this.#nodes) {
        const object = life?.keystore.object(id);
        const word = object?.intents.some(({ words }) => words.length > 0) === true;
        if (word && this.#timeline.elapsed - key.ended < 1000 * retention) {
          this.#faults.push(`${name} has agreed too soon to purge ${id}`);
        }
        if (object?.purged !== true) continue;
        key.purged = true;
        this.#say(`${name} has purged ${id.slice(0, 8)}`);
      }
    }
  }

  async #trouble(): Promise<void> {
    const node = this.#chance.of(this.#nodes);
    const other = node === this.#nodes[0] ? this.#nodes[1] : this.#nodes[0];
    this.#injected++;
    switch (this.#chance.below(8)) {
      case 0:
      case 1:
        await this.#crash(node);
        return;
      case 2:
        this.#say(`nothing goes from ${node.name} to ${other.name}`);
        this.#network.cut(node.id, other.id);
        return;
      case 3:
        this.#say('the nodes are apart');
        this.#network.cut(node.id, other.id);
        this.#network.cut(other.id, node.id);
        return;
      case 4:
        this.#say('the network is whole');
        this.#network.mend();
        return;
      case 5:
        this.#network.delay = this.#chance.of([2, 50, 900]);
        this.#say(`messages take up to ${this.#network.delay} ms; connections end`);
        this.#network.reset();
        return;
      case 6:
        node.skew = this.#chance.of([0, 3_600, -3_600, 1_000_000_000]);
        this.#say(`the clock of ${node.name} is ${node.skew} s ahead`);
        return;
      default:
        await this.#misfortune(node);
    }
  }

  async #misfortune(node: SimulatedNode): Promise<void> {
    if (this.#chance.happens(0.5)) {
      node.able = !node.able;
      this.#say(`the keeper of ${node.name} is ${node.able ? 'proven' : 'not proven'}`);
      return;
    }
    if (this.#policy !== 'refuse' || this.#unlucky.life === undefined) return;
    await this.#unlucky.crash();
    if (this.#chance.happens(0.5)) {
      const image = this.#images[this.#chance.below(this.#images.length)];
      if (image !== undefined) this.#unlucky.putBack(image);
      this.#say(`the disk of ${this.#unlucky.name} is put back`);
    } else {
      this.#images.push(this.#unlucky.image());
    }
    this.#unlucky.start();
  }

  /** At any turn between an event and its consequences. */
  async #crash(node: SimulatedNode): Promise<void> {
    if (node.life !== undefined) {
      this.#use();
      await settle(this.#chance.below(6));
      this.#say(`${node.name} dies`);
      await node.crash();
      await this.#pass(this.#chance.below(2_000));
    }
    this.#say(`${node.name} starts`);
    node.start();
  }

  async #heal(): Promise<void> {
    this.#say('everything is whole again');
    this.#network.mend();
    for (const node of this.#nodes) {
      node.able = true;
      node.skew = 0;
      if (node.life === undefined) node.start();
    }
    const end = this.#timeline.elapsed + healMilliseconds;
    while (this.#timeline.elapsed < end && !(await this.#isWhole())) await this.#pass(1_000);
    if (!(await this.#isWhole())) this.#faults.push('the nodes did not come together again');
  }

  async #isWhole(): Promise<boolean> {
    const [one, two] = this.#nodes.map(({ life }) => life);
    if (one === undefined || two === undefined) return false;
    if (one.history.wound !== undefined || two.history.wound !== undefined) return false;
    const [a, b] = [one.keystore.replica, two.keystore.replica];
    if (JSON.stringify(a.heads()) !== JSON.stringify(b.heads())) return false;
    if (a.lacking(1).length + b.lacking(1).length > 0) return false;
    const now = (): Promise<void> => Promise.resolve();
    return (await a.digest(now)).digest === (await b.digest(now)).digest;
  }

  async #judge(): Promise<void> {
    for (const { name, life } of this.#nodes) {
      if (life === undefined) continue;
      const { auditBreak } = life.keystore.verify();
      if (auditBreak !== undefined) this.#faults.push(`the audit of ${name} breaks`);
      for (const [id, key] of this.#keys) await this.#judgeKey(name, life.keystore, id, key);
    }
  }

  async #judgeKey(name: string, keystore: SqliteKeystore, id: string, key: Key): Promise<void> {
    const object = keystore.object(id);
    if (object === undefined) {
      this.#faults.push(`key ${id} was answered and is lost on ${name}`);
      return;
    }
    this.#judgeEnd(name, keystore, id, key);
    const found = await secretOf(keystore, id).catch(() => undefined);
    if (object.purged) return;
    if (found === undefined) this.#faults.push(`the secret of ${id} is lost on ${name}`);
    else if (!found.equals(key.secret)) this.#faults.push(`${id} has another secret on ${name}`);
    const gone = [State.Destroyed, State.DestroyedCompromised].includes(object.state as 5 | 6);
    const rolledBack = this.#policy === 'refuse';
    if (key.fate === 'destroyed' && !gone && !rolledBack) {
      this.#faults.push(`${id} was destroyed and is there again on ${name}`);
    }
    if (key.revoked && object.compromiseDate === undefined && !rolledBack) {
      this.#faults.push(`${id} was compromised and is not any more on ${name}`);
    }
  }

  #judgeEnd(name: string, keystore: SqliteKeystore, id: string, key: Key): void {
    const object = keystore.object(id);
    if (object?.purged !== true) return;
    if (key.fate === 'there') this.#faults.push(`${id} was purged on ${name}, and nobody said so`);
    if (keystore.replica.materials([id]).length > 0) {
      this.#faults.push(`${id} is purged on ${name} and its secret is there`);
    }
    // A disk put back to before its node's word may take back what the other one has purged.
    const undone = object.conflicts.some(({ about }) => about === 'purge');
    if (undone && this.#policy !== 'refuse') {
      this.#faults.push(`${id} was taken back and is purged on ${name}`);
    }
  }
}

function codeOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === 'string' ? code : String(message);
}
