import type { Database } from './database.ts';
import { inOrder } from './fold.ts';
import { renamedIn } from './heal.ts';
import { subjectOf } from './payload.ts';
import type { Projection } from './projection.ts';
import { recordId } from './record.ts';
import type { RecordHead } from './record.ts';
import type { Heads, RecordLog } from './record-log.ts';

/** How far a node goes back, and what stays of what came later. */
export interface WayBack {
  /** Where a backup ends: what was said of keys behind it goes. */
  readonly to: Heads;
  /** Where another backup ends that has what goes: what is behind that one too stays. */
  readonly saved: Heads;
  /** The epoch to write on in, 16 random bytes in hexadecimal. */
  readonly next: string;
}

export interface WentBack {
  readonly records: number;
  /** Objects that are no more: made behind `to`, and in the backup that was saved. */
  readonly objects: number;
}

interface Parts {
  readonly database: Database;
  readonly records: RecordLog;
  readonly projection: Projection;
  readonly now: () => number;
}

/** Under which name the database remembers how far its records reached before. */
export const leftBehind = 'left-behind';

/**
 * Takes back what was said of keys behind the end of a backup: they were never made, revoked or
 * destroyed. Who may do what stays as it is, so that nobody who was shut out since is let in again:
 * what was said of clients, groups, members and administrators is said again in a new epoch.
 * Inside a transaction.
 */
export function goBack(parts: Parts, { to, saved, next }: WayBack): WentBack {
  const { database, records, projection } = parts;
  const held = records.heads();
  const dropped = drop(parts, to, next);
  const objects = new Set(
    dropped.filter(({ kind }) => /^(object|usage)$/.test(subjectOf(kind) ?? '')).map(objectOf),
  );
  for (const object of objects) projection.forget(object);
  const isBehindSaved = ({ epoch, seq }: RecordHead): boolean => seq > (saved[epoch]?.[0] ?? 0);
  const renamed = new Map<string, string>();
  for (const record of inOrder(dropped)) {
    if (!stays(record, isBehindSaved(record), parts)) continue;
    const payload = JSON.parse(renamedIn(record.payload, renamed)) as never;
    const again = records.append(record.kind as never, record.object, payload, record.time);
    renamed.set(recordId(record), recordId(again));
    projection.apply(again);
  }
  projection.usage.forget();
  for (const object of objects) {
    projection.refold(object);
    dropLoose(parts, object);
  }
  const clients = dropped.filter(({ kind }) => subjectOf(kind) === 'client').map(objectOf);
  for (const client of new Set(clients)) projection.refold(client);
  database.prepare('REPLACE INTO meta VALUES (?, ?)').run(leftBehind, JSON.stringify(held));
  return {
    records: dropped.length,
    objects: [...objects].filter((object) => !projection.isThere(object)).length,
  };
}

/** Deletes all records behind these heads, and writes on in another epoch where it has to. */
function drop({ database, records, now }: Parts, to: Heads, next: string): RecordHead[] {
  const behind = Object.entries(records.heads())
    .filter(([epoch, [seq]]) => seq > (to[epoch]?.[0] ?? 0))
    .map(([epoch]) => epoch)
    // A new epoch names the heads of all others: the one that is written in comes last.
    .sort((a, b) => Number(a === records.epoch) - Number(b === records.epoch));
  const hashes = database
    .prepare('SELECT hash FROM record WHERE epoch = ? AND seq > ? ORDER BY seq')
    .pluck();
  const forget = database.prepare('DELETE FROM fork WHERE hash = ?');
  return behind.flatMap((epoch) => {
    const last = to[epoch]?.[0] ?? 0;
    const gone = hashes.all(epoch, last) as Buffer[];
    const heads = records.putAside(epoch, last, next, now());
    // They are no fork: a backup that has them brings them back to their places.
    for (const hash of gone) forget.run(hash);
    return heads;
  });
}

/** Whether something that was said behind the end of the backup is said again. */
function stays(
  record: RecordHead,
  isBehindSaved: boolean,
  { projection, records }: Parts,
): boolean {
  const { kind } = record;
  switch (subjectOf(kind)) {
    case 'client':
    case 'group':
    case 'rule':
      return true;
    case 'node':
      return !/^(epoch-begun|node-healed|audit-head|conflict-acknowledged)$/.test(kind);
    case 'usage':
      // What was spent is not given back; another node's account is not this one's to keep.
      return record.node === records.node && projection.isThere(objectOf(record));
    case 'object':
      if (!isBehindSaved || kind === 'purge-agreed') return false;
      return kind === 'object-created' || projection.isThere(objectOf(record));
    case undefined:
      return false;
  }
}

/** Secrets of creations that are no more, and what hung on their objects. */
function dropLoose({ database, projection }: Parts, object: string): void {
  const find = database.prepare('SELECT commitment FROM material WHERE object = ?').pluck();
  for (const commitment of find.all(object) as Buffer[]) {
    if (projection.creation(object, commitment.toString('hex')) !== undefined) continue;
    database
      .prepare('DELETE FROM material WHERE object = ? AND commitment = ?')
      .run(object, commitment);
  }
  if (projection.isThere(object)) return;
  for (const table of ['lacking', 'kept', 'fetched']) {
    database.prepare(`DELETE FROM ${table} WHERE object = ?`).run(object);
  }
}

/** Records of use stand under their object’s name and a mark. */
function objectOf({ object }: RecordHead): string {
  return object.replace(/#usage$/, '');
}
