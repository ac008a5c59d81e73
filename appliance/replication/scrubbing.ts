import type { Replica } from '../keystore/replica.ts';
import { pause } from './surroundings.ts';
import type { Surroundings } from './surroundings.ts';

const tickMilliseconds = 5_000;
/** A pass is to take no longer, so that a node that is down now and then ends one each day. */
const passMilliseconds = 18 * 3_600_000;
/** Looked at without giving others their turn. */
const sliceThings = 16;
/** How often what was looked at is written down, in ticks. */
const keepTicks = 12;

export interface ScrubbingParts {
  readonly replica: Replica;
  readonly surroundings: Surroundings;
  /** From one look to the next; five seconds where it is not given. */
  readonly tick?: number;
}

/** Lets the keystore look at all it has stored, a little every few seconds, once a day. */
export class Scrubbing {
  readonly #parts: ScrubbingParts;
  #ticks = 0;
  #stopped = false;

  constructor(parts: ScrubbingParts) {
    this.#parts = parts;
    this.#again();
  }

  stop(): void {
    this.#stopped = true;
  }

  #again(): void {
    const { surroundings, tick = tickMilliseconds } = this.#parts;
    surroundings.after(tick, () => void this.#look());
  }

  async #look(): Promise<void> {
    if (this.#stopped) return;
    const { replica, surroundings } = this.#parts;
    try {
      const { size } = replica.scrub;
      const share = Math.ceil((size * tickMilliseconds) / passMilliseconds);
      for (let left = Math.max(sliceThings, share); left > 0; left -= sliceThings) {
        if (!(await replica.scrub.step(sliceThings))) break;
        await pause(surroundings, 0);
        if (this.#isStopped()) return;
      }
      if (++this.#ticks % keepTicks === 0 && replica.scrub.running) await replica.scrub.keep();
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      surroundings.log('debug', 'what is stored is looked at later', { error: text });
    }
    this.#again();
  }

  #isStopped(): boolean {
    return this.#stopped;
  }
}
