import { randomBytes } from 'node:crypto';
import type { Surroundings } from '../../appliance/replication/surroundings.ts';

/** The clock and timers of this machine for one node, whose timers end together. */
export class RealTime {
  readonly #timers = new Set<NodeJS.Timeout>();

  surroundings(log: Surroundings['log']): Surroundings {
    return {
      elapsed: () => performance.now(),
      now: () => Math.floor(Date.now() / 1000),
      after: (milliseconds, act) => {
        const timer = setTimeout(() => {
          this.#timers.delete(timer);
          act();
        }, milliseconds);
        this.#timers.add(timer);
        return () => {
          clearTimeout(timer);
          this.#timers.delete(timer);
        };
      },
      random: randomBytes,
      log,
    };
  }

  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
