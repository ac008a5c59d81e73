import type { AuditEntry } from '../audit/event.ts';
import type { KeeperClient } from '../keeper-client/client.ts';
import { placeAfter } from '../keeper-client/console-act.ts';
import type { ActPlace, ConsoleAct } from '../keeper-client/console-act.ts';
import type { AuditTrail } from '../keystore/audit-trail.ts';

/** Milliseconds between two looks at the keeper. */
const lookMilliseconds = 1_000;
const name = 'console';

/** How far the keeper's list was taken in. */
interface Mark extends ActPlace {
  readonly lost: number;
}

export interface ConsoleAuditParts {
  readonly keeper: Pick<KeeperClient, 'consoleActs' | 'consoleActsTaken'>;
  readonly trail: Pick<AuditTrail, 'mark' | 'adopt'>;
  readonly now: () => number;
}

/**
 * Brings what persons did at the keeper's console into the audit: entries and how far they go are
 * one commit, and only then does the keeper forget them. So each is in the audit once, whichever
 * process dies when.
 */
export class ConsoleAudit {
  readonly #parts: ConsoleAuditParts;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(parts: ConsoleAuditParts) {
    this.#parts = parts;
  }

  /** Looks now, and again every second. */
  start(): void {
    void this.#again();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Takes in what waits. Throws what keeper and keystore throw: it waits on, then. */
  async take(): Promise<void> {
    const { keeper, trail, now } = this.#parts;
    const found = await keeper.consoleActs();
    if (found === undefined) return;
    const text = trail.mark(name);
    const known = text === undefined ? undefined : (JSON.parse(text) as Mark);
    const places = found.acts.map(placesFrom(found.after));
    const last = places.at(-1) ?? found.after;
    const begins = known === undefined ? 0 : [found.after, ...places].findIndex(isSame(known));
    const lost = found.lost - (begins < 0 ? 0 : (known?.lost ?? 0));
    const faults = [
      ...(begins < 0 ? ['the keeper has another list'] : []),
      ...(lost > 0 ? [`${lost} acts found no room`] : []),
    ].map((reason) => ({ entry: gapEntry(reason), time: now() }));
    const fresh = [...found.acts.entries()].slice(Math.max(0, begins)).map(([i, done]) => {
      const { time, ...act } = done;
      const request = `console-${places[i]?.seq ?? 0}`;
      return { entry: { request, actor: 'console', ...act }, time };
    });
    if (faults.length > 0 || fresh.length > 0) {
      const mark: Mark = { ...last, lost: found.lost };
      await trail.adopt([...faults, ...fresh], { name, value: JSON.stringify(mark) });
    }
    if (found.acts.length > 0) await keeper.consoleActsTaken(last);
  }

  async #again(): Promise<void> {
    try {
      await this.take();
    } catch {
      // The acts wait at the keeper; that it is away, or the disk full, others say.
    }
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#again(), lookMilliseconds);
    this.#timer.unref();
  }
}

/** Gives each act its place, one after the other. */
function placesFrom(after: ActPlace): (act: ConsoleAct) => ActPlace {
  let place = after;
  return (act) => (place = placeAfter(place, act));
}

function isSame(one: ActPlace): (other: ActPlace) => boolean {
  return ({ seq, hash }) => seq === one.seq && hash === one.hash;
}

function gapEntry(reason: string): AuditEntry {
  return { request: '', actor: 'node', act: 'console acts', outcome: 'failed', reason };
}
