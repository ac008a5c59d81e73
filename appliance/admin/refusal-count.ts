/** Seconds within which refusals of one certificate are one entry. */
const window = 60;
const knownMost = 256;

/** What is told of certificates that were not let in: `times` since the last word of it. */
export type RefusalTold = (fingerprint: string | undefined, times: number) => void;

/**
 * Counts certificates that are not let in, so that whoever knocks without end fills no log: the
 * first is told at once, those within the next minute together with the next one after it.
 */
export class RefusalCount {
  readonly #now: () => number;
  readonly #tell: RefusalTold;
  readonly #known = new Map<string, { since: number; untold: number }>();

  constructor(now: () => number, tell: RefusalTold) {
    this.#now = now;
    this.#tell = tell;
  }

  count(fingerprint: string | undefined): void {
    const key = fingerprint ?? '';
    const now = this.#now();
    const known = this.#known.get(key);
    if (known !== undefined && now - known.since < window && now >= known.since) {
      known.untold++;
      return;
    }
    this.#tell(fingerprint, 1 + (known?.untold ?? 0));
    if (known === undefined && this.#known.size >= knownMost) this.#forgetOldest();
    this.#known.delete(key);
    this.#known.set(key, { since: now, untold: 0 });
  }

  /** Tells what is not told yet: before the process ends. */
  flush(): void {
    for (const [key, { untold }] of this.#known) {
      if (untold > 0) this.#tell(key === '' ? undefined : key, untold);
    }
    this.#known.clear();
  }

  #forgetOldest(): void {
    const [oldest] = this.#known;
    if (oldest === undefined) return;
    const [key, { untold }] = oldest;
    if (untold > 0) this.#tell(key === '' ? undefined : key, untold);
    this.#known.delete(key);
  }
}
