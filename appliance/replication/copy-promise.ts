import type { CopyGuard } from '../keystore/copy-guard.ts';
import { KeystoreError } from '../keystore/error.ts';
import type { Entry } from '../keystore/exchange.ts';
import type { Kind } from '../keystore/payload.ts';
import { journalHolder } from '../keystore/receipt.ts';
import type { RecordHead } from '../keystore/record.ts';
import type { Heads } from '../keystore/record-log.ts';
import type { Replica } from '../keystore/replica.ts';
import type { RecordCarrier } from './carrier.ts';
import type { History } from './history.ts';
import { pause } from './surroundings.ts';
import type { Surroundings } from './surroundings.ts';

/** A second copy on another medium: append-only, sealed, flushed when `append` resolves. */
export interface SecondCopy {
  /** Whether the medium took the last thing it was given; known before it is needed. */
  readonly usable: boolean;
  append(entries: readonly Entry[]): Promise<void>;
}

export interface CopyPromiseParts {
  /** Whether this node was removed from its cluster: whatever it made would be lost with it. */
  readonly cutOff?: () => boolean;
  readonly replica: Replica;
  readonly carrier: RecordCarrier;
  readonly history: History;
  readonly surroundings: Surroundings;
  readonly journal?: SecondCopy;
}

/** How things stand with second copies, for administrators. */
export interface CopyView {
  readonly policy: 'alone' | 'alone-for' | 'refuse';
  /** How long `alone-for` goes on, in seconds. */
  readonly seconds: number;
  /** False for a node that never had another one beside it. */
  readonly paired: boolean;
  readonly present: boolean;
  /** For how long no other node has been there, in seconds that this node ran. */
  readonly aloneSeconds: number;
  readonly journal: 'none' | 'usable' | 'failed';
  /** Whether a new key would be answered now. */
  readonly accepting: boolean;
  /** Keys that no other node holds. */
  readonly single: { readonly count: number; readonly objects: readonly string[] };
}

const tickMilliseconds = 10_000;
const page = { records: 256, bytes: 1 << 20 };
const shownObjects = 100;
const aloneName = 'alone-seconds';

/**
 * The promise of two copies: a key is answered when another node confirmed it, or else as the
 * cluster's policy says. How the others are is known before anybody asks, so nobody waits for a
 * node that is away.
 */
export class CopyPromise implements CopyGuard {
  readonly #parts: CopyPromiseParts;
  #alone: number;
  #since: number;
  #stopped = false;
  #writing: Promise<void> | undefined;

  constructor(parts: CopyPromiseParts) {
    this.#parts = parts;
    this.#alone = Number(parts.replica.recall(aloneName) ?? 0);
    this.#since = parts.surroundings.elapsed();
    this.#tick();
  }

  stop(): void {
    this.#stopped = true;
  }

  admit(kind: Kind): void {
    if (this.#parts.history.wound !== undefined) {
      // Whatever else is wrong, somebody may have to be shut out.
      if (kind === 'client-blocked' || kind === 'object-revoked') return;
      throw new KeystoreError('read-only', 'this node was put back to an older disk');
    }
    if (kind !== 'object-created' || this.#accepting()) return;
    throw missing();
  }

  async confirm(records: readonly RecordHead[]): Promise<void> {
    const { carrier } = this.#parts;
    if (this.#parts.cutOff?.() === true) throw missing();
    const paired = this.#paired();
    const confirmed = paired && (await carrier.confirmed(records));
    // Put back to an older disk, this node writes at places where the peer has other records.
    if (this.#parts.history.wound !== undefined) throw missing();
    if (confirmed) return;
    if (await this.#journalled(records)) return;
    if (!paired || this.#mayBeAlone()) return;
    throw missing();
  }

  view(): CopyView {
    const { replica, carrier, journal } = this.#parts;
    const { policy, seconds } = replica.copyPolicy();
    const usable = journal?.usable === true ? 'usable' : 'failed';
    return {
      policy,
      seconds,
      paired: this.#paired(),
      present: carrier.present,
      aloneSeconds: Math.floor(this.#aloneSeconds()),
      journal: journal === undefined ? 'none' : usable,
      accepting: this.#parts.history.wound === undefined && this.#accepting(),
      single: replica.uncopied(shownObjects),
    };
  }

  #accepting(): boolean {
    const { carrier, journal, cutOff } = this.#parts;
    if (cutOff?.() === true) return false;
    if (!this.#paired() || carrier.present || journal?.usable === true) return true;
    return this.#mayBeAlone();
  }

  #mayBeAlone(): boolean {
    const { policy, seconds } = this.#parts.replica.copyPolicy();
    if (policy === 'alone') return true;
    return policy === 'alone-for' && this.#aloneSeconds() < seconds;
  }

  /**
   * Whether there ever was another node: a removed one leaves this one alone, not free. One that a
   * backup came from was never linked to anybody, unless its records say so.
   */
  #paired(): boolean {
    const { replica } = this.#parts;
    return replica
      .members()
      .some(
        ({ node, removed, transportKey }) =>
          node !== replica.node && !(removed && transportKey === ''),
      );
  }

  /** Measured while the node runs, by a clock that nobody sets: no wild clock refuses a key. */
  #aloneSeconds(): number {
    const { surroundings, carrier } = this.#parts;
    if (carrier.present) return 0;
    return this.#alone + (surroundings.elapsed() - this.#since) / 1000;
  }

  #tick(): void {
    if (this.#stopped) return;
    const { surroundings, replica } = this.#parts;
    const alone = this.#paired() ? Math.floor(this.#aloneSeconds()) : 0;
    this.#since = surroundings.elapsed();
    if (alone !== this.#alone) {
      this.#alone = alone;
      void replica.remember(aloneName, String(alone)).catch(() => {});
    }
    surroundings.after(tickMilliseconds, () => {
      // Not at the start: the peer may just have been about to connect.
      void this.#fill().finally(() => {
        this.#tick();
      });
    });
  }

  /** Brings all that no other node holds to the journal; false where there is none that works. */
  async #journalled(records: readonly RecordHead[]): Promise<boolean> {
    const { journal, surroundings } = this.#parts;
    if (journal?.usable !== true) return false;
    try {
      await this.#write(() => this.#appendAll(journal, this.#startOf(records)));
      return true;
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      surroundings.log('error', 'the journal did not take a key', { error: text });
      return false;
    }
  }

  /** Whatever waits while one batch is flushed goes into the next one, together. */
  async #write(act: () => Promise<void>): Promise<void> {
    while (this.#writing !== undefined) await this.#writing.catch(() => {});
    this.#writing = act();
    try {
      await this.#writing;
    } finally {
      this.#writing = undefined;
    }
  }

  /**
   * Where to begin, so that what is answered is in the journal, also where a peer has it without
   * its secret. What was before and lies nowhere else waits for `#fill`, and no client for that.
   */
  #startOf(records: readonly RecordHead[]): Heads {
    const { receipts } = this.#parts.replica;
    const heads: Record<string, readonly [number, string]> = { ...this.#heldByPeers() };
    for (const [epoch, head] of Object.entries(receipts.heads(journalHolder))) {
      if ((heads[epoch]?.[0] ?? 0) < head[0]) heads[epoch] = head;
    }
    const [first] = records;
    if (first !== undefined && !records.every((each) => receipts.holds(journalHolder, each))) {
      const before = Math.min(first.seq - 1, heads[first.epoch]?.[0] ?? 0);
      heads[first.epoch] = [before, ''];
    }
    return heads;
  }

  async #appendAll(journal: SecondCopy, from: Heads): Promise<void> {
    const { replica } = this.#parts;
    for (let heads = from; ;) {
      const { entries, heads: reached } = replica.after(heads, page);
      if (entries.length === 0) return;
      await journal.append(entries);
      replica.receipts.noteJournal(heads, reached);
      heads = reached;
    }
  }

  /**
   * Brings to the journal what lies nowhere else, though nobody asked: what a node held that was
   * removed since, and what was answered while the medium was not there.
   */
  async #fill(): Promise<void> {
    const { journal, surroundings, replica, carrier } = this.#parts;
    if (journal?.usable !== true || carrier.present) return;
    const from = this.#notInJournal();
    try {
      for (let heads = from; !this.#stopped;) {
        const { entries, heads: reached } = replica.after(heads, page);
        // The whole piece counts when it is whole: before that it does not join what is there.
        if (entries.length === 0) {
          replica.receipts.noteJournal(from, heads);
          return;
        }
        await this.#write(() => journal.append(entries));
        heads = reached;
        await pause(surroundings, 0);
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      surroundings.log('warn', 'the journal is filled later', { error: text });
    }
  }

  /** Where whoever has what peers and journal hold without a gap would stand. */
  #notInJournal(): Heads {
    const { receipts } = this.#parts.replica;
    const heads: Record<string, readonly [number, string]> = { ...this.#heldByPeers() };
    for (const [epoch, head] of Object.entries(receipts.heads(journalHolder))) {
      const held = heads[epoch]?.[0] ?? 0;
      if (receipts.journalFrom(epoch) <= held && held < head[0]) heads[epoch] = head;
    }
    return heads;
  }

  #heldByPeers(): Heads {
    const { replica } = this.#parts;
    const held: Record<string, readonly [number, string]> = {};
    for (const { node, removed } of replica.members()) {
      if (removed) continue;
      for (const [epoch, head] of Object.entries(replica.receipts.heads(node))) {
        if ((held[epoch]?.[0] ?? 0) < head[0]) held[epoch] = head;
      }
    }
    return held;
  }
}

function missing(): KeystoreError {
  return new KeystoreError('copies-missing', 'no other node would hold the key');
}
