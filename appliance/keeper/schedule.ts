import { codeOf } from './token-state.ts';
import type { KeeperStatus } from '../keeper-client/keeper.ts';
import { KeeperError } from '../keeper-client/keeper.ts';
import type { KeyRing } from './key-ring.ts';
import { pendingOf } from './peer.ts';
import type { KeeperLog } from './keeper-options.ts';
import type { SlotTable } from './slot-table.ts';

/** After how many seconds a key is rotated by itself; never without a number. */
export interface RotationEvery {
  readonly rootKey?: number;
  readonly wrappingKey?: number;
}

export interface ScheduleParts {
  readonly every: RotationEvery;
  readonly ring: KeyRing;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** Seconds of a clock that nobody sets. */
  readonly monotonic: () => number;
  readonly log: KeeperLog;
}

type Kind = keyof RotationEvery;

/** The clock has to have gone evenly for so long before anything is done by it; in seconds. */
const steadySeconds = 3_600;
/** Between two looks the clock may differ by so much from the one that nobody sets. */
const driftSeconds = 300;
/** A rotation that failed is tried again after so long. */
const retrySeconds = 3_600;
const day = 86_400;

/**
 * Rotates keys by their age. A clock that was set wrong costs nothing: what jumped is not believed
 * before it went evenly for an hour, and a key that seems to be of the future is left to a person.
 */
export class Schedule {
  readonly #parts: ScheduleParts;
  readonly #failed = new Map<Kind, { readonly reason: string; readonly at: number }>();
  #looked: { readonly wall: number; readonly monotonic: number } | undefined;
  #steadySince: number | undefined;

  constructor(parts: ScheduleParts) {
    this.#parts = parts;
  }

  status(): Pick<KeeperStatus, 'schedule'> {
    const { ring, every } = this.#parts;
    const { table } = ring;
    if (table === undefined) return {};
    const known = (['rootKey', 'wrappingKey'] as const).flatMap((kind) => {
      const seconds = every[kind];
      if (seconds === undefined) return [];
      const failed = this.#failed.get(kind);
      const born = bornOf(table, kind);
      // The clock was wrong when it was made, or is wrong now: a person has to say.
      const reason = born > this.#parts.now() + day ? 'clock' : failed?.reason;
      return [[kind, { due: born + seconds, ...(reason && { failed: reason }) }] as const];
    });
    return known.length === 0 ? {} : { schedule: Object.fromEntries(known) };
  }

  /**
   * Rotates what is due, at most one key: to be called when the root key has just opened its slot.
   * Never throws.
   */
  async advance(rotate: Readonly<Record<Kind, () => Promise<unknown>>>): Promise<void> {
    const { ring, log } = this.#parts;
    const steady = this.#isSteady();
    const { table } = ring;
    if (table === undefined || ring.written === undefined || !steady) return;
    const [kind] = (['rootKey', 'wrappingKey'] as const).filter((each) => this.#isDue(table, each));
    if (kind === undefined || !isSettled(ring, table)) return;
    if (kind === 'wrappingKey' && !isFirst(table)) return;
    try {
      await rotate[kind]();
      this.#failed.delete(kind);
      log('info', 'a key was rotated by the schedule', { key: kind });
    } catch (error) {
      const reason = error instanceof KeeperError ? error.code : codeOf(error);
      this.#failed.set(kind, { reason, at: this.#parts.monotonic() });
      log('error', 'a scheduled rotation failed', { key: kind, code: reason });
    }
  }

  #isDue(table: SlotTable, kind: Kind): boolean {
    const { every, now, monotonic } = this.#parts;
    const seconds = every[kind];
    if (seconds === undefined) return false;
    const failed = this.#failed.get(kind);
    if (failed !== undefined && monotonic() - failed.at < retrySeconds) return false;
    return now() - bornOf(table, kind) >= seconds;
  }

  #isSteady(): boolean {
    const at = { wall: this.#parts.now(), monotonic: this.#parts.monotonic() };
    const before = this.#looked;
    this.#looked = at;
    const jump =
      before === undefined
        ? 0
        : Math.abs(at.wall - before.wall - (at.monotonic - before.monotonic));
    if (this.#steadySince === undefined || jump > driftSeconds) this.#steadySince = at.monotonic;
    return at.monotonic - this.#steadySince >= steadySeconds;
  }
}

function bornOf(table: SlotTable, kind: Kind): number {
  const slot = table.slots.find(
    (each) => each.kind === 'token' && each.generation === table.written,
  );
  const id = kind === 'rootKey' ? slot?.keyId : table.written;
  return (id === undefined ? undefined : table.born?.[id]) ?? slot?.created ?? Infinity;
}

/** Nothing is begun while something else is not finished, or while a node could not follow. */
function isSettled(ring: KeyRing, table: SlotTable): boolean {
  const { peers = [], recovery, joining, owed, written } = table;
  const held = ring.keys.map(({ generation }) => generation.toString('hex'));
  return (
    joining !== true &&
    owed !== true &&
    typeof recovery?.proven === 'number' &&
    ring.older().length === 0 &&
    pendingOf(table, held).length === 0 &&
    peers.every(({ proven }) => proven.includes(written))
  );
}

/** Whether it is this node that begins the cluster's wrapping keys. */
function isFirst({ node, peers = [] }: SlotTable): boolean {
  return node === undefined || peers.every((peer) => node < peer.node);
}
