import type { Database, Statement } from './database.ts';
import { hasAgreed } from './fold.ts';
import type { Draft } from './keystore.ts';
import type { ManagedObject } from './managed-object.ts';
import type { Projection } from './projection.ts';

/** What one look at destroyed objects goes by. */
export interface Look {
  /** How long this node ran since the look before: whole seconds, by a clock that nobody sets. */
  readonly seconds: number;
  /** Seconds since 1970: noted for people, nothing is decided by it. */
  readonly now: number;
  /** Nothing is purged that was kept for less, whatever its record says; in seconds. */
  readonly floor: number;
  /** The members that have to agree, sorted; undefined while this node says no word. */
  readonly members: readonly string[] | undefined;
  readonly most: number;
}

const counterName = 'kept-seconds';

/**
 * How long this node has kept the material of destroyed objects, counted while it runs and since it
 * first saw the intent. No clock that somebody can set takes part, so none that jumps ends a key.
 */
export class Keeping {
  readonly #database: Database;
  readonly #projection: Projection;
  readonly #node: string;
  readonly #page: Statement;
  readonly #put: Statement;
  readonly #since: Statement;
  readonly #setCounter: Statement;
  readonly #tidy: Statement;
  #counter: number;
  #after = '';
  #nearest = Number.POSITIVE_INFINITY;
  #soonest: number | undefined;

  constructor(database: Database, projection: Projection, node: string) {
    this.#database = database;
    this.#projection = projection;
    this.#node = node;
    const read = database.prepare('SELECT value FROM meta WHERE name = ?').pluck();
    this.#counter = Number(read.get(counterName) ?? 0);
    this.#page = database
      .prepare(
        `SELECT identifier FROM object WHERE intents IS NOT NULL AND purged = 0 AND identifier > ?
          ORDER BY identifier LIMIT ?`,
      )
      .pluck();
    this.#put = database.prepare('INSERT OR IGNORE INTO kept VALUES (?, ?, ?, ?)');
    this.#since = database.prepare('SELECT run FROM kept WHERE intent = ?').pluck();
    this.#setCounter = database.prepare('REPLACE INTO meta VALUES (?, ?)');
    this.#tidy = database.prepare(
      `DELETE FROM kept WHERE NOT EXISTS (SELECT 1 FROM object o, json_each(o.intents) i
        WHERE o.identifier = kept.object AND o.purged = 0
          AND json_extract(i.value, '$.record') = kept.intent)`,
    );
  }

  /** Whether any object waits for its end: only then time has to be counted. */
  get idle(): boolean {
    return this.#page.get('', 1) === undefined;
  }

  /**
   * Counts time on, notices new intents, and says this node's word for those that were kept long
   * enough; inside a transaction. Looks at no more than `most` objects, and goes on behind them the
   * next time. Gives the objects for which a word was said.
   */
  look(draft: Draft, { seconds, now, floor, members, most }: Look): string[] {
    this.#count(seconds);
    const page = this.#page.all(this.#after, most) as string[];
    if (this.#after === '') this.#nearest = Number.POSITIVE_INFINITY;
    const agreed: string[] = [];
    for (const identifier of page) {
      const object = this.#projection.object(identifier);
      for (const { record, retention, words } of object?.intents ?? []) {
        this.#put.run(record, identifier, now, this.#counter);
        const left = Math.max(retention, floor) - this.#keptFor(record);
        this.#nearest = Math.min(this.#nearest, Math.max(0, left));
        if (members === undefined || hasAgreed(this.#node, members, words)) continue;
        if (left > 0) continue;
        draft.append({ kind: 'purge-agreed', object: identifier, intent: record, members });
        const entry = { request: '', actor: 'node', outcome: 'success' } as const;
        draft.audit({ ...entry, act: 'key purge agreed', object: identifier });
        agreed.push(identifier);
        if (this.#projection.isPurged(identifier)) break;
      }
    }
    this.#after = page.at(-1) ?? '';
    if (page.length < most) {
      this.#after = '';
      this.#soonest = Number.isFinite(this.#nearest) ? this.#nearest : undefined;
      this.#tidy.run();
    }
    return agreed;
  }

  /**
   * For how much longer this node keeps an object's material at least, in seconds; undefined for an
   * object that is not destroyed, 0 where only another node's word is missing.
   */
  left({ intents, purged }: ManagedObject, floor: number): number | undefined {
    if (intents.length === 0 || purged) return undefined;
    const left = intents.map(
      ({ record, retention }) => Math.max(retention, floor) - this.#keptFor(record),
    );
    return Math.max(0, Math.min(...left));
  }

  /** Destroyed objects that are not purged, by identifier. */
  kept(page: { readonly after?: string; readonly limit: number }): ManagedObject[] {
    const identifiers = this.#page.all(page.after ?? '', page.limit) as string[];
    return identifiers.flatMap((identifier) => this.#projection.object(identifier) ?? []);
  }

  /** For how many seconds more the first of them was kept, when all were looked at last. */
  get soonest(): number | undefined {
    return this.#soonest;
  }

  /** How many objects are destroyed and not purged. Reads an index. */
  get count(): number {
    const query = 'SELECT count(*) FROM object WHERE intents IS NOT NULL AND purged = 0';
    return Number(this.#database.prepare(query).pluck().get());
  }

  #keptFor(intent: string): number {
    const since = this.#since.get(intent) as number | undefined;
    return since === undefined ? 0 : this.#counter - since;
  }

  #count(seconds: number): void {
    if (seconds === 0) return;
    this.#counter += seconds;
    this.#setCounter.run(counterName, String(this.#counter));
  }
}
