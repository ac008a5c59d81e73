import type { Keeper } from '../keeper-client/keeper.ts';
import type { Member } from '../keystore/membership.ts';
import { databaseHolder, lackingMost } from '../keystore/receipt.ts';
import { decodeHead, hashOf } from '../keystore/record.ts';
import type { RecordHead } from '../keystore/record.ts';
import type { Heads } from '../keystore/record-log.ts';
import type { PeerView, RecordCarrier } from './carrier.ts';
import { namedEpochs } from './greeting.ts';
import { LogReader } from './log-reader.ts';
import { encodeEntries, readBeat, toJson } from './message.ts';
import type { Beat } from './message.ts';
import { missing } from './past.ts';
import { RowSeal } from './row-seal.ts';
import { impatient, SharedLogError } from './shared-log.ts';
import type { SealedRow, SharedLog } from './shared-log.ts';
import type { PairCarrierParts } from './pair-carrier.ts';
import { pause } from './surroundings.ts';

const page = { records: 64, bytes: 1 << 20 };
/** A client waits this long for the commit; then the database counts as slow until it is over. */
const confirmMilliseconds = 2_000;
/** Nobody is woken where a notification was lost: then it is looked. */
const lookMilliseconds = 1_000;
const standingMilliseconds = 5_000;
/** Three words that did not come. */
const silenceMilliseconds = 16_000;
/** A server that does not answer for so long is given up, and what it was given is in doubt. */
const hangMilliseconds = 10_000;
const retryMilliseconds = 1_000;

export interface FleetCarrierParts extends Pick<
  PairCarrierParts,
  'replica' | 'onRecords' | 'surroundings' | 'history' | 'able'
> {
  readonly keeper: Keeper;
  /** Throws SharedLogError. */
  readonly connect: () => Promise<SharedLog>;
}

interface Heard {
  readonly sealed: Buffer;
  readonly at: number;
  readonly time: number;
  readonly beat: Beat;
}

interface Waiter {
  readonly epoch: string;
  readonly seq: number;
  readonly end: (confirmed: boolean) => void;
}

/** Carries records over a log that all nodes share: a database with two copies of each commit. */
export class FleetCarrier implements RecordCarrier {
  readonly #parts: FleetCarrierParts;
  readonly #waiters = new Set<Waiter>();
  readonly #listeners = new Set<() => void>();
  readonly #heard = new Map<string, Heard>();
  /** Per epoch, the newest record that a commit has confirmed, in this connection or one before. */
  readonly #lasting = new Map<string, number>();
  #unsubscribe: (() => void) | undefined;
  #log: SharedLog | undefined;
  #reader: LogReader | undefined;
  #seal: RowSeal | undefined;
  #running: Promise<void> = Promise.resolve();
  #wakeReading: () => void = () => {};
  #stopped = false;
  #caughtUp = false;
  #standby = false;
  #slow = false;
  #publishing = false;
  #again = false;
  #said = Number.NEGATIVE_INFINITY;
  #trouble: string | undefined = 'the database was not reached yet';

  constructor(parts: FleetCarrierParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#unsubscribe = this.#parts.onRecords(() => void this.#publish());
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe?.();
    for (const waiter of this.#waiters) waiter.end(false);
    this.#log?.close();
    this.#wakeReading();
    await this.#running;
    await this.#reader?.stop().catch(() => {});
  }

  get present(): boolean {
    return this.#log !== undefined && this.#caughtUp && this.#standby && !this.#slow;
  }

  confirmed(records: readonly RecordHead[]): Promise<boolean> {
    const last = records.at(-1);
    if (last === undefined) return Promise.resolve(true);
    if (!this.present) return Promise.resolve(false);
    return new Promise((resolve) => {
      const cancel = this.#parts.surroundings.after(confirmMilliseconds, () => {
        this.#slow = true;
        waiter.end(false);
        this.#changed();
      });
      const waiter: Waiter = {
        epoch: last.epoch,
        seq: last.seq,
        end: (confirmed) => {
          cancel();
          this.#waiters.delete(waiter);
          resolve(confirmed);
        },
      };
      this.#waiters.add(waiter);
      this.#answer();
      void this.#publish();
    });
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  alarms(): string[] {
    const { unreadable, refused, restored } = this.#reader?.faults ?? {};
    const { slow, standby, log } = { slow: this.#slow, standby: this.#standby, log: this.#log };
    return [
      ...(log === undefined ? [`the database is away (${this.#trouble ?? 'unknown'})`] : []),
      ...(log !== undefined && !standby
        ? ['the database has no synchronous standby: bring it back, or name one']
        : []),
      ...(slow ? ['the database answers late: look at its standby and the network'] : []),
      ...(unreadable ? [`${unreadable} rows of the database are not what a node wrote`] : []),
      ...(refused
        ? [`${refused} records of the database are not taken: one before them lacks`]
        : []),
      ...(restored
        ? ['an older database was put back: the nodes have given it what it lacks']
        : []),
    ];
  }

  peers(): PeerView[] {
    const { replica, surroundings } = this.#parts;
    const now = surroundings.elapsed();
    return this.#members().map(({ node, name }) => {
      const heard = this.#heard.get(node);
      const heads = replica.receipts.heads(node);
      const isHere = heard !== undefined && now - heard.at < silenceMilliseconds;
      const able = heard?.beat.able === true;
      return {
        node,
        name,
        state: isHere ? (able ? 'present' : 'unable') : 'away',
        ...(heard === undefined ? {} : { heard: heard.time }),
        lag: missing(heads, replica.heads()),
        heads,
        ...(heard === undefined ? {} : { skew: heard.beat.time - heard.time }),
        features: [],
        lacking: heard?.beat.lacking.length ?? 0,
      } satisfies PeerView;
    });
  }

  #members(): Member[] {
    const { replica } = this.#parts;
    return replica.members().filter(({ node, removed }) => node !== replica.node && !removed);
  }

  async #run(): Promise<void> {
    const { surroundings } = this.#parts;
    while (!this.#isStopped()) {
      try {
        await this.#live();
      } catch (error) {
        this.#trouble = error instanceof Error ? error.message : 'unknown';
        if (!this.#isStopped()) {
          surroundings.log('warn', 'the database is away', { error: this.#trouble });
        }
      }
      this.#leave();
      if (!this.#isStopped()) await pause(surroundings, retryMilliseconds);
    }
  }

  /** One connection's life. */
  async #live(): Promise<void> {
    const { replica, keeper, surroundings } = this.#parts;
    this.#seal ??= await RowSeal.open(keeper, replica.cluster, surroundings);
    const stopped = (): boolean => this.#isStopped();
    this.#reader ??= new LogReader({ ...this.#parts, seal: this.#seal, stopped });
    const log = impatient(await this.#parts.connect(), surroundings.after, hangMilliseconds);
    const ended: string[] = [];
    log.onEnd((why) => {
      ended.push(why);
      this.#wakeReading();
    });
    this.#log = log;
    if (stopped()) return;
    await this.#reader.meet(log);
    let wakes = 0;
    log.onWake(() => {
      wakes++;
      this.#wakeReading();
    });
    const over = (): boolean => stopped() || ended.length > 0;
    while (!over()) {
      const before = wakes;
      this.#standby = await log.hasStandby();
      await this.#hear(log);
      await this.#reader.follow(log);
      if (!this.#caughtUp) {
        this.#caughtUp = true;
        surroundings.log('info', 'everything of the database is read');
      }
      void this.#publish();
      this.#changed();
      if (wakes === before && !over()) await this.#sleep();
    }
    const [why] = ended;
    if (why !== undefined) throw new SharedLogError('unreachable', why);
  }

  #isStopped(): boolean {
    return this.#stopped;
  }

  #leave(): void {
    this.#log?.close();
    this.#log = undefined;
    this.#caughtUp = false;
    this.#standby = false;
    this.#changed();
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#parts.surroundings.after(lookMilliseconds, resolve);
      this.#wakeReading = () => {
        cancel();
        resolve();
      };
    });
  }

  /** What the nodes say of themselves; of this one, how far it had come in its last life. */
  async #hear(log: SharedLog): Promise<void> {
    const { replica, surroundings, history } = this.#parts;
    const seal = this.#seal;
    if (seal === undefined) return;
    const rows = await log.standings();
    for (const { node } of [{ node: replica.node }, ...this.#members()]) {
      const name = seal.name('standing', node);
      const row = rows.find(({ id }) => id.equals(name));
      if (row === undefined || this.#heard.get(node)?.sealed.equals(row.sealed) === true) continue;
      const beat = await readStanding(seal, row);
      if (beat === undefined) continue;
      if (node === replica.node) {
        if (!this.#caughtUp) history.lost(beat.heads);
        continue;
      }
      const [at, time] = [surroundings.elapsed(), surroundings.now()];
      this.#heard.set(node, { sealed: row.sealed, at, time, beat });
      replica.receipts.noteLacking(node, beat.lacking);
      if (beat.able) replica.receipts.note(node, beat.heads);
    }
  }

  /** Gives the log what it lacks, whoever wrote it, one transaction after the other. */
  async #publish(): Promise<void> {
    this.#again = true;
    if (this.#publishing) return;
    this.#publishing = true;
    const log = this.#log;
    try {
      while (this.#again && !this.#stopped && this.#caughtUp && log !== undefined) {
        this.#again = false;
        await this.#publishAll(log);
        await this.#settle(log);
        await this.#sayStanding(log);
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      this.#parts.surroundings.log('warn', 'the database did not take records', { error: text });
      const { code } = error as { code?: string };
      if (code === 'no-standby') this.#standby = false;
      // What is in doubt is settled on another connection, by giving it once more.
      else log?.close();
      this.#changed();
    } finally {
      this.#publishing = false;
    }
  }

  async #publishAll(log: SharedLog): Promise<void> {
    const { replica } = this.#parts;
    const seal = this.#seal;
    if (seal === undefined) return;
    while (!this.#stopped) {
      const from = replica.receipts.heads(databaseHolder);
      const { entries } = replica.after(from, page);
      if (entries.length === 0) return;
      const rows: SealedRow[] = [];
      const reached: Record<string, readonly [number, string]> = {};
      for (const entry of entries) {
        const head = decodeHead(entry.body);
        const hash = hashOf(entry.body).toString('hex');
        if (head !== undefined) reached[head.epoch] = [head.seq, hash];
        rows.push(await seal.seal(seal.name('record', hash), encodeEntries([entry])));
      }
      const standing = await this.#standing(seal);
      await this.#commit(log, rows, standing);
      this.#noteReached(from, reached);
      this.#confirm(reached);
      this.#changed();
    }
  }

  /** What was seen there before it lasts as well: it is earlier in the database's own log. */
  async #commit(log: SharedLog, rows: readonly SealedRow[], standing: SealedRow): Promise<void> {
    const seen = this.#parts.replica.receipts.heads(databaseHolder);
    const { elapsed } = this.#parts.surroundings;
    const begun = elapsed();
    await log.publish(rows, standing);
    this.#said = elapsed();
    if (this.#said - begun < confirmMilliseconds) this.#slow = false;
    this.#confirm(seen);
  }

  #confirm(heads: Heads): void {
    for (const [epoch, [seq]] of Object.entries(heads)) {
      this.#lasting.set(epoch, Math.max(seq, this.#lasting.get(epoch) ?? 0));
    }
  }

  /** Unless meanwhile an older database was found, and everything is compared anew. */
  #noteReached(from: Heads, reached: Heads): void {
    const { receipts } = this.#parts.replica;
    const now = receipts.heads(databaseHolder);
    for (const [epoch, head] of Object.entries(reached)) {
      const [before, known] = [from[epoch]?.[0] ?? 0, now[epoch]?.[0] ?? 0];
      if (known >= before && known < head[0]) receipts.note(databaseHolder, { [epoch]: head });
    }
  }

  async #sayStanding(log: SharedLog): Promise<void> {
    const { surroundings } = this.#parts;
    if (this.#seal === undefined) return;
    if (surroundings.elapsed() - this.#said < standingMilliseconds) return;
    this.#said = surroundings.elapsed();
    const standing = await this.#standing(this.#seal);
    // Whether it is quick again is found out here, and not by a client.
    if (this.#slow) await this.#commit(log, [], standing);
    else await log.say(standing);
  }

  /**
   * A row that a broken commit left is seen there although it may lie on one disk: whoever waits
   * for it waits for a commit behind it.
   */
  async #settle(log: SharedLog): Promise<void> {
    if (this.#waiters.size === 0 || this.#seal === undefined) return;
    await this.#commit(log, [], await this.#standing(this.#seal));
    this.#changed();
  }

  #standing(seal: RowSeal): Promise<SealedRow> {
    const { replica, able, surroundings } = this.#parts;
    const heads = replica.heads();
    const newest = replica.newestEpochs(namedEpochs);
    const named = newest.flatMap((epoch) => {
      const head = heads[epoch];
      return head === undefined ? [] : [[epoch, head] as const];
    });
    const beat: Beat = {
      heads: Object.fromEntries(named),
      lacking: replica.lacking(lackingMost),
      able: able(),
      time: surroundings.now(),
    };
    return seal.seal(seal.name('standing', replica.node), toJson(beat));
  }

  #answer(): void {
    for (const waiter of this.#waiters) {
      if ((this.#lasting.get(waiter.epoch) ?? 0) >= waiter.seq) waiter.end(true);
    }
  }

  #changed(): void {
    this.#answer();
    for (const listener of this.#listeners) listener();
  }
}

async function readStanding(seal: RowSeal, row: SealedRow): Promise<Beat | undefined> {
  try {
    const plaintext = await seal.unseal(row);
    return plaintext === undefined ? undefined : readBeat(plaintext);
  } catch {
    return undefined;
  }
}
