import { hash } from 'node:crypto';
import type { Database } from './database.ts';
import { foldVersion } from './fold.ts';
import { kinds } from './payload.ts';
import type { RecordLog } from './record-log.ts';

const slice = 1000;
const patientTries = 3;

/** What this version makes of records; states of different folds are not compared. */
const kindsDigest = hash('sha256', [...kinds].sort().join(), 'hex');
export const foldName = `${foldVersion}.${kindsDigest.slice(0, 8)}`;

interface DigestRow {
  readonly id: number;
  readonly digest: Buffer;
}

/**
 * One number for all that the tables hold: the exclusive or of the digests of objects, clients and
 * groups. Read from the tables themselves, so that rows that were lost show; in slices, so that
 * nobody waits for it. Against chance, not against whoever can write the tables.
 */
export async function stateDigest(
  database: Database,
  records: RecordLog,
  pause: () => Promise<void>,
): Promise<{ readonly fold: string; readonly digest: string }> {
  for (let tries = 1; ; tries++) {
    const { version } = records;
    const sum = Buffer.alloc(32);
    const read = database.prepare('SELECT id, digest FROM object WHERE id > ? ORDER BY id LIMIT ?');
    let whole = true;
    for (let after = 0; ;) {
      const rows = read.all(after, slice) as DigestRow[];
      for (const { digest } of rows) add(sum, digest);
      after = rows.at(-1)?.id ?? after;
      if (rows.length < slice) break;
      // Clients that change things all the time must not put it off for ever.
      if (tries < patientTries) await pause();
      whole = records.version === version;
      if (!whole) break;
    }
    if (!whole) continue;
    const clients = database.prepare('SELECT digest FROM client').pluck().all() as Buffer[];
    for (const digest of clients) add(sum, digest);
    const groups = database.prepare('SELECT name FROM key_group').pluck().all() as string[];
    for (const name of groups) add(sum, hash('sha256', `group ${name}`, 'buffer'));
    return { fold: foldName, digest: sum.toString('hex') };
  }
}

function add(sum: Buffer, digest: Buffer): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) ^ (digest[i] ?? 0);
}
