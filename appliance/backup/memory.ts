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
  /** The backup that this node was last restored from; `whole` once all of it was taken in. */
  readonly restored?: {
    readonly bundle: string;
    readonly time: number;
    readonly whole: boolean;
    /** The wrapping key of that moment, which the old node may have too: to be rotated. */
    readonly generation: string;
    /** Of a journal, which holds records alone: a backup may still make this node what one was. */
    readonly bare?: true;
    /** It took the place of everything on a node that had keys of its own and stays what it is. */
    readonly replaced?: true;
  };
  /** Records that something restored speaks of and that were nowhere then. */
  readonly missing?: readonly {
    readonly epoch: string;
    readonly from: number;
    readonly to: number;
  }[];
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
