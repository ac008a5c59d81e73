/** Connections of one address, and of all, that have not proven yet whose they are. */
const mostOfOne = 8;
const mostOfAll = 64;

interface Stranger {
  readonly source: string;
  readonly end: () => void;
}

/**
 * Whoever has not proven yet who it is. There is always room for one more: the oldest of the
 * source that has the most has to go, so that nobody who only holds connections keeps out a member,
 * who proves itself at once.
 */
export class WaitingRoom {
  /** In the order in which they came. */
  readonly #strangers = new Set<Stranger>();

  get size(): number {
    return this.#strangers.size;
  }

  /** Lets a connection wait, which `end` ends; gives what takes it out again. */
  enter(source: string, end: () => void): () => void {
    const stranger = { source, end };
    this.#strangers.add(stranger);
    const own = this.#of(source);
    if (own > mostOfOne) this.#evict(source);
    else if (this.#strangers.size > mostOfAll) this.#evict(this.#largest());
    return () => {
      this.#strangers.delete(stranger);
    };
  }

  #evict(source: string): void {
    for (const stranger of this.#strangers) {
      if (stranger.source !== source) continue;
      this.#strangers.delete(stranger);
      stranger.end();
      return;
    }
  }

  #of(source: string): number {
    let count = 0;
    for (const each of this.#strangers) if (each.source === source) count++;
    return count;
  }

  /** Of equal ones the one whose oldest came first. */
  #largest(): string {
    const counts = new Map<string, number>();
    for (const { source } of this.#strangers) counts.set(source, (counts.get(source) ?? 0) + 1);
    const most = Math.max(...counts.values());
    return [...counts].find(([, count]) => count === most)?.[0] ?? '';
  }
}
