import { chainHash, chainStart, firstBreak } from '../audit/chain.ts';
import type { ChainedEntry } from '../audit/chain.ts';
import type { AuditEntry } from '../audit/event.ts';
import type { Database, Statement } from './database.ts';

/** The audit's rows, written inside the transaction of whoever calls. */
export class AuditLog {
  readonly #database: Database;
  readonly #insert: Statement;
  #seq = 0;
  #hash: Uint8Array = chainStart;

  constructor(database: Database) {
    this.#database = database;
    this.#insert = database.prepare('INSERT INTO audit VALUES (?, ?, ?, ?)');
    this.reload();
  }

  append(entry: AuditEntry, time: number): void {
    const text = JSON.stringify(entry);
    const hash = chainHash(this.#hash, this.#seq + 1, time, text);
    this.#insert.run(++this.#seq, time, text, hash);
    this.#hash = hash;
  }

  /** Forgets what a rolled back transaction had appended. */
  reload(): void {
    const last = this.#database
      .prepare('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1')
      .get() as { seq: number; hash: Buffer } | undefined;
    this.#seq = last?.seq ?? 0;
    this.#hash = last?.hash ?? chainStart;
  }

  /** The first entry that does not fit; undefined for a whole chain. Reads every entry. */
  firstBreak(): number | undefined {
    const entries = this.#database.prepare('SELECT * FROM audit ORDER BY seq').iterate();
    return firstBreak(entries as Iterable<ChainedEntry>);
  }
}
