import { closeSync, createReadStream, existsSync, fsyncSync, openSync, readdirSync } from 'node:fs';
import { readSync, renameSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { headBytesMost, parseBundleHead } from '../keeper-client/bundle-head.ts';
import type { BundleHead } from '../keeper-client/bundle-head.ts';
import { BackupError } from './error.ts';

const ending = '.backup';
const unfinished = `${ending}.part`;
/** What a backup leaves free: a full disk would stop the keystore, which is worse. */
const reserveMost = 64 << 20;
const reservePart = 0.1;
const lookEvery = 8 << 20;

/** The name of a backup in its folder; names of one node sort by their time. */
export function nameOf({ cluster, node, made, bundle }: Omit<BundleHead, 'key' | 'slots'>): string {
  const time = new Date(made * 1000).toISOString().replace(/[-:]|\.\d+/g, '');
  const short = (id: string): string => id.slice(0, 8);
  return `twinlock-${short(cluster)}-${short(node)}-${time}-${short(bundle)}${ending}`;
}

/** A file that gets its name only once it is whole, flushed and found good. */
export class UnfinishedFile {
  readonly path: string;
  readonly #folder: string;
  readonly #file: number;
  #written = 0;
  #looked = 0;
  #closed = false;

  /**
   * Takes away what was left of earlier ones whose names begin as this one's, to the last hyphen:
   * another node may be writing into the same folder. `expected`: about how many bytes it
   * will be. Throws BackupError `no-room`, `not-written`.
   */
  constructor(folder: string, name: string, expected: number) {
    this.#folder = folder;
    this.path = join(folder, `${name}.part`);
    this.#file = attempt(() => {
      const own = name.slice(0, name.lastIndexOf('-') + 1);
      for (const old of readdirSync(folder)) {
        if (old.startsWith(own) && old.endsWith(unfinished)) rmSync(join(folder, old));
      }
      this.#look(expected);
      return openSync(this.path, 'w', 0o600);
    });
  }

  get bytes(): number {
    return this.#written;
  }

  write(bytes: Uint8Array): void {
    attempt(() => {
      if (this.#written - this.#looked > lookEvery) this.#look(bytes.length);
      for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at);
      this.#written += bytes.length;
    });
  }

  /** Flushes what was written; it has no name yet. */
  flush(): void {
    attempt(() => {
      fsyncSync(this.#file);
    });
  }

  /** Gives the file its name, durably. */
  finish(name: string): string {
    const path = join(this.#folder, name);
    attempt(() => {
      this.#close();
      renameSync(this.path, path);
      const folder = openSync(this.#folder, 'r');
      fsyncSync(folder);
      closeSync(folder);
    });
    return path;
  }

  discard(): void {
    this.#close();
    rmSync(this.path, { force: true });
  }

  /** Once: its number may be another file's afterwards. */
  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#file);
  }

  #look(wanted: number): void {
    this.#looked = this.#written;
    const { bavail, blocks, bsize } = statfsSync(this.#folder);
    const reserve = Math.min(reserveMost, blocks * bsize * reservePart);
    if (bavail * bsize - wanted >= reserve) return;
    throw new BackupError('no-room', `there is no room for a backup in ${this.#folder}`);
  }
}

/** What the disk refuses, as this room's. */
function attempt<T>(act: () => T): T {
  try {
    return act();
  } catch (cause) {
    if (cause instanceof BackupError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    if (full) throw new BackupError('no-room', 'the disk of the backup is full', { cause });
    const text = `the backup cannot be written: ${String(code)}`;
    throw new BackupError('not-written', text, { cause });
  }
}

export interface Target {
  readonly folder: string;
  /** The file's name, where a person gave one. */
  readonly name?: string;
}

/** A path as a person gives it: a folder that is there, or a file that is not. */
export function targetOf(path: string): Target {
  const there = existsSync(path);
  if (there && statSync(path).isDirectory()) return { folder: path };
  if (there) throw new BackupError('not-written', `${path} is there already`);
  const folder = dirname(path);
  if (existsSync(folder)) return { folder, name: basename(path) };
  throw new BackupError('not-written', `there is no folder ${folder}`);
}

/** The configured folder: one that is not mounted is no file to be made in its place. */
export function folderOf(path: string): Target {
  if (existsSync(path) && statSync(path).isDirectory()) return { folder: path };
  throw new BackupError('not-written', `there is no folder ${path}`);
}

export interface Listed {
  readonly file: string;
  readonly bytes: number;
  /** As the file says it, without a proof: `verify` proves. */
  readonly head: BundleHead;
}

/** The backups in a folder, oldest first. Throws BackupError `not-written` without the folder. */
export function listBackups(folder: string): Listed[] {
  const names = attempt(() => readdirSync(folder).filter((name) => name.endsWith(ending)));
  const listed = names.flatMap((name) => {
    const file = join(folder, name);
    const head = headOf(file);
    return head === undefined ? [] : [{ file, bytes: statSync(file).size, head }];
  });
  return listed.sort((a, b) => a.head.made - b.head.made || (a.file < b.file ? -1 : 1));
}

function headOf(path: string): BundleHead | undefined {
  const file = openSync(path, 'r');
  try {
    let bytes = Buffer.alloc(Math.min(64 << 10, headBytesMost));
    bytes = bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
    let parsed = parseBundleHead(bytes);
    if (parsed.is === 'more') {
      bytes = Buffer.alloc(parsed.bytes);
      parsed = parseBundleHead(bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0)));
    }
    return parsed.is === 'head' ? parsed.head : undefined;
  } finally {
    closeSync(file);
  }
}

/** Deletes a node's oldest backups but so many; `newest` stays, whatever its clock said. */
export function keepGenerations(folder: string, newest: string, keep: number): string[] {
  const all = listBackups(folder);
  const own = all.find(({ file }) => file === newest)?.head;
  if (own === undefined) return [];
  const others = all.filter(
    ({ file, head }) => file !== newest && head.cluster === own.cluster && head.node === own.node,
  );
  const gone = others.slice(0, Math.max(0, others.length - (keep - 1)));
  for (const { file } of gone) rmSync(file, { force: true });
  return gone.map(({ file }) => file);
}

/** A file as a stream of bytes. Throws BackupError `not-written`. */
export async function* readFileBytes(path: string): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    yield chunk as Buffer;
  }
}
