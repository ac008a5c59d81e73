import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** What a node remembers of its backups, beside the database so that it outlasts it. */
export interface BackupMemory {
  /** The last backup that was read back and found good. */
  readonly verified?: {
    /** Seconds since 1970. */
    readonly time: number;
    readonly file: string;
    readonly bundle: string;
    readonly keys: number;
    readonly records: number;
    readonly bytes: number;
  };
  /** The last attempt that failed since then. */
  readonly failed?: { readonly time: number; readonly reason: string };
  /** The backup that this node was restored from; `whole` once all of it was taken in. */
  readonly restored?: {
    readonly bundle: string;
    readonly time: number;
    readonly whole: boolean;
    /** The wrapping key of that moment, which the old node may have too: to be rotated. */
    readonly generation: string;
  };
}

/** Reads what is remembered; nothing where there is no file or it cannot be read. */
export function readMemory(path: string): BackupMemory {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as BackupMemory;
  } catch {
    return {};
  }
}

export function writeMemory(path: string, memory: BackupMemory): void {
  replaceDurably(path, Buffer.from(`${JSON.stringify(memory)}\n`));
}

/** Replaces a file so that a power cut leaves the old bytes or the new. Mode 0600. */
export function replaceDurably(path: string, bytes: Uint8Array, mode = 0o600): void {
  const file = openSync(`${path}.new`, 'w', mode);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
}
