import { closeSync, existsSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { KeystoreError } from './error.ts';
import { schema } from './schema.ts';

export type Database = Sqlite;
export type Statement = ReturnType<Database['prepare']>;

/** "TwLk": tells our files from other encrypted ones. */
const applicationId = 0x54774c6b;

/** A log may be larger than one buffer can be: it is written anew in pieces of so many bytes. */
const pieceBytes = 1 << 20;

/**
 * Opens the encrypted keystore or makes a new one. `pageKey`: 32 bytes, used as they are.
 * `cacheKiB`: pages kept in clear in memory. Throws KeystoreError when the file is not ours, is
 * damaged, is of a newer version, or when a setting that durability rests on does not hold.
 */
export function openDatabase(path: string, pageKey: Buffer, cacheKiB = 65_536): Database {
  const isNew = !existsSync(path);
  if (!isNew) refusePlaintext(path);
  const database = new Sqlite(path);
  try {
    keyIn(database, pageKey);
    configure(database, cacheKiB);
    const id = database.pragma('application_id', { simple: true });
    if (isNew) database.pragma(`application_id = ${applicationId}`);
    else if (
      id !== applicationId &&
      Number(database.pragma('schema_version', { simple: true })) > 0
    ) {
      throw new KeystoreError('database-foreign', 'the database is another program’s');
    }
    migrate(database);
    // Only where it has to be: a full disk must not keep a node from reading.
    if (id !== applicationId) database.pragma(`application_id = ${applicationId}`);
    return database;
  } catch (error) {
    database.close();
    throw asKeystoreError(error);
  }
}

/**
 * Deleted secrets were overwritten in their pages; this lets go of what the write-ahead journal
 * still holds of them. False where somebody reads meanwhile, or the disk refuses: tried again.
 */
export function emptyJournal(database: Database): boolean {
  try {
    const [result] = database.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
    return result?.busy === 0;
  } catch {
    return false;
  }
}

/**
 * Writes the log of changes that a process left to the disk once more. A flush that failed leaves
 * its bytes in memory alone and marked as flushed: the next process would read them, build upon
 * them, and lose with a power cut what it had flushed itself behind that hole. Bytes that are
 * written anew are flushed anew. Gives what was wrong with that: then what is there may be read,
 * and nothing be written.
 */
export function flushLeftLog(path: string): KeystoreError | undefined {
  const log = `${path}-wal`;
  if (!existsSync(log)) return undefined;
  try {
    const file = openSync(log, 'r+');
    try {
      const piece = Buffer.alloc(pieceBytes);
      for (let at = 0; ;) {
        const length = readSync(file, piece, 0, piece.length, at);
        if (length === 0) break;
        for (let done = 0; done < length;) {
          done += writeSync(file, piece, done, length - done, at + done);
        }
        at += length;
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
    const message = 'what was written last cannot be flushed';
    return new KeystoreError(full ? 'disk-full' : 'commit-failed', message, { cause: error });
  }
  return undefined;
}

/** What SQLite said, as a KeystoreError. */
export function asKeystoreError(error: unknown): KeystoreError {
  if (error instanceof KeystoreError) return error;
  const code = (error as { code?: unknown }).code;
  const text = typeof code === 'string' ? code : 'unknown';
  if (text === 'SQLITE_NOTADB' || text.startsWith('SQLITE_CORRUPT')) {
    const message = 'the database cannot be read with this node’s key, or is damaged';
    return new KeystoreError('database-unreadable', message, { cause: error });
  }
  if (text === 'SQLITE_FULL') {
    return new KeystoreError('disk-full', 'the disk is full', { cause: error });
  }
  return new KeystoreError('commit-failed', `the database refused: ${text}`, { cause: error });
}

/** A database that SQLite would open without any key was never ours. */
function refusePlaintext(path: string): void {
  const head = Buffer.alloc(16);
  const file = openSync(path, 'r');
  try {
    if (readSync(file, head) === 0) return;
  } finally {
    closeSync(file);
  }
  if (head.toString('latin1').startsWith('SQLite format 3')) {
    throw new KeystoreError('database-foreign', 'the database is not encrypted');
  }
}

function keyIn(database: Database, pageKey: Buffer): void {
  database.pragma(`cipher = 'sqlcipher'`);
  database.pragma('legacy = 4');
  // 32 raw bytes would be taken as a passphrase; this form is taken as the key itself.
  const raw = Buffer.concat([Buffer.from('raw:'), Buffer.from(pageKey.toString('hex'))]);
  try {
    database.key(raw);
    // A plain better-sqlite3 ignores every key silently; only this build has the function.
    database.prepare('SELECT sqlite3mc_version()').get();
  } catch (error) {
    if (isUnreadable(error)) throw error;
    const message = 'SQLite was built without a cipher';
    throw new KeystoreError('cipher-missing', message, { cause: error });
  } finally {
    raw.fill(0);
  }
}

function isUnreadable(error: unknown): boolean {
  return asKeystoreError(error).code === 'database-unreadable';
}

function configure(database: Database, cacheKiB: number): void {
  // Sorting would spill into files in clear.
  database.pragma('temp_store = MEMORY');
  database.pragma('journal_mode = WAL');
  // After WAL, because this build then falls back to NORMAL, which does not flush a commit.
  database.pragma('synchronous = FULL');
  database.pragma('secure_delete = ON');
  database.pragma('foreign_keys = ON');
  database.pragma(`cache_size = -${cacheKiB}`);
  const settings = [
    ['journal_mode', 'wal'],
    ['synchronous', 2],
    ['temp_store', 2],
    ['secure_delete', 1],
  ] as const;
  for (const [name, wanted] of settings) {
    const found: unknown = database.pragma(name, { simple: true });
    if (found !== wanted) {
      throw new KeystoreError('not-durable', `SQLite says ${name} = ${String(found)}`);
    }
  }
}

function migrate(database: Database): void {
  const taken = Number(database.pragma('user_version', { simple: true }));
  if (taken > schema.length) {
    throw new KeystoreError('database-newer', 'a newer version has written this database');
  }
  for (const [i, step] of schema.entries()) {
    if (i < taken) continue;
    database.transaction(() => {
      database.exec(step);
      database.pragma(`user_version = ${i + 1}`);
    })();
  }
}
