import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyObject } from 'node:crypto';
import { encodeJournalHead, parseJournalHead } from '../keeper-client/journal-head.ts';
import type { JournalHead } from '../keeper-client/journal-head.ts';
import type { Keeper } from '../keeper-client/keeper.ts';
import type { Entry } from '../keystore/exchange.ts';
import {
  headDigest,
  makeJournalKey,
  nextFrame,
  openFrame,
  openJournalKey,
  sealFrame,
} from './journal-format.ts';

/** A file of a journal; `sync` and `datasync` resolve when the medium has the bytes. */
export interface JournalFile {
  appendFile(bytes: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  datasync(): Promise<void>;
  close(): Promise<void>;
}

/** What a journal needs of a file system; paths are absolute. */
export interface JournalFiles {
  open(path: string, flags: string, mode?: number): Promise<JournalFile>;
  readdir(folder: string): Promise<string[]>;
  readFile(path: string): Promise<Buffer>;
}

/** The files of this machine. */
export const machineFiles: JournalFiles = { open, readdir, readFile };

export interface JournalOptions {
  /** On another medium than the state: a USB stick, a second disk, a mounted share. */
  readonly folder: string;
  readonly files?: JournalFiles;
  readonly keeper: Keeper;
  readonly cluster: string;
  readonly node: string;
  readonly members: () => readonly { readonly node: string; readonly recordKey: string }[];
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly random: (bytes: number) => Buffer;
  readonly after: (milliseconds: number, act: () => void) => () => void;
  readonly log: (
    level: 'info' | 'warn' | 'error',
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => void;
}

const suffix = '.journal';
const retryMilliseconds = 5_000;
const patienceMilliseconds = 5_000;
/** A file is read in one piece, so it does not grow for ever. */
const fileBytes = 64 << 20;

interface Opened {
  readonly file: JournalFile;
  readonly key: KeyObject;
  readonly head: Buffer;
  /** What the slots of its head open. */
  readonly generations: ReadonlySet<string>;
  frames: number;
  bytes: number;
}

/**
 * The second copy while no other node is there: what is not known to lie elsewhere, appended and
 * flushed before a client is answered. Each start writes a file of its own, each wrapping key too.
 */
export class Journal {
  readonly #options: JournalOptions;
  #opened: Opened | undefined;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Whether the medium took the last thing it was given. */
  get usable(): boolean {
    return this.#opened !== undefined;
  }

  /** Opens a file, now or as soon as the medium is there. */
  async start(): Promise<void> {
    try {
      this.#opened = await this.#begin();
      if (this.#isStopped()) await this.stop();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Resolves when these records are flushed. Rejects where the medium did not take them. */
  async append(entries: readonly Entry[]): Promise<void> {
    let opened = this.#opened;
    if (opened === undefined) throw new Error('the journal’s medium is not there');
    try {
      const { generations, bytes } = opened;
      if (bytes > fileBytes || !entries.every((entry) => isUnder(entry, generations))) {
        const { file } = opened;
        const next = await this.#inTime(file.close().then(() => this.#begin()));
        this.#opened = opened = next;
      }
      const frame = sealFrame(opened.key, opened.head, opened.frames++, entries);
      opened.bytes += frame.length;
      await this.#inTime(flushed(opened.file, frame));
    } catch (error) {
      // Nobody knows what the medium holds now: this file is written no more.
      this.#failed(error);
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.file.close().catch(() => {});
  }

  /** A share that hangs must not make clients wait for it: it counts as gone. */
  #inTime<T>(writing: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.#options.after(patienceMilliseconds, () => {
        reject(new Error('the journal’s medium does not answer'));
      });
      writing.then(resolve, reject).finally(cancel);
    });
  }

  #isStopped(): boolean {
    return this.#stopped;
  }

  #failed(error: unknown): void {
    const { log, after } = this.#options;
    const text = error instanceof Error ? error.message : 'unknown';
    if (this.#opened !== undefined || this.#cancel === undefined) {
      log('error', 'the journal cannot be written', { error: text });
    }
    void this.#opened?.file.close().catch(() => {});
    this.#opened = undefined;
    if (this.#stopped) return;
    this.#cancel = after(retryMilliseconds, () => void this.start());
  }

  async #begin(): Promise<Opened> {
    const { folder, keeper, cluster, node, members, now, random } = this.#options;
    const { files = machineFiles } = this.#options;
    const slots = await keeper.slots();
    const journal = random(16).toString('hex');
    const recordKeys = Object.fromEntries(members().map((each) => [each.node, each.recordKey]));
    const common = { journal, cluster, node, made: now(), recordKeys, slots };
    const { key, sealed } = await makeJournalKey(keeper, common, random);
    const head = encodeJournalHead({ ...common, key: sealed });
    const path = join(folder, `twinlock-${node.slice(0, 8)}-${journal}${suffix}`);
    const file = await files.open(path, 'ax', 0o600);
    try {
      await file.appendFile(head);
      await file.sync();
      const parent = await files.open(folder, 'r');
      await parent.sync().finally(() => parent.close());
    } catch (error) {
      await file.close();
      throw error;
    }
    return {
      file,
      key,
      head: headDigest(head),
      generations: generationsIn(slots),
      frames: 0,
      bytes: 0,
    };
  }
}

/** What a journal held; `damaged`: frames that were changed, `torn`: whether its end is missing. */
export interface JournalRead {
  readonly head: JournalHead;
  readonly frames: number;
  readonly damaged: number;
  readonly torn: boolean;
}

/**
 * Reads a journal's records, oldest first, a frame at a time. An end that a power cut tore off was
 * never answered for and is left out. Throws what the keeper throws: `generation-unknown` where the
 * slots of the head (`parseJournalHead`) have to be opened with shares first. Undefined for a file
 * that is no journal.
 */
export async function readJournal(
  bytes: Buffer,
  keeper: Keeper,
  take: (entries: readonly Entry[]) => Promise<void>,
): Promise<JournalRead | undefined> {
  const parsed = parseJournalHead(bytes);
  if (parsed === undefined) return undefined;
  const { head, end } = parsed;
  const keys = {
    key: await openJournalKey(keeper, head),
    head: headDigest(bytes.subarray(0, end)),
  };
  let damaged = 0;
  for (let offset = end, index = 0; ; index++) {
    const frame = openFrame(bytes, offset, index, keys);
    if (frame.is === 'entries') {
      offset = frame.end;
      await take(frame.entries);
      continue;
    }
    if (frame.is === 'end' && !frame.torn) return { head, frames: index, damaged, torn: false };
    // Its length may be what was changed: what stands behind it is looked for.
    const next = nextFrame(bytes, offset + 1, index + 1, keys);
    if (next === undefined) {
      const torn = frame.is === 'end';
      return { head, frames: index + (torn ? 0 : 1), damaged: damaged + (torn ? 0 : 1), torn };
    }
    damaged += next.index - index;
    offset = next.offset;
    index = next.index - 1;
  }
}

/** The journals in a folder, oldest first by what they say of themselves; none where it is gone. */
export async function journalsIn(
  folder: string,
  files = machineFiles,
): Promise<{ readonly path: string; readonly head: JournalHead }[]> {
  const names = await files.readdir(folder).catch((): string[] => []);
  const found: { path: string; head: JournalHead }[] = [];
  for (const name of names.filter((each) => each.endsWith(suffix))) {
    const path = join(folder, name);
    const parsed = parseJournalHead(await files.readFile(path));
    if (parsed !== undefined) found.push({ path, head: parsed.head });
  }
  return found.sort((a, b) => a.head.made - b.head.made || (a.path < b.path ? -1 : 1));
}

async function flushed(file: JournalFile, bytes: Buffer): Promise<void> {
  await file.appendFile(bytes);
  await file.datasync();
}

function generationsIn(slots: string): Set<string> {
  const { table } = JSON.parse(slots) as { table: { slots: { generation: string }[] } };
  return new Set(table.slots.map(({ generation }) => generation));
}

function isUnder({ sealed }: Entry, generations: ReadonlySet<string>): boolean {
  if (sealed === undefined) return true;
  return generations.has(Buffer.from(sealed.subarray(1, 17)).toString('hex'));
}
