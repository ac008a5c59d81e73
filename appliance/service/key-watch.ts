import type { AuditEntry } from '../audit/event.ts';
import type { KeeperStatus } from '../keeper-client/keeper.ts';
import type { Log } from './log.ts';

interface Remembered {
  readonly serial: number;
  readonly generation: string;
  readonly rootKey: string;
  /** The table that was put back, and the generation whose end settles it. */
  readonly putBack?: { readonly serial: number; readonly generation: string };
  readonly failed?: string;
}

interface KeyWatchParts {
  readonly recall: (name: string) => string | undefined;
  readonly remember: (name: string, value: string) => Promise<void>;
  readonly note: (entry: AuditEntry) => void;
  readonly log: Log;
}

const name = 'slot-table';

/**
 * Remembers, in the database, how far the keeper's slot table had come: an older one that somebody
 * put back opens as well as the newest and says nothing of it. Audits that a root key was rotated,
 * and that a scheduled rotation failed.
 */
export class KeyWatch {
  readonly #parts: KeyWatchParts;
  #known: Remembered | undefined;

  constructor(parts: KeyWatchParts) {
    this.#parts = parts;
    const text = parts.recall(name);
    this.#known = text === undefined ? undefined : (JSON.parse(text) as Remembered);
  }

  /** What is wrong, for the status. */
  alarms(): string[] {
    return this.#known?.putBack === undefined
      ? []
      : ['an older slot table was put back: root rotate, then wrapping-key rotate'];
  }

  /** Compares what the keeper says now. Throws what the database throws. */
  async look(status: KeeperStatus): Promise<void> {
    const { serial, generation, rootKey, older } = status;
    if (serial === undefined || generation === undefined || rootKey === undefined) return;
    const before = this.#known;
    const failed = Object.values(status.schedule ?? {}).find((each) => each.failed !== undefined);
    const next: Remembered = {
      serial: Math.max(serial, before?.serial ?? 0),
      ...{ generation, rootKey },
      ...(failed?.failed === undefined ? {} : { failed: failed.failed }),
      ...putBackOf(before, { serial, generation, settled: older === undefined }),
    };
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(next)) return;
    await this.#parts.remember(name, JSON.stringify(next));
    this.#known = next;
    if (before !== undefined) this.#say(before, next);
  }

  #say(before: Remembered, next: Remembered): void {
    const entry = { request: '', actor: 'node' } as const;
    const { note, log } = this.#parts;
    if (next.putBack !== undefined && before.putBack === undefined) {
      const fields = { serial: next.putBack.serial, known: before.serial };
      log('error', 'an older slot table was put back', fields);
      note({ ...entry, act: 'slot table', outcome: 'failed', reason: 'older' });
    } else if (next.rootKey !== before.rootKey) {
      note({ ...entry, act: 'root key rotated', object: next.rootKey, outcome: 'success' });
    }
    if (next.failed !== undefined && before.failed === undefined) {
      note({ ...entry, act: 'scheduled rotation', outcome: 'failed', reason: next.failed });
    }
  }
}

/** A table with a lower number than was seen is an older one, until its wrapping key is gone. */
function putBackOf(
  before: Remembered | undefined,
  now: { readonly serial: number; readonly generation: string; readonly settled: boolean },
): Pick<Remembered, 'putBack'> {
  const { serial, generation, settled } = now;
  const known = before?.putBack;
  if (known !== undefined) {
    return known.generation !== generation && settled ? {} : { putBack: known };
  }
  const isOlder = before !== undefined && serial < before.serial;
  return isOlder ? { putBack: { serial, generation } } : {};
}
