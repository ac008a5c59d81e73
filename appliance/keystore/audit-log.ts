import { chainHash, chainStart, firstBreak } from '../audit/chain.ts';
import type { ChainedEntry } from '../audit/chain.ts';
import type { AuditEntry } from '../audit/event.ts';
import type { Database, Statement } from './database.ts';

/** A place in the audit's chain. */
export interface AuditPosition {
  readonly seq: number;
  readonly hash: Uint8Array;
}

export interface ActCount {
  /** "client", "admin" or "node". */
  readonly actor: string;
  readonly act: string;
  readonly outcome: string;
  count: number;
}

const countsMost = 1_000;

/** The audit's rows, written inside the transaction of whoever calls. */
export class AuditLog {
  readonly #database: Database;
  readonly #insert: Statement;
  readonly #page: Statement;
  readonly #counts = new Map<string, ActCount>();
  #seq = 0;
  #hash: Uint8Array = chainStart;

  constructor(database: Database) {
    this.#database = database;
    this.#insert = database.prepare('INSERT INTO audit VALUES (?, ?, ?, ?)');
    this.#page = database.prepare('SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?');
    this.reload();
  }

  /** The newest entry's place; 0 and the chain's start while there is none. */
  get newest(): AuditPosition {
    return { seq: this.#seq, hash: this.#hash };
  }

  append(entry: AuditEntry, time: number): void {
    const text = JSON.stringify(entry);
    const hash = chainHash(this.#hash, this.#seq + 1, time, text);
    this.#insert.run(++this.#seq, time, text, hash);
    this.#hash = hash;
    this.#count(entry);
  }

  /** How often each act was written since the process began. */
  counts(): Iterable<ActCount> {
    return this.#counts.values();
  }

  /** Entries behind this number, oldest first. */
  page(after: number, limit: number): ChainedEntry[] {
    return this.#page.all(after, limit) as ChainedEntry[];
  }

  /** The place behind which the kept entries begin. */
  base(): AuditPosition {
    const text = this.#meta('audit_base');
    if (text === undefined) return { seq: 0, hash: chainStart };
    const [seq, hash] = JSON.parse(text) as [number, string];
    return { seq, hash: Buffer.from(hash, 'hex') };
  }

  /**
   * Removes the entries up to this number and says so in an entry; gives how many went. The chain
   * goes on from the hash of the last one removed.
   */
  prune(upTo: number, time: number): number {
    const last = this.#database.prepare('SELECT hash FROM audit WHERE seq = ?').get(upTo) as
      { hash: Buffer } | undefined;
    if (last === undefined) return 0;
    const removed = this.#database.prepare('DELETE FROM audit WHERE seq <= ?').run(upTo).changes;
    const hash = last.hash.toString('hex');
    this.#setMeta('audit_base', JSON.stringify([upTo, hash]));
    const reason = `${removed} entries up to number ${upTo}, hash ${hash}`;
    const entry = { request: '', actor: 'node', act: 'audit prune', outcome: 'success' } as const;
    this.append({ ...entry, reason }, time);
    return removed;
  }

  /** How far something outside has followed the audit; 0 where it never did. */
  cursor(name: string): number {
    return Number(this.#meta(`audit_cursor ${name}`) ?? 0);
  }

  setCursor(name: string, seq: number): void {
    this.#setMeta(`audit_cursor ${name}`, String(seq));
  }

  /** How far entries that begin elsewhere were taken in; undefined before any was. */
  mark(name: string): string | undefined {
    return this.#meta(`audit_mark ${name}`);
  }

  setMark(name: string, value: string): void {
    this.#setMeta(`audit_mark ${name}`, value);
  }

  /** Forgets what a rolled back transaction had appended. */
  reload(): void {
    const last = this.#database
      .prepare('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1')
      .get() as { seq: number; hash: Buffer } | undefined;
    const { seq, hash } = last ?? this.base();
    this.#seq = seq;
    this.#hash = hash;
  }

  /** The first entry that does not fit; undefined for a whole chain. Reads every entry. */
  firstBreak(): number | undefined {
    const { seq, hash } = this.base();
    const entries = this.#database.prepare('SELECT * FROM audit ORDER BY seq').iterate();
    return firstBreak(entries as Iterable<ChainedEntry>, hash, seq + 1);
  }

  #count({ actor, act, outcome }: AuditEntry): void {
    const kind = actor.split(':')[0] ?? actor;
    const name = JSON.stringify([kind, act, outcome]);
    const found = this.#counts.get(name);
    if (found !== undefined) found.count++;
    // An act that a client invents must not grow the table for ever.
    else if (this.#counts.size < countsMost) {
      this.#counts.set(name, { actor: kind, act, outcome, count: 1 });
    }
  }

  #meta(name: string): string | undefined {
    return this.#database.prepare('SELECT value FROM meta WHERE name = ?').pluck().get(name) as
      string | undefined;
  }

  #setMeta(name: string, value: string): void {
    this.#database.prepare('REPLACE INTO meta VALUES (?, ?)').run(name, value);
  }
}
