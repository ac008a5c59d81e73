import type { Replica } from '../keystore/replica.ts';
import type { RecordCarrier } from './carrier.ts';
import type { History } from './history.ts';
import type { Surroundings } from './surroundings.ts';

/** How things stand with destroyed keys, for administrators. */
export interface PurgeView {
  /** Destroyed objects whose material is kept. */
  readonly kept: number;
  /** For how many seconds more this node keeps the first of them; absent where there is none. */
  readonly soonest?: number;
  /** By how many seconds this node's clock was set lately, beyond what passed. */
  readonly jumped?: number;
}

export interface PurgingParts {
  readonly replica: Replica;
  readonly carrier: RecordCarrier;
  readonly history: History;
  readonly surroundings: Surroundings;
  /** Nothing is purged that was kept for less, in seconds. */
  readonly floor: number;
  /** Whether this node was removed from its cluster. */
  readonly cutOff?: () => boolean;
  /** From one look to the next; a minute where it is not given. */
  readonly lookMilliseconds?: number;
}

/** Said by versions that count how long destroyed keys were kept: no word before all can. */
export const purgeFeature = 'purge';

const lookMilliseconds = 60_000;
/** A look that comes later counts no more than this: the process stood still, and kept nothing. */
const countedSeconds = 120;
/** So many objects in one look: nobody waits for it. */
const lookObjects = 500;
const jumpSeconds = 30;
const jumpShownMilliseconds = 24 * 3_600_000;

/**
 * Says this node's word that destroyed keys may be purged: each was kept here for its retention
 * time, counted while this node ran, and the others are there and known to differ in nothing.
 * Apart, healing or removed it says none: a key can be brought back for as long as possible.
 */
export class Purging {
  readonly #parts: PurgingParts;
  #counted: number;
  #wall: { readonly now: number; readonly elapsed: number };
  #jump: { readonly seconds: number; readonly at: number } | undefined;
  #stopped = false;

  constructor(parts: PurgingParts) {
    this.#parts = parts;
    const { now, elapsed } = parts.surroundings;
    this.#counted = elapsed();
    this.#wall = { now: now(), elapsed: elapsed() };
    this.#again();
  }

  stop(): void {
    this.#stopped = true;
  }

  view(): PurgeView {
    const { replica, surroundings } = this.#parts;
    const { count: kept, soonest } = replica.keeping;
    const lately =
      this.#jump !== undefined && surroundings.elapsed() - this.#jump.at < jumpShownMilliseconds;
    return {
      kept,
      ...(kept === 0 || soonest === undefined ? {} : { soonest }),
      ...(lately ? { jumped: this.#jump?.seconds ?? 0 } : {}),
    };
  }

  #again(): void {
    const { surroundings, lookMilliseconds: pause = lookMilliseconds } = this.#parts;
    surroundings.after(pause, () => void this.#look());
  }

  async #look(): Promise<void> {
    if (this.#stopped) return;
    const { replica, surroundings, floor } = this.#parts;
    this.#watchClock();
    const passed = Math.floor((surroundings.elapsed() - this.#counted) / 1000);
    this.#counted += passed * 1000;
    const seconds = Math.min(passed, countedSeconds);
    try {
      if (!replica.keeping.idle) {
        const members = this.#members();
        const now = surroundings.now();
        await replica.lookAtKept({ seconds, now, floor, members, most: lookObjects });
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      surroundings.log('debug', 'destroyed keys are looked at later', { error: text });
    }
    this.#again();
  }

  /** The members whose words end a key; undefined while this node has to keep its own. */
  #members(): readonly string[] | undefined {
    const { replica, carrier, history, cutOff } = this.#parts;
    if (cutOff?.() === true || history.wound !== undefined) return undefined;
    // A word that nobody can answer would only bind this node: undestroy refused for nothing.
    if (!replica.features().includes(purgeFeature)) return undefined;
    const peers = carrier.peers();
    const alike = peers.every(({ state, equal }) => state === 'present' && equal !== false);
    if (!alike) return undefined;
    return [replica.node, ...peers.map(({ node }) => node)].sort();
  }

  #watchClock(): void {
    const { surroundings } = this.#parts;
    const [now, elapsed] = [surroundings.now(), surroundings.elapsed()];
    const passed = Math.round((elapsed - this.#wall.elapsed) / 1000);
    const seconds = now - this.#wall.now - passed;
    this.#wall = { now, elapsed };
    if (Math.abs(seconds) <= jumpSeconds) return;
    this.#jump = { seconds, at: elapsed };
    surroundings.log('warn', 'the clock jumped; nothing is purged by it', { seconds });
  }
}
