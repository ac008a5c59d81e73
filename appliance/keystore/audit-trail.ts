import { firstBreak } from '../audit/chain.ts';
import type { ChainedEntry } from '../audit/chain.ts';
import type { AuditEntry } from '../audit/event.ts';
import type { ActCount, AuditLog, AuditPosition } from './audit-log.ts';
import type { Draft } from './keystore.ts';
import type { Payloads } from './payload.ts';
import type { RecordHead } from './record.ts';

export interface AuditTrailParts {
  readonly audit: AuditLog;
  /** This node's identifier. */
  readonly node: string;
  readonly now: () => number;
  /** All records that speak of this node. */
  readonly records: (node: string) => readonly RecordHead[];
  /** Runs a mutation in the next group commit. */
  readonly commit: <T>(mutation: (draft: Draft) => T) => Promise<Awaited<T>>;
}

/** What a check of the whole audit found. */
export interface AuditCheck {
  readonly entries: number;
  /** The numbers of the first and the last entry that are kept. */
  readonly first: number;
  readonly last: number;
  /** How many signed heads were compared. */
  readonly heads: number;
  /** The first number at which the chain breaks; absent for a whole one. */
  readonly broken?: number;
  /** The first signed head that the entries do not reach or contradict. */
  readonly contradicted?: number;
}

const chunk = 2_000;

/** The audit as administrators, receivers and checks see it. */
export class AuditTrail {
  readonly #parts: AuditTrailParts;
  #head: number | undefined;

  constructor(parts: AuditTrailParts) {
    this.#parts = parts;
  }

  get newest(): AuditPosition {
    return this.#parts.audit.newest;
  }

  /** How often each act was written since the process began. */
  counts(): Iterable<ActCount> {
    return this.#parts.audit.counts();
  }

  /** Entries behind this number, oldest first. */
  page(after: number, limit: number): ChainedEntry[] {
    return this.#parts.audit.page(after, limit);
  }

  /** How far a receiver of this name has come; the first kept entry where it never began. */
  cursor(name: string): number {
    return Math.max(this.#parts.audit.cursor(name), this.#parts.audit.base().seq);
  }

  async setCursor(name: string, seq: number): Promise<void> {
    await this.#parts.commit(() => {
      this.#parts.audit.setCursor(name, seq);
    });
  }

  /** The number in the newest signed head; 0 before the first one. */
  head(): number {
    this.#head ??= Math.max(0, ...this.#heads().map(({ seq }) => seq));
    return this.#head;
  }

  /** When the newest signed heads were made, by this node's clock; seconds since 1970. */
  headTimes(most: number): number[] {
    return this.#headRecords()
      .slice(-most)
      .map(({ time }) => time);
  }

  /** Signs where the chain stands: a record, so the peer has it too. */
  async sign(): Promise<void> {
    await this.#parts.commit((draft) => {
      const { seq, hash } = this.newest;
      draft.append({ kind: 'audit-head', seq, hash: Buffer.from(hash).toString('hex') });
      this.#head = seq;
    });
  }

  /** Removes entries up to this number and says so in an entry; gives how many went. */
  prune(upTo: number): Promise<number> {
    return this.#parts.commit(() => this.#parts.audit.prune(upTo, this.#parts.now()));
  }

  /** How far entries that begin elsewhere were taken in; undefined before any was. */
  mark(name: string): string | undefined {
    return this.#parts.audit.mark(name);
  }

  /** Takes such entries in, with how far that goes, in one commit: each once, or none. */
  async adopt(
    entries: readonly { readonly entry: AuditEntry; readonly time: number }[],
    mark: { readonly name: string; readonly value: string },
  ): Promise<void> {
    const { audit, commit } = this.#parts;
    await commit(() => {
      for (const { entry, time } of entries) audit.append(entry, time);
      audit.setMark(mark.name, mark.value);
    });
  }

  /** Checks every entry against the chain and the signed heads, without holding others up. */
  async check(): Promise<AuditCheck> {
    const base = this.#parts.audit.base();
    const signed = new Map(this.#heads().map(({ seq, hash }) => [seq, hash]));
    let { seq: last, hash: previous } = base;
    let broken: number | undefined;
    let contradicted: number | undefined;
    let heads = 0;
    for (;;) {
      const entries = this.page(last, chunk);
      if (entries.length === 0) break;
      broken ??= firstBreak(entries, previous, last + 1);
      for (const { seq, hash } of entries) {
        const wanted = signed.get(seq);
        if (wanted === undefined) continue;
        heads++;
        if (Buffer.from(hash).toString('hex') !== wanted) contradicted ??= seq;
      }
      ({ seq: last, hash: previous } = entries.at(-1) ?? { seq: last, hash: previous });
      await new Promise((resolve) => setImmediate(resolve));
    }
    // A tail that was cut off is one that a signed head reaches beyond.
    contradicted ??= [...signed.keys()].sort((a, b) => a - b).find((seq) => seq > last);
    return {
      entries: last - base.seq,
      first: base.seq + 1,
      last,
      heads,
      ...(broken === undefined ? {} : { broken }),
      ...(contradicted === undefined ? {} : { contradicted }),
    };
  }

  #heads(): Payloads['audit-head'][] {
    return this.#headRecords().map(({ payload }) => JSON.parse(payload) as Payloads['audit-head']);
  }

  #headRecords(): RecordHead[] {
    const { node, records } = this.#parts;
    return records(node).filter((head) => head.kind === 'audit-head' && head.node === node);
  }
}
