import { readFileSync } from 'node:fs';
import { replaceFile } from '../disk/durable-file.ts';

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
  replaceFile(path, Buffer.from(`${JSON.stringify(memory)}\n`));
}
