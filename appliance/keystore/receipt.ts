import type { Database } from './database.ts';
import type { RecordHead } from './record.ts';
import type { Heads } from './record-log.ts';

/** Where a second copy lies that is no node. */
export const journalHolder = 'journal';

/** How many nodes or media besides this one hold an object. */
export type Copies = 'both' | 'journal' | 'single';

/**
 * What others are known to hold: per holder the newest record of each epoch that it has flushed and
 * whose secrets its keeper opened. Kept on disk so that it is known while nobody can be asked.
 */
export class Receipts {
  readonly #database: Database;
  readonly #holders = new Map<string, Map<string, readonly [seq: number, hash: string]>>();
  readonly #dirty = new Set<string>();

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
    for (const holder of this.#dirty) {
      drop.run(holder);
      for (const [epoch, [seq, hash]] of this.#of(holder)) {
        put.run(holder, epoch, seq, Buffer.from(hash, 'hex'));
      }
    }
    this.#dirty.clear();
  }

  holds(holder: string, { epoch, seq }: Pick<RecordHead, 'epoch' | 'seq'>): boolean {
    return (this.#holders.get(holder)?.get(epoch)?.[0] ?? 0) >= seq;
  }

  #of(holder: string): Map<string, readonly [number, string]> {
    const found = this.#holders.get(holder) ?? new Map<string, readonly [number, string]>();
    this.#holders.set(holder, found);
    return found;
  }
}
