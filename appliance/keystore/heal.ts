import type { Projection } from './projection.ts';
import { recordId } from './record.ts';
import { inOrder } from './fold.ts';
import type { RecordLog } from './record-log.ts';
import { subjectOf } from './payload.ts';

/** What was found about this node's own past. */
export interface Healing {
  readonly why: 'rollback' | 'fork';
  /** The epoch in which it was found. */
  readonly epoch: string;
  /** The last record of it that was the same everywhere. */
  readonly common: number;
  /** How many records came back from others. */
  readonly recovered: number;
}

/**
 * Ends a healing: begins a new epoch, says in it again what had been said at places where others
 * know other records, and records what happened. Inside a transaction.
 */
export function endHealing(
  parts: {
    readonly records: RecordLog;
    readonly projection: Projection;
    readonly now: () => number;
  },
  healing: Healing,
  epoch: string,
): void {
  const { records, projection, now } = parts;
  records.beginEpoch(epoch, now());
  const renamed = new Map<string, string>();
  let rewritten = 0;
  for (const record of inOrder(records.unhealed())) {
    // What speaks of the epoch itself, or of this very node, is said anew where it is needed.
    if (/^(epoch-begun|node-healed|audit-head)$/.test(record.kind)) continue;
    if (subjectOf(record.kind) === undefined) continue;
    const payload = JSON.parse(renamedIn(record.payload, renamed)) as never;
    const again = records.append(record.kind as never, record.object, payload, record.time);
    renamed.set(recordId(record), recordId(again));
    projection.apply(again);
    rewritten++;
  }
  records.markHealed();
  const { why, epoch: found, common, recovered } = healing;
  const payload = { why, epoch: found, common, recovered, rewritten };
  records.append('node-healed', records.node, payload, now());
}

/** Records name others by their places, which are new now: "epoch.seq", or followed by "/". */
export function renamedIn(payload: string, renamed: ReadonlyMap<string, string>): string {
  return payload.replace(/"([0-9a-f]{32}\.\d+)(?=["/])/g, (whole, id: string) => {
    const to = renamed.get(id);
    return to === undefined ? whole : `"${to}`;
  });
}
