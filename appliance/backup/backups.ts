import type { KeyObject } from 'node:crypto';
import { existsSync, realpathSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { AuditEntry } from '../audit/event.ts';
import type { JournalHead } from '../keeper-client/journal-head.ts';
import type { Keeper } from '../keeper-client/keeper.ts';
import { BackupError } from './error.ts';
import { folderOf, keepGenerations, listBackups, nameOf, readFileBytes } from './folder.ts';
import { targetOf, UnfinishedFile } from './folder.ts';
import type { Listed, Target } from './folder.ts';
import type { Heads, Manifest } from './manifest.ts';
import { readMemory, writeMemory } from './memory.ts';
import type { BackupMemory } from './memory.ts';
import { journalHeadOf, restoreJournal } from './restore-journal.ts';
import { isNews, refuseShutOut, restoreBundle } from './restore.ts';
import type { RecordTarget, Restored } from './restore.ts';
import { missingFrom, verifyBundle } from './verify.ts';
import type { Verified } from './verify.ts';
import type { Counted, Work } from './work.ts';
import { BundleWriter } from './write.ts';
import type { RecordSource } from './write.ts';

export interface BackupParts {
  readonly records: RecordTarget & RecordSource;
  readonly keeper: Keeper;
  readonly cluster: string;
  /** What a person types who means this cluster. */
  readonly clusterName: string;
  readonly node: string;
  readonly recordKey: KeyObject;
  readonly commitmentKey: KeyObject;
  /** What would bring back at once what is replaced: nothing, or what it is. */
  readonly bringsBack: () => string | undefined;
  /** How large the keystore is, in bytes, and how many objects it has. */
  readonly size: () => { readonly bytes: number; readonly objects: number };
  readonly software: string;
  /** The node's own folder, where a backup lies while it is restored. */
  readonly folder: string;
  /** Where backups go when nobody says where, and how many of this node stay there. */
  readonly target?: string;
  readonly keep: number;
  readonly files: () => readonly (readonly [name: string, content: Uint8Array])[];
  readonly random: (bytes: number) => Buffer;
  readonly now: () => number;
  readonly note: (entry: AuditEntry) => void;
  readonly log: (
    level: 'info' | 'warn' | 'error',
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => void;
}

/** Who acts, for the audit. */
export interface By {
  readonly request: string;
  readonly actor: string;
}

export interface Made {
  readonly file: string;
  readonly bytes: number;
  readonly verified: Verified;
  /** Older backups that were deleted for it. */
  readonly deleted: readonly string[];
}

/** What came of a backup or a journal that was taken in. */
export interface TakenIn extends Omit<Restored, 'manifest'> {
  readonly is: 'backup' | 'journal';
  /** Of a journal: changed frames, a torn end, records that wait for those before them. */
  readonly damaged: number;
  readonly torn: boolean;
  readonly waiting: number;
  readonly bundle: string;
  readonly node: string;
  readonly made: number;
  /** Whether this node had nothing of its own and took the other one's place. */
  readonly fresh: boolean;
}

/** What came of a node's keys that a backup's took the place of. */
export interface Replaced extends TakenIn {
  readonly replaced: {
    /** Objects that are no more, and records that were said after the backup. */
    readonly objects: number;
    readonly records: number;
    /** The file that has them. */
    readonly saved: string;
  };
}

/** How a person confirms that everything is to be replaced. */
export interface Replacing {
  /** The cluster's name, as it was typed. */
  readonly name: string;
  /** A folder, or a file that is not there: what is replaced is saved there first. */
  readonly saveTo: string;
  readonly fromRemoved?: boolean;
}

/** A backup is whole or refused; a journal has records and nothing besides. */
const whole = { damaged: 0, torn: false, waiting: 0 } as const;
const nothingMore = { absent: 0, newer: 0, same: undefined, files: new Map<string, Buffer>() };

const triesMost = 5;
const spoolName = 'twinlock-incoming.backup';
const expectedLeast = 1 << 20;

/** The backups of a node: makes, reads back, lists and restores them, one at a time. */
export class Backups {
  readonly #parts: BackupParts;
  readonly #memory: string;
  #busy = false;
  #work: Work | undefined;

  constructor(parts: BackupParts) {
    this.#parts = parts;
    this.#memory = join(parts.folder, 'backup.json');
    rmSync(this.#spool, { force: true });
  }

  /** What is being done now, and how far it is. */
  get work(): Work | undefined {
    return this.#work;
  }

  get memory(): BackupMemory {
    return readMemory(this.#memory);
  }

  /**
   * Makes a backup, flushes it, reads it back from the disk, and only then gives it its name; then
   * deletes what is over the number of generations. `to`: a folder, or a file that is not there;
   * without it the configured folder. Throws BackupError.
   */
  create(to: string | undefined, by: By): Promise<Made> {
    return this.#alone('backup create', by, async () => {
      const path = to ?? this.#parts.target;
      if (path === undefined) {
        throw new BackupError('not-written', 'no folder for backups is configured');
      }
      try {
        const made = (): Target => (to === undefined ? folderOf(path) : targetOf(path));
        return await this.#tried(() => this.#create(made()));
      } catch (error) {
        // A path that a person mistyped is no backup that failed.
        const reason = error instanceof BackupError ? error.code : 'failed';
        if (to === undefined || reason !== 'not-written') this.#rememberFailure(reason);
        throw error;
      }
    });
  }

  /** Makes a backup for whoever reads it; whether it arrives anywhere is not known here. */
  async *stream(by: By): AsyncGenerator<Buffer> {
    this.#begin();
    const act = 'backup create';
    try {
      yield* this.#writer().bytes();
      this.#parts.note({ ...by, act, outcome: 'success' });
    } catch (error) {
      this.#parts.note({ ...by, act, outcome: 'failed', reason: codeOf(error) });
      throw error;
    } finally {
      this.#busy = false;
      this.#work = undefined;
    }
  }

  /** Reads a backup to its end and compares every key with its record. Throws BackupError. */
  verify(source: AsyncIterable<Buffer>, by: By): Promise<Verified> {
    const parts = { ...this.#parts, counted: this.#counting('reading') };
    return this.#noted('backup verify', by, () => verifyBundle(source, parts));
  }

  /** The backups in a folder, oldest first. Throws BackupError `not-written`. */
  list(folder = this.#parts.target): readonly Listed[] {
    if (folder === undefined) {
      throw new BackupError('not-written', 'no folder for backups is configured');
    }
    return listBackups(folder);
  }

  /**
   * Takes the records of a backup or a journal in: only adds. On a node without records of its own,
   * it is remembered that the wrapping key has to be rotated. `fromRemoved`: what a removed node
   * wrote afterwards too. Throws BackupError, KeystoreError.
   */
  restore(source: AsyncIterable<Buffer>, by: By, { fromRemoved = false } = {}): Promise<TakenIn> {
    return this.#alone('restore', by, async () => {
      return this.#spooled(source, async (path) => {
        const journal = journalHeadOf(path);
        return journal === undefined
          ? this.#restoreBundle(path, fromRemoved)
          : this.#restoreJournal(path, journal, fromRemoved);
      });
    });
  }

  /**
   * Puts the keys of a backup in the place of those that are here, by a person's word and on a node
   * that is alone. What is here is saved in a backup that was read back before anything goes, so
   * that `restore` undoes it; what is made meanwhile stays; who may do what stays too. Cut short
   * at any moment, it is done again. Throws BackupError, KeystoreError.
   */
  replace(source: AsyncIterable<Buffer>, by: By, replacing: Replacing): Promise<Replaced> {
    return this.#alone('restore replace', by, async () => {
      const { name, saveTo, fromRemoved = false } = replacing;
      const { clusterName, bringsBack, folder, target, records, random, log } = this.#parts;
      if (name !== clusterName) {
        throw new BackupError('not-confirmed', 'that is not the cluster’s name');
      }
      const other = bringsBack();
      if (other !== undefined) {
        throw new BackupError('not-alone', `${other} would bring back what is replaced`);
      }
      if (saveTo === '') {
        throw new BackupError('not-written', 'nobody said where to save what is replaced');
      }
      const to = targetOf(resolve(saveTo));
      const isThat = (each: string | undefined): boolean =>
        each !== undefined && existsSync(each) && realpathSync(each) === realpathSync(to.folder);
      if (isThat(folder) || isThat(target)) {
        const text = `what is saved in ${to.folder} would be deleted there in time`;
        throw new BackupError('not-written', text);
      }
      return this.#spooled(source, async (path) => {
        if (journalHeadOf(path) !== undefined) {
          throw new BackupError('not-a-backup', 'a journal has records, but not all of them');
        }
        const verified = await this.#read(path);
        const { manifest } = verified;
        const news = isNews(records.heads(), manifest.heads);
        refuseShutOut(manifest.node, news, records, { fromRemoved });
        const saved = await this.#tried(() => this.#create(to, { keepAll: true }));
        this.#rememberReplacing(manifest.bundle);
        const next = random(16).toString('hex');
        const way = { to: manifest.heads, saved: saved.verified.manifest.heads, next };
        const gone = await records.goBack(way);
        log('warn', 'the keys go back to a backup', { bundle: manifest.bundle, ...gone });
        const restored = await this.#restoreBundle(path, fromRemoved, verified);
        return { ...restored, replaced: { ...gone, saved: saved.file } };
      });
    });
  }

  async #spooled<T>(source: AsyncIterable<Buffer>, work: (path: string) => Promise<T>): Promise<T> {
    const file = new UnfinishedFile(this.#parts.folder, spoolName, expectedLeast);
    try {
      for await (const bytes of source) file.write(bytes);
      file.flush();
      return await work(file.path);
    } finally {
      file.discard();
    }
  }

  #read(path: string): Promise<Verified> {
    const parts = { ...this.#parts, counted: this.#counting('reading') };
    return verifyBundle(readFileBytes(path), parts);
  }

  #counting(what: Work['what']): Counted {
    return (done, of) => {
      this.#work = { what, done, of };
    };
  }

  #rememberReplacing(bundle: string): void {
    const { missing: _missing, restored: before, ...memory } = this.memory;
    const { generation = '' } = before ?? {};
    const restored = { bundle, time: this.#parts.now(), whole: false, generation } as const;
    writeMemory(this.#memory, { ...memory, restored: { ...restored, replaced: true } });
  }

  #rememberWhole(): void {
    const { restored, ...memory } = this.memory;
    if (restored === undefined) return;
    writeMemory(this.#memory, { ...memory, restored: { ...restored, whole: true } });
  }

  async #restoreBundle(path: string, fromRemoved: boolean, known?: Verified): Promise<TakenIn> {
    const { records: target } = this.#parts;
    const open = (): AsyncIterable<Buffer> => readFileBytes(path);
    const verified = known ?? (await this.#read(path));
    const { manifest } = verified;
    const { bundle } = manifest;
    const fresh = this.#isFresh(manifest.node, bundle);
    const counted = this.#counting('taking in');
    const restored = await this.#remembered({ bundle }, fresh, () =>
      restoreBundle(open, verified, { ...this.#parts, target, counted }, { fresh, fromRemoved }),
    );
    if (this.memory.restored?.bundle === bundle) this.#rememberWhole();
    const { node, made } = manifest;
    const told = { is: 'backup', bundle, node, made, fresh, ...whole } as const;
    return { ...restored, ...told, missing: this.#missing(restored.missing) };
  }

  async #restoreJournal(
    path: string,
    { node, made, journal: bundle }: JournalHead,
    fromRemoved: boolean,
  ): Promise<TakenIn> {
    const { records: target } = this.#parts;
    const fresh = this.#isFresh(node, bundle);
    const restored = await this.#remembered({ bundle, bare: true }, fresh, () =>
      restoreJournal(path, { ...this.#parts, target }, { fresh, fromRemoved }),
    );
    const told = { is: 'journal', bundle, node, made, fresh, ...nothingMore } as const;
    return { ...restored, ...told, missing: this.#missing([]) };
  }

  /** Remembers for as long as it lasts that a restore is under way, and afterwards from what. */
  async #remembered<T>(
    what: { readonly bundle: string; readonly bare?: true },
    fresh: boolean,
    work: () => Promise<T>,
  ): Promise<T> {
    const generation = (await this.#parts.keeper.status()).generation ?? '';
    const remember = (whole: boolean): void => {
      if (!fresh) return;
      const restored = { ...what, time: this.#parts.now(), whole, generation };
      writeMemory(this.#memory, { ...this.memory, restored });
    };
    remember(false);
    const done = await work();
    remember(true);
    return done;
  }

  /** What is missing still, of what is spoken of now and was before; kept in mind for the alarm. */
  #missing(found: Restored['missing']): Restored['missing'] {
    const { missing: before = [], ...memory } = this.memory;
    const spokenOf: Record<string, number> = {};
    for (const { epoch, to } of [...before, ...found]) {
      spokenOf[epoch] = Math.max(to, spokenOf[epoch] ?? 0);
    }
    const missing = missingFrom(this.#parts.records.heads(), spokenOf);
    if (missing.length > 0) writeMemory(this.#memory, { ...memory, missing });
    else if (before.length > 0) writeMemory(this.#memory, memory);
    return missing;
  }

  /** What is missing here of what somebody says there is: newer records, or whole epochs. */
  compare(heads: Heads): { readonly missing: Restored['missing'] } {
    const spokenOf = Object.entries(heads).map(([epoch, [seq]]) => [epoch, seq]);
    const wanted = Object.fromEntries(spokenOf) as Record<string, number>;
    return { missing: missingFrom(this.#parts.records.heads(), wanted) };
  }

  /** Whether this node has nothing of its own yet, or is amid being restored from this backup. */
  #isFresh(author: string, bundle: string): boolean {
    const { restored } = this.memory;
    const { records, node } = this.#parts;
    if (author === node) return false;
    if (restored?.replaced === true) return false;
    if (restored?.bundle === bundle && !restored.whole) return true;
    const became = restored?.whole === true && restored.bare !== true;
    if (became || records.hasActed()) return false;
    // A node that saw another one cut off served beside it: it keeps the certificate that clients
    // know it by.
    const isBare = restored?.bare === true;
    return records
      .members()
      .every(({ node: each, removed, lost }) => each === node || (removed && (isBare || lost)));
  }

  /** Again where the wrapping key was rotated meanwhile. */
  async #tried<T>(act: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await act();
      } catch (error) {
        if (!isRotated(error) || tries === triesMost) throw error;
      }
    }
  }

  #rememberFailure(reason: string): void {
    const failed = { time: this.#parts.now(), reason };
    writeMemory(this.#memory, { ...this.memory, failed });
  }

  async #create({ folder, name }: Target, { keepAll = false } = {}): Promise<Made> {
    const { keep, now } = this.#parts;
    const writer = this.#writer();
    const expected = Math.max(expectedLeast, this.#parts.size().bytes);
    const mark = this.#parts.random(4).toString('hex');
    const own = `twinlock-${this.#parts.node.slice(0, 8)}-${mark}.backup`;
    const file = new UnfinishedFile(folder, own, expected);
    try {
      for await (const bytes of writer.bytes()) file.write(bytes);
      file.flush();
      const counted = this.#counting('reading back');
      const parts = { ...this.#parts, counted };
      const verified = await verifyBundle(readFileBytes(file.path), parts);
      const { manifest, totals } = verified;
      const finished = file.finish(name ?? nameOf(manifest));
      const { bytes } = file;
      const { bundle } = manifest;
      const counts = { keys: totals.secrets, records: totals.records };
      const { failed: _failed, ...memory } = this.memory;
      const done = { time: now(), file: finished, bundle, bytes, ...counts };
      writeMemory(this.#memory, { ...memory, verified: done });
      const rotates = name === undefined && !keepAll;
      const deleted = rotates ? keepGenerations(folder, finished, keep) : [];
      this.#parts.log('info', 'a backup was made and read back', { bundle, ...counts });
      return { file: finished, bytes, verified, deleted };
    } catch (error) {
      file.discard();
      throw error;
    }
  }

  #writer(): BundleWriter {
    const { records: source, keeper, recordKey, random, files } = this.#parts;
    const { cluster, node, now, software, size } = this.#parts;
    const about = (): Omit<Manifest, 'bundle' | 'heads' | 'recordKeys' | 'state'> => {
      const { objects } = size();
      return { cluster, node, made: now(), software, objects };
    };
    const counted = this.#counting('writing');
    return new BundleWriter({ source, keeper, recordKey, random, files, about, counted });
  }

  get #spool(): string {
    return join(this.#parts.folder, `${spoolName}.part`);
  }

  #begin(): void {
    if (this.#busy) throw new BackupError('busy', 'a backup is being made or restored already');
    this.#busy = true;
  }

  async #alone<T>(act: string, by: By, work: () => Promise<T>): Promise<T> {
    this.#begin();
    try {
      return await this.#noted(act, by, work);
    } finally {
      this.#busy = false;
    }
  }

  async #noted<T>(act: string, by: By, work: () => Promise<T>): Promise<T> {
    const { note, log } = this.#parts;
    try {
      const value = await work();
      note({ ...by, act, outcome: 'success' });
      return value;
    } catch (error) {
      const reason = codeOf(error);
      note({ ...by, act, outcome: 'failed', reason });
      const text = error instanceof Error ? error.message : 'unknown';
      log('error', `${act} failed`, { code: reason, error: text });
      throw error;
    } finally {
      this.#work = undefined;
    }
  }
}

function isRotated(error: unknown): boolean {
  return error instanceof BackupError && error.code === 'rotated';
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : 'failed';
}

/** The size of files in bytes; of those that are there. */
export function sizeOf(...paths: readonly string[]): number {
  return paths.reduce(
    (sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
