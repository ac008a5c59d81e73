import type { AuditEntry } from '../audit/event.ts';
import type { Database, Statement } from './database.ts';
import { decodeHead } from './record.ts';
import type { SignedRecord } from './record.ts';

/** Where a record stands. */
export interface ChainPlace {
  readonly epoch: string;
  readonly seq: number;
}

/**
 * Places of chains at which no record is stored, or one that its node did not sign: whoever has
 * those records, the other node, a journal or a backup, can give them again.
 */
export class Unsound {
  readonly #database: Database;
  readonly #put: Statement;
  readonly #drop: Statement;
  #places = new Set<string>();

  constructor(database: Database) {
    this.#database = database;
    this.#put = database.prepare('INSERT OR IGNORE INTO unsound VALUES (?, ?)');
    this.#drop = database.prepare('DELETE FROM unsound WHERE epoch = ? AND seq = ?');
    this.reload();
  }

  get size(): number {
    return this.#places.size;
  }

  has({ epoch, seq }: ChainPlace): boolean {
    return this.#places.size > 0 && this.#places.has(nameOf(epoch, seq));
  }

  /** The first so many, in order. */
  first(limit: number): ChainPlace[] {
    const find = 'SELECT epoch, seq FROM unsound ORDER BY epoch, seq LIMIT ?';
    return this.#database.prepare(find).all(limit) as ChainPlace[];
  }

  /** Inside a transaction. */
  note({ epoch, seq }: ChainPlace): void {
    this.#put.run(epoch, seq);
    this.#places.add(nameOf(epoch, seq));
  }

  /** Reads again what is stored: a transaction may have been undone. */
  reload(): void {
    const places = this.#database.prepare('SELECT epoch, seq FROM unsound').all() as ChainPlace[];
    this.#places = new Set(places.map(({ epoch, seq }) => nameOf(epoch, seq)));
  }

  /**
   * Puts a record that its author signed to its place, where it is the one that stood there: the
   * one that follows names it, or the newest head does. Inside a transaction; false for another.
   */
  mend({ head, body, hash, signature }: SignedRecord): boolean {
    const { node, epoch, seq, lamport, object, kind } = head;
    const wanted = this.#hashBy(epoch, seq);
    if (wanted !== undefined && wanted !== hash.toString('hex')) return false;
    const cells = [node, lamport, object, body, hash, signature, kind];
    const { changes } = this.#database
      .prepare(
        `UPDATE record SET node = ?, lamport = ?, object = ?, body = ?, hash = ?, signature = ?,
          kind = ? WHERE epoch = ? AND seq = ?`,
      )
      .run(...cells, epoch, seq);
    if (changes === 0) {
      this.#database
        .prepare(
          `INSERT INTO record (node, lamport, object, body, hash, signature, kind, epoch, seq, id)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(...cells, epoch, seq, this.#freeId(epoch, seq));
    }
    this.#drop.run(epoch, seq);
    this.#places.delete(nameOf(epoch, seq));
    return true;
  }

  /** What the chain says that the record's hash is; undefined while that is damaged too. */
  #hashBy(epoch: string, seq: number): string | undefined {
    if (!this.has({ epoch, seq: seq + 1 })) {
      const find = 'SELECT body FROM record WHERE epoch = ? AND seq = ?';
      const body = this.#database
        .prepare(find)
        .pluck()
        .get(epoch, seq + 1) as Buffer | undefined;
      const next = body && decodeHead(body);
      if (next !== undefined) return next.prevHash;
    }
    const find = 'SELECT hash FROM head WHERE epoch = ? AND seq = ?';
    const hash = this.#database.prepare(find).pluck().get(epoch, seq) as Buffer | undefined;
    return hash?.toString('hex');
  }

  /** Records travel in the order of their ids: where the lost row had its, one is free. */
  #freeId(epoch: string, seq: number): number | null {
    const find = `SELECT r.id + 1 FROM record r
      WHERE r.id >= coalesce((SELECT max(id) FROM record WHERE epoch = ? AND seq < ?), 0)
        AND NOT EXISTS (SELECT 1 FROM record s WHERE s.id = r.id + 1)
      ORDER BY r.id LIMIT 1`;
    return (this.#database.prepare(find).pluck().get(epoch, seq) as number | undefined) ?? null;
  }
}

/** What the audit is told of something stored that is damaged, or gone. */
export function damageFound(what: 'record' | 'row' | 'secret', which: string): AuditEntry {
  const entry = { request: '', actor: 'node', outcome: 'failed' } as const;
  return { ...entry, act: `damaged ${what} found`, reason: which };
}

/** A place in one word, for logs and the audit. */
export const placeName = ({ epoch, seq }: ChainPlace): string => nameOf(epoch, seq);

function nameOf(epoch: string, seq: number): string {
  return `${epoch}.${seq}`;
}
