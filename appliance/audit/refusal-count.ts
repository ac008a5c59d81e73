/** Seconds within which refusals of one kind are one entry. */
const window = 60;
/** So many are told apart; the rest are counted together: certificates cost nobody anything. */
const knownMost = 32;
const others = 'others';

/** What is told of those who were not let in: `times` since the last word of them. */
export type RefusalTold = (who: string, times: number) => void;

/**
 * Counts who is not let in, so that whoever knocks without end fills no audit: the first time is
 * told at once, those within the next minute together once it is over.
 */
export class RefusalCount {
  readonly #now: () => number;
  readonly #tell: RefusalTold;
  readonly #known = new Map<string, { since: number; untold: number }>();

  constructor(now: () => number, tell: RefusalTold) {
    this.#now = now;
    this.#tell = tell;
  }

  /** `who`: a certificate's fingerprint, or what is refused where there is none. */
  count(who: string): void {
    this.sweep();
    const key = this.#known.has(who) || this.#known.size < knownMost ? who : others;
    const known = this.#known.get(key);
    if (known === undefined) {
      this.#known.set(key, { since: this.#now(), untold: 0 });
      this.#tell(key, 1);
    } else known.untold++;
  }

  /** Tells what has waited for a minute; to be called every now and then. */
  sweep(): void {
    const now = this.#now();
    for (const [key, { since, untold }] of this.#known) {
      // A clock that was put back must not silence anybody.
      if (now >= since && now - since < window) continue;
      this.#known.delete(key);
      if (untold === 0) continue;
      this.#known.set(key, { since: now, untold: 0 });
      this.#tell(key, untold);
    }
  }

  /** Tells what is not told yet: before the process ends. */
  flush(): void {
    for (const [key, { untold }] of this.#known) if (untold > 0) this.#tell(key, untold);
    this.#known.clear();
  }
}
