import type { KeyObject } from 'node:crypto';
import type { AuditEntry } from '../audit/event.ts';
import { KeeperError } from '../keeper-client/keeper.ts';
import type { Keeper } from '../keeper-client/keeper.ts';
import { AuditLog } from './audit-log.ts';
import type { Client } from './client.ts';
import { asKeystoreError, openDatabase } from './database.ts';
import type { Database } from './database.ts';
import { OpenDraft } from './draft.ts';
import { KeystoreError } from './error.ts';
import type { Draft, KeyMaterial, Keystore } from './keystore.ts';
import { locate } from './locate-query.ts';
import type { LocateFilter } from './locate.ts';
import type { ManagedObject, MaterialContext, SealedMaterial } from './managed-object.ts';
import { commit, contextBytes, isCommitted, OpenMaterial } from './material.ts';
import { Projection } from './projection.ts';
import { RecordLog } from './record-log.ts';
import { countOutdated, rewrapBatch } from './rewrap.ts';
import type { RewrapBatch, RewrapParts } from './rewrap.ts';

export interface KeystoreOptions {
  readonly path: string;
  /** 32 bytes; wiped once the database is open. */
  readonly pageKey: Buffer;
  readonly recordKey: KeyObject;
  readonly commitmentKey: KeyObject;
  readonly keeper: Keeper;
  /** 16 bytes in hexadecimal each. */
  readonly cluster: string;
  readonly node: string;
  readonly epoch: string;
  readonly now: () => number;
  readonly cacheKiB?: number;
  /** Whether a lost token could be recovered from: until then nothing is sealed. */
  readonly recoverable?: () => Promise<boolean>;
  /** Waits until what was committed is as durable as the policy demands. */
  readonly confirm?: () => Promise<void>;
  readonly log: (
    level: 'warn' | 'error',
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => void;
}

interface Queued {
  readonly mutation: (draft: Draft) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Outcome {
  readonly queued: Queued;
  readonly value?: unknown;
  readonly error?: unknown;
}

const notesMost = 50_000;
const notesMilliseconds = 100;

/** The SQLite keystore: one writer, one transaction for all that is queued in a turn. */
export class SqliteKeystore implements Keystore {
  readonly #options: KeystoreOptions;
  readonly #database: Database;
  readonly #projection: Projection;
  readonly #records: RecordLog;
  readonly #audit: AuditLog;
  readonly #draft: OpenDraft;
  readonly #sealed;
  readonly #retired = new Set<string>();
  #queue: Queued[] = [];
  #notes: { entry: AuditEntry; time: number }[] = [];
  #gap = 0;
  #scheduled = false;
  #timer: NodeJS.Timeout | undefined;
  #failure: KeystoreError | undefined;

  /** Opens or makes the database and begins an epoch. Throws KeystoreError. */
  constructor(options: KeystoreOptions) {
    this.#options = options;
    const { path, pageKey, cluster, node, recordKey: key, now } = options;
    this.#database = openDatabase(path, pageKey, options.cacheKiB);
    pageKey.fill(0);
    try {
      this.#projection = new Projection(this.#database, now);
      this.#records = new RecordLog(this.#database, { cluster, node, key });
      this.#audit = new AuditLog(this.#database);
      this.#records.checkNewest(64);
      this.#begin();
    } catch (error) {
      this.#database.close();
      throw asKeystoreError(error);
    }
    this.#draft = new OpenDraft({
      database: this.#database,
      projection: this.#projection,
      records: this.#records,
      audit: this.#audit,
      retired: this.#retired,
      now,
    });
    this.#sealed = this.#database.prepare('SELECT * FROM material WHERE object = ?');
  }

  /** What keeps the keystore from writing: from then on it serves reads only. */
  get failure(): KeystoreError | undefined {
    return this.#failure;
  }

  object(uniqueIdentifier: string): ManagedObject | undefined {
    return this.#projection.object(uniqueIdentifier);
  }

  locate(group: string, filter: LocateFilter): readonly string[] {
    return locate(this.#database, group, filter, this.#options.now());
  }

  list({ after, limit }: { after?: string; limit: number }): readonly ManagedObject[] {
    return this.#projection.page(after, limit);
  }

  count(): { objects: number; records: number } {
    const count = (table: string): number =>
      Number(this.#database.prepare(`SELECT coalesce(max(id), 0) FROM ${table}`).pluck().get());
    return { objects: count('object'), records: count('record') };
  }

  /** Checks every record and audit entry. Throws KeystoreError `chain-broken`. */
  verify(): { readonly records: number; readonly auditBreak: number | undefined } {
    return { records: this.#records.verify(), auditBreak: this.#audit.firstBreak() };
  }

  client(fingerprint: string): Client | undefined {
    return this.#projection.client(fingerprint);
  }

  clients(): readonly Client[] {
    return this.#projection.clients();
  }

  groups(): readonly string[] {
    return this.#projection.groups();
  }

  async seal(context: MaterialContext, secret: Uint8Array): Promise<SealedMaterial> {
    if (!(await this.#recoverable())) {
      throw new KeystoreError('recovery-missing', 'the recovery set is not proven');
    }
    const bytes = contextBytes(this.#options.cluster, context);
    const commitment = commit(this.#options.commitmentKey, bytes, secret);
    try {
      return { sealed: await this.#options.keeper.seal(bytes, secret), commitment };
    } catch (error) {
      throw fromKeeper(error);
    }
  }

  async open(object: ManagedObject): Promise<KeyMaterial> {
    const row = this.#sealed.get(object.uniqueIdentifier) as
      { commitment: Buffer; sealed: Buffer } | undefined;
    if (row === undefined || !object.hasMaterial) {
      throw new KeystoreError('material-missing', 'the object has no material');
    }
    const context = contextBytes(this.#options.cluster, object);
    let secret: Buffer;
    try {
      secret = await this.#options.keeper.open(context, row.sealed);
    } catch (error) {
      throw fromKeeper(error);
    }
    if (!isCommitted(this.#options.commitmentKey, context, secret, row.commitment)) {
      secret.fill(0);
      throw new KeystoreError('material-corrupt', 'the material is not what the record says');
    }
    return new OpenMaterial(secret);
  }

  /** Seals the next secrets anew under this generation of the wrapping key (16 bytes). */
  async rewrap(batch: { generation: Buffer; after: string; limit: number }): Promise<RewrapBatch> {
    this.check();
    try {
      return await rewrapBatch(this.#rewrapParts(), batch);
    } catch (error) {
      if (isSqlite(error)) this.#fail(error, []);
      throw fromKeeper(error);
    }
  }

  /** How many secrets are not sealed under this generation (16 bytes). */
  outdated(generation: Buffer): number {
    return countOutdated(this.#rewrapParts(), generation);
  }

  /**
   * Refuses from now on what was sealed under these generations (hexadecimal) and not yet
   * committed: nobody could open it once the keeper has forgotten them.
   */
  retire(generations: readonly string[]): void {
    for (const generation of generations) this.#retired.add(generation);
  }

  async #recoverable(): Promise<boolean> {
    try {
      return (await this.#options.recoverable?.()) ?? true;
    } catch (error) {
      throw fromKeeper(error);
    }
  }

  #rewrapParts(): RewrapParts {
    const { keeper, cluster, commitmentKey } = this.#options;
    const parts = { database: this.#database, projection: this.#projection };
    return { ...parts, keeper, cluster, commitmentKey };
  }

  change<T>(mutation: (draft: Draft) => T): Promise<Awaited<T>> {
    return new Promise<Awaited<T>>((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      this.#queue.push({ mutation, resolve: resolve as (value: unknown) => void, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#commit();
      });
    });
  }

  note(entry: AuditEntry): void {
    if (this.#failure !== undefined || this.#notes.length >= notesMost) {
      if (this.#gap++ === 0) this.#options.log('error', 'audit entries are being lost');
      return;
    }
    this.#notes.push({ entry, time: this.#options.now() });
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#commit();
    }, notesMilliseconds);
  }

  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#database.prepare('SELECT count(*) FROM head').get();
    } catch (error) {
      throw asKeystoreError(error);
    }
  }

  close(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#failure === undefined) this.#commit();
    this.#failure = new KeystoreError('closed', 'the keystore is closed');
    this.#database.close();
    return Promise.resolve();
  }

  /** A full disk must not keep hosts from their keys: without an epoch the keystore only reads. */
  #begin(): void {
    const { epoch, now, log } = this.#options;
    try {
      this.#database.transaction(() => {
        this.#records.beginEpoch(epoch, now());
      })();
    } catch (error) {
      const failure = asKeystoreError(error);
      if (failure.code !== 'disk-full' && failure.code !== 'commit-failed') throw failure;
      log('error', 'the keystore cannot write', { code: failure.code });
      this.#failure = failure;
    }
  }

  /** Commits all that is queued. What one mutation throws undoes that mutation alone. */
  #commit(): void {
    const queue = this.#queue;
    const notes = this.#notes;
    if (queue.length === 0 && notes.length === 0) return;
    this.#queue = [];
    this.#notes = [];
    const outcomes: Outcome[] = [];
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const queued of queue) outcomes.push(this.#attempt(queued));
      for (const { entry, time } of notes) this.#audit.append(entry, time);
      if (this.#gap > 0) this.#auditGap();
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#fail(error, queue);
      return;
    }
    void this.#answer(outcomes);
  }

  #attempt(queued: Queued): Outcome {
    const position = this.#records.position();
    this.#database.exec('SAVEPOINT mutation');
    try {
      const value = queued.mutation(this.#draft);
      this.#database.exec('RELEASE mutation');
      return { queued, value };
    } catch (error) {
      // SQLite itself may have ended the transaction (disk full): then nothing can be saved.
      if (!this.#database.inTransaction) throw error;
      this.#database.exec('ROLLBACK TO mutation; RELEASE mutation');
      this.#records.restore(position);
      this.#audit.reload();
      return { queued, error };
    }
  }

  async #answer(outcomes: readonly Outcome[]): Promise<void> {
    try {
      await this.#options.confirm?.();
    } catch (error) {
      for (const { queued } of outcomes) queued.reject(error);
      return;
    }
    for (const { queued, value, error } of outcomes) {
      if (error === undefined) queued.resolve(value);
      else queued.reject(isSqlite(error) ? asKeystoreError(error) : error);
    }
  }

  /** A commit that failed is final: nobody knows what the disk holds until it is read anew. */
  #fail(error: unknown, queue: readonly Queued[]): void {
    const failure = asKeystoreError(error);
    this.#options.log('error', 'the keystore cannot write', { code: failure.code });
    if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
    this.#failure = failure;
    for (const { reject } of queue) reject(failure);
  }

  #auditGap(): void {
    const entry = { request: '', actor: 'node', act: 'audit gap', outcome: 'failed' } as const;
    this.#audit.append({ ...entry, reason: `${this.#gap} entries lost` }, this.#options.now());
    this.#gap = 0;
  }
}

function isSqlite(error: unknown): boolean {
  return error instanceof Error && error.name === 'SqliteError';
}

function fromKeeper(error: unknown): unknown {
  if (!(error instanceof KeeperError)) return error;
  const corrupt = error.code === 'not-authentic' || error.code === 'generation-unknown';
  const code = corrupt ? 'material-corrupt' : 'keeper-unavailable';
  return new KeystoreError(code, `the keeper says: ${error.code}`, { cause: error });
}
