import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { SqliteKeystore } from '../keystore/store.ts';
import type { Log } from './log.ts';

const pauseMilliseconds = 2_000;
const probeBytes = 1 << 20;

/**
 * Once the keystore cannot write, waits until the disk takes bytes again and then ends the process:
 * whoever started it starts it anew, and the database is read from the disk and not from hope.
 * Until then every key is served.
 */
export function watchDisk(keystore: SqliteKeystore, folder: string, log: Log): void {
  setInterval(() => {
    if (keystore.failure === undefined || keystore.failure.code === 'closed') return;
    if (!takesBytes(join(folder, 'disk-probe'))) return;
    log('warn', 'the disk can be written again; starting anew');
    process.exit(1);
  }, pauseMilliseconds).unref();
}

function takesBytes(path: string): boolean {
  try {
    const file = openSync(path, 'w', 0o600);
    try {
      writeSync(file, Buffer.alloc(probeBytes));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    return true;
  } catch {
    return false;
  } finally {
    rmSync(path, { force: true });
  }
}
