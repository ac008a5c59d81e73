import type { Database } from './database.ts';
import type { RecordHead } from './record.ts';
import type { Heads } from './record-log.ts';

/** Where a second copy lies that is no node. */
export const journalHolder = 'journal';

/** The database that the nodes of a fleet share: its commits lie on two disks. */
export const databaseHolder = 'database';

const journalFromName = 'journal begins';

/** A holder names so many of the secrets it lacks; one that names them all may lack any. */
export const lackingMost = 256;

/** How many nodes or media besides this one hold an object. */
export type Copies = 'both' | 'journal' | 'single';

/**
 * What others are known to hold: per holder the newest record of each epoch that it has flushed and
 * whose secrets its keeper opened. Kept on disk so that it is known while nobody can be asked.
 */
export class Receipts {
  readonly #database: Database;
  readonly #holders = new Map<string, Map<string, readonly [seq: number, hash: string]>>();
  readonly #lacking = new Map<string, ReadonlySet<string>>();
  readonly #dirty = new Set<string>();
  /** Per epoch, the record behind which the journal begins: what is before it, it has not. */
  readonly #journalFrom: Map<string, number>;

  constructor(database: Database) {
    this.#database = database;
    const rows = database.prepare('SELECT holder, epoch, seq, hash FROM receipt').all() as {
      holder: string;
      epoch: string;
      seq: number;
      hash: Buffer;
    }[];
    for (const { holder, epoch, seq, hash } of rows) {
      this.#of(holder).set(epoch, [seq, hash.toString('hex')]);
    }
    const from = database.prepare('SELECT value FROM meta WHERE name = ?').pluck();
    const begins = from.get(journalFromName) as string | undefined;
    // Without it nobody knows what a journal of an earlier version lacks: it is written anew.
    if (begins === undefined) this.#holders.delete(journalHolder);
    this.#journalFrom = new Map(JSON.parse(begins ?? '[]') as [string, number][]);
    const lacking = database.prepare(`SELECT name, value FROM meta WHERE name LIKE 'lacking %'`);
    for (const { name, value } of lacking.all() as { name: string; value: string }[]) {
      this.#lacking.set(name.slice('lacking '.length), new Set(JSON.parse(value) as string[]));
    }
  }

  /** Notes that a holder stands there now. */
  note(holder: string, heads: Heads): void {
    const known = this.#of(holder);
    for (const [epoch, head] of Object.entries(heads)) {
      if (known.get(epoch)?.[1] === head[1]) continue;
      known.set(epoch, head);
      this.#dirty.add(holder);
    }
  }

  /**
   * Notes that the journal took what stands behind `from`, up to `to`. Of two pieces with a gap
   * between them the newer one counts.
   */
  noteJournal(from: Heads, to: Heads): void {
    const known = this.#of(journalHolder);
    for (const [epoch, head] of Object.entries(to)) {
      const begin = from[epoch]?.[0] ?? 0;
      if (head[0] <= begin) continue;
      const end = known.get(epoch);
      const start = this.journalFrom(epoch);
      const adjoins = end !== undefined && begin <= end[0] && start <= head[0];
      this.#journalFrom.set(epoch, adjoins ? Math.min(start, begin) : begin);
      if (!adjoins || end[0] < head[0]) known.set(epoch, head);
      this.#dirty.add(journalHolder);
    }
  }

  /** The record of an epoch behind which the journal begins. */
  journalFrom(epoch: string): number {
    return this.#journalFrom.get(epoch) ?? 0;
  }

  /** Notes whose secrets a holder has not, although it has the records. */
  noteLacking(holder: string, objects: readonly string[]): void {
    const known = this.lacking(holder);
    if (known.size === objects.length && objects.every((object) => known.has(object))) return;
    this.#lacking.set(holder, new Set(objects));
    this.#dirty.add(holder);
  }

  lacking(holder: string): ReadonlySet<string> {
    return this.#lacking.get(holder) ?? new Set();
  }

  /** Notes that a holder has this and nothing else. */
  replace(holder: string, heads: Heads): void {
    const known = this.#of(holder);
    for (const epoch of known.keys()) {
      if (heads[epoch] !== undefined) continue;
      known.delete(epoch);
      this.#dirty.add(holder);
    }
    this.note(holder, heads);
  }

  heads(holder: string): Heads {
    return Object.fromEntries(this.#holders.get(holder) ?? []);
  }

  /** Whether there is something that the disk does not know yet. */
  get dirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** Writes what changed; inside a transaction. */
  write(): void {
    const drop = this.#database.prepare('DELETE FROM receipt WHERE holder = ?');
    const put = this.#database.prepare('INSERT INTO receipt VALUES (?, ?, ?, ?)');
    const putLacking = this.#database.prepare('REPLACE INTO meta VALUES (?, ?)');
    for (const holder of this.#dirty) {
      drop.run(holder);
      putLacking.run(`lacking ${holder}`, JSON.stringify([...this.lacking(holder)]));
      for (const [epoch, [seq, hash]] of this.#of(holder)) {
        put.run(holder, epoch, seq, Buffer.from(hash, 'hex'));
      }
    }
    if (this.#dirty.has(journalHolder)) {
      putLacking.run(journalFromName, JSON.stringify([...this.#journalFrom]));
    }
    this.#dirty.clear();
  }

  holds(
    holder: string,
    { epoch, seq, object }: Pick<RecordHead, 'epoch' | 'seq' | 'object'>,
  ): boolean {
    const lacking = this.lacking(holder);
    if (lacking.size >= lackingMost || lacking.has(object)) return false;
    if (holder === journalHolder && seq <= this.journalFrom(epoch)) return false;
    return (this.#holders.get(holder)?.get(epoch)?.[0] ?? 0) >= seq;
  }

  #of(holder: string): Map<string, readonly [number, string]> {
    const found = this.#holders.get(holder) ?? new Map<string, readonly [number, string]>();
    this.#holders.set(holder, found);
    return found;
  }
}
