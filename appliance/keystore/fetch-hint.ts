import type { AuditEntry } from '../audit/event.ts';
import type { Database, Statement } from './database.ts';

/** When an object's bytes were given to a client last, and to which: known to the minute. */
export interface Fetch {
  readonly object: string;
  /** Seconds since 1970, by the clock of the node that answered. */
  readonly time: number;
  /** The client's name. */
  readonly client: string;
}

/** Fetches of one object by one client within so many seconds are one. */
const coalescedSeconds = 60;
const knownMost = 10_000;
const clientPrefix = 'client:';

/**
 * The last fetch of each object, at this node or another: a hint for people, never a record. It
 * rides on the commit of the audit entry that it is read from.
 */
export class FetchHints {
  readonly #database: Database;
  readonly #put: Statement;
  readonly #one: Statement;
  readonly #newer: Statement;
  readonly #newest: Statement;
  readonly #written = new Map<string, Fetch>();

  constructor(database: Database) {
    this.#database = database;
    // Only what was answered here is passed on: two nodes must not send one hint to and fro.
    this.#put = database.prepare(`INSERT INTO fetched (object, time, client, own, change)
      SELECT ?, ?, ?, ?, coalesce((SELECT max(change) FROM fetched), 0) + 1
      WHERE EXISTS (SELECT 1 FROM object WHERE identifier = ?)
      ON CONFLICT (object) DO UPDATE SET time = excluded.time, client = excluded.client,
        own = excluded.own, change = excluded.change WHERE excluded.time > time`);
    this.#one = database.prepare('SELECT object, time, client FROM fetched WHERE object = ?');
    this.#newest = database.prepare('SELECT coalesce(max(change), 0) FROM fetched').pluck();
    this.#newer = database.prepare(`SELECT object, time, client, change FROM fetched
      WHERE change > ? AND own = 1 ORDER BY change LIMIT ?`);
  }

  /** No audit entry is lost for a hint: only what ended the transaction itself is thrown. */
  #keep({ object, time, client }: Fetch, own: 0 | 1): void {
    try {
      this.#put.run(object, time, client, own, object);
    } catch (error) {
      if (!this.#database.inTransaction) throw error;
    }
  }

  of(object: string): Fetch | undefined {
    return this.#one.get(object) as Fetch | undefined;
  }

  /** Takes those entries into account that gave an object's bytes out; inside a transaction. */
  noteAudited(notes: readonly { readonly entry: AuditEntry; readonly time: number }[]): void {
    for (const { entry, time } of notes) {
      const { act, outcome, object, actor } = entry;
      if (act !== 'Get' || outcome !== 'success' || object === undefined) continue;
      if (!actor.startsWith(clientPrefix)) continue;
      const client = actor.slice(clientPrefix.length);
      const known = this.#written.get(object);
      const recent = known !== undefined && Math.abs(time - known.time) < coalescedSeconds;
      if (recent && known.client === client) continue;
      this.#keep({ object, time, client }, 1);
      if (this.#written.size >= knownMost) this.#written.clear();
      this.#written.set(object, { object, time, client });
    }
  }

  /** Takes over what another node answered; inside a transaction. */
  take(fetches: readonly Fetch[]): void {
    for (const fetch of fetches) this.#keep(fetch, 0);
  }

  /** What this node answered and that was written behind this number; `change`: up to where. */
  newer(change: number, limit: number): { readonly fetches: Fetch[]; readonly change: number } {
    const rows = this.#newer.all(change, limit) as (Fetch & { change: number })[];
    const fetches = rows.map(({ object, time, client }) => ({ object, time, client }));
    const last = rows.at(-1)?.change;
    return { fetches, change: last ?? Math.max(change, this.#newest.get() as number) };
  }
}
