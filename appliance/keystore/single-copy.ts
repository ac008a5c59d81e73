import type { Database, Statement } from './database.ts';
import type { Heads } from './record-log.ts';

/** The creations of one epoch between what others hold and where it ends. */
interface Tail {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/**
 * How many objects no other node holds. Counted on from what was counted before: the console asks
 * each second, and a node that was alone for days may have very many.
 */
export class SingleCopies {
  readonly #count: Statement;
  readonly #first: Statement;
  #tails = new Map<string, Tail>();

  constructor(database: Database) {
    this.#count = database
      .prepare(
        `SELECT count(*) FROM record
          WHERE epoch = ? AND seq > ? AND seq <= ? AND kind = 'object-created'`,
      )
      .pluck();
    this.#first = database
      .prepare(
        `SELECT object FROM record
          WHERE epoch = ? AND seq > ? AND seq <= ? AND kind = 'object-created'
          ORDER BY seq LIMIT ?`,
      )
      .pluck();
  }

  /** `held`: how far any other node is known to hold each epoch. */
  count(heads: Heads, held: (epoch: string) => number): number {
    const tails = new Map<string, Tail>();
    let sum = 0;
    for (const [epoch, [to]] of Object.entries(heads)) {
      const from = held(epoch);
      if (from >= to) continue;
      const tail = { from, to, count: this.#counted(epoch, from, to) };
      tails.set(epoch, tail);
      sum += tail.count;
    }
    this.#tails = tails;
    return sum;
  }

  /** The first so many of those that were counted. */
  first(limit: number): string[] {
    const objects: string[] = [];
    for (const [epoch, { from, to, count }] of this.#tails) {
      if (count === 0 || objects.length >= limit) continue;
      objects.push(...(this.#first.all(epoch, from, to, limit - objects.length) as string[]));
    }
    return objects;
  }

  /** Counts all anew the next time: records were put aside. */
  forget(): void {
    this.#tails.clear();
  }

  /** Only what was not counted yet is read, and what others have taken since. */
  #counted(epoch: string, from: number, to: number): number {
    const known = this.#tails.get(epoch);
    const between = (after: number, last: number): number =>
      after >= last ? 0 : Number(this.#count.get(epoch, after, last));
    // The other node lost some: what was counted is too few.
    if (known === undefined || from < known.from || from > known.to || to < known.to) {
      return between(from, to);
    }
    return known.count - between(known.from, from) + between(known.to, to);
  }
}
