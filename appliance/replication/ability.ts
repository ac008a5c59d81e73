import type { KeeperStatus } from '../keeper-client/keeper.ts';
import type { Surroundings } from './surroundings.ts';

const askMilliseconds = 2_000;
/** A root key that has not decrypted for this long might not decrypt at the next start. */
const provenMilliseconds = 120_000;

/**
 * Whether this node may confirm keys: its keeper opens them, under a wrapping key whose slot its
 * token opened within the last two minutes. When that was is told by the clock that nobody sets.
 */
export class Ability {
  readonly #status: () => Promise<KeeperStatus>;
  readonly #surroundings: Surroundings;
  #open = false;
  #last: number | undefined;
  #proven = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(status: () => Promise<KeeperStatus>, surroundings: Surroundings) {
    this.#status = status;
    this.#surroundings = surroundings;
    void this.#ask();
  }

  get able(): boolean {
    return this.#open && this.#surroundings.elapsed() - this.#proven < provenMilliseconds;
  }

  stop(): void {
    this.#stopped = true;
  }

  async #ask(): Promise<void> {
    if (this.#stopped) return;
    const { elapsed, now, after } = this.#surroundings;
    const status = await this.#status().catch((): undefined => undefined);
    this.#open = status?.state === 'open';
    const proven = status?.rootKeyProven;
    if (proven !== undefined && proven !== this.#last) {
      // The first proof that is seen may be old already; every later one was just made.
      const age = this.#last === undefined ? Math.max(0, now() - proven) : 0;
      this.#last = proven;
      this.#proven = elapsed() - age * 1000;
    }
    after(askMilliseconds, () => void this.#ask());
  }
}
