import type { KeyObject } from 'node:crypto';
import type { AuditEntry } from '../audit/event.ts';
import type { Keeper } from '../keeper-client/keeper.ts';
import { AuditLog } from './audit-log.ts';
import { AuditTrail } from './audit-trail.ts';
import type { Conflict } from './conflict.ts';
import type { Client } from './client.ts';
import { asKeystoreError, emptyJournal, flushLeftLog, openDatabase } from './database.ts';
import type { Database } from './database.ts';
import { OpenDraft } from './draft.ts';
import { fromKeeper, KeystoreError } from './error.ts';
import { FetchHints } from './fetch-hint.ts';
import type { Draft, KeyMaterial, Keystore } from './keystore.ts';
import { locate } from './locate-query.ts';
import type { LocateFilter } from './locate.ts';
import type { ManagedObject, MaterialContext, SealedMaterial } from './managed-object.ts';
import { NoteQueue } from './note-queue.ts';
import type { CopyGuard } from './copy-guard.ts';
import { commit, contextBytes, isCommitted, OpenMaterial } from './material.ts';
import { Projection } from './projection.ts';
import type { RecordHead } from './record.ts';
import { RecordLog } from './record-log.ts';
import type { Copies } from './receipt.ts';
import { Replica } from './replica.ts';
import { foldRetention, shortestRetention } from './retention.ts';
import { groupRules } from './group-rule.ts';
import { foldName } from './state-digest.ts';
import { countOutdated, rewrapBatch } from './rewrap.ts';
import type { RewrapBatch, RewrapParts } from './rewrap.ts';
import { damageFound, placeName } from './unsound.ts';
import type { ChainPlace } from './unsound.ts';

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
  /** Nothing is purged that was kept for less, in seconds; a week where it is not given. */
  readonly retentionFloor?: number;
  /** What this version can do, said to other nodes; a switch goes on once all can. */
  readonly features?: readonly string[];
  readonly log: (
    level: 'warn' | 'error',
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => void;
}

interface Queued {
  readonly mutation: (draft: Draft) => unknown;
  /** Whether records of its own are made, which other nodes may have to confirm. */
  readonly own: boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Outcome {
  readonly queued: Queued;
  readonly value?: unknown;
  readonly error?: unknown;
  /** What it appended or took in. */
  readonly records: readonly RecordHead[];
}

export type RecordListener = (records: readonly RecordHead[]) => void;

/** The SQLite keystore: one writer, one transaction for all that is queued in a turn. */
export class SqliteKeystore implements Keystore {
  /** The keystore as other nodes and backups see it. */
  readonly replica: Replica;
  /** The audit as administrators and receivers see it. */
  readonly trail: AuditTrail;
  readonly #options: KeystoreOptions;
  readonly #database: Database;
  readonly #projection: Projection;
  readonly #records: RecordLog;
  readonly #audit: AuditLog;
  readonly #draft: OpenDraft;
  readonly #listeners = new Set<RecordListener>();
  #guard: CopyGuard | undefined;
  readonly #sealed;
  readonly #retired = new Set<string>();
  #queue: Queued[] = [];
  readonly #notes: NoteQueue;
  readonly #fetches: FetchHints;
  #scheduled = false;
  #purged = false;
  #failure: KeystoreError | undefined;

  /** Opens or makes the database and begins an epoch. Throws KeystoreError. */
  constructor(options: KeystoreOptions) {
    this.#options = options;
    const { path, pageKey, cluster, node, recordKey: key, now } = options;
    const unflushed = flushLeftLog(path);
    this.#database = openDatabase(path, pageKey, options.cacheKiB);
    pageKey.fill(0);
    try {
      this.#projection = new Projection(this.#database, now);
      const features = options.features ?? [];
      this.#records = new RecordLog(this.#database, { cluster, node, key, features });
      this.#audit = new AuditLog(this.#database);
      const due = (): void => {
        this.#commit();
      };
      const fetches = (this.#fetches = new FetchHints(this.#database));
      this.#notes = new NoteQueue({ audit: this.#audit, fetches, now, due, log: options.log });
      const damaged = this.#records.damagedNewest(64);
      this.#probe();
      this.#begin(unflushed, damaged);
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
      node,
      peers: () =>
        this.replica
          .members()
          .filter((member) => !member.removed && member.node !== node)
          .map((member) => member.node),
      now,
      admit: (kind) => this.#guard?.admit(kind),
    });
    this.replica = new Replica({
      database: this.#database,
      projection: this.#projection,
      records: this.#records,
      keeper: options.keeper,
      cluster,
      commitmentKey: options.commitmentKey,
      now,
      retired: this.#retired,
      fetches: this.#fetches,
      log: options.log,
      commit: (mutation) => this.#enqueue(mutation),
    });
    this.trail = new AuditTrail({
      audit: this.#audit,
      node,
      now,
      records: (object) => this.#projection.records(object),
      commit: (mutation) => this.#enqueue(mutation),
    });
    this.#sealed = this.#database.prepare(`SELECT m.sealed, m.commitment,
      m.commitment = o.commitment AS committed
      FROM material m JOIN object o ON o.identifier = m.object
      WHERE m.object = ? ORDER BY committed DESC LIMIT 1`);
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

  copies(uniqueIdentifier: string): Copies {
    return this.replica.copies(uniqueIdentifier);
  }

  kept(object: ManagedObject): number | undefined {
    return this.replica.keeping.left(object, this.retentionFloor);
  }

  keptObjects(page: { readonly after?: string; readonly limit: number }): ManagedObject[] {
    return this.replica.keeping.kept(page);
  }

  conflicts(limit: number): readonly Conflict[] {
    return this.replica.conflicts(limit);
  }

  administrators: Keystore['administrators'] = () => this.#records.administrators();
  fetched: Keystore['fetched'] = (object) => this.#fetches.of(object);
  isSuperseded: Keystore['isSuperseded'] = (object) => this.#projection.isSuperseded(object);

  rules: Keystore['rules'] = (group, rule) => groupRules(this.#projection, group, rule);
  retention(): number {
    return foldRetention(this.#projection.records('cluster')).seconds;
  }

  get retentionFloor(): number {
    return this.#options.retentionFloor ?? shortestRetention;
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
      { commitment: Buffer; sealed: Buffer; committed: number } | undefined;
    if (row === undefined || !object.hasMaterial) {
      throw new KeystoreError('material-missing', 'the object has no material');
    }
    if (row.committed !== 1) throw this.#corrupt(object);
    const context = contextBytes(this.#options.cluster, object);
    let secret: Buffer;
    try {
      secret = await this.#options.keeper.open(context, row.sealed);
    } catch (error) {
      const known = fromKeeper(error);
      if (known instanceof KeystoreError && known.code === 'material-corrupt')
        this.#corrupt(object);
      throw known;
    }
    if (!isCommitted(this.#options.commitmentKey, context, secret, row.commitment)) {
      secret.fill(0);
      throw this.#corrupt(object);
    }
    return new OpenMaterial(secret);
  }

  #corrupt({ uniqueIdentifier }: ManagedObject): KeystoreError {
    this.#options.log('error', 'a secret is damaged', { object: uniqueIdentifier });
    this.#lack([uniqueIdentifier]);
    return new KeystoreError('material-corrupt', 'the material is not what the record says');
  }

  /** What became unreadable here is asked for from other nodes, which have it too. */
  #lack(objects: readonly string[]): void {
    void this.#enqueue(() => {
      for (const object of objects) this.replica.lack(object);
    }).catch(() => {});
  }

  /** Seals the next secrets anew under this generation of the wrapping key (16 bytes). */
  async rewrap(batch: Parameters<typeof rewrapBatch>[1]): Promise<RewrapBatch> {
    this.check();
    try {
      const done = await rewrapBatch(this.#rewrapParts(), batch);
      if (done.failed.length > 0) this.#lack(done.failed);
      return done;
    } catch (error) {
      if (isSqlite(error)) this.#fail(error, []);
      throw fromKeeper(error);
    }
  }

  /** How many secrets are not sealed under this generation (16 bytes). */
  async outdated(generation: Buffer): Promise<number> {
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
    return this.#enqueue(mutation, true);
  }

  /** Asked before records are made and before they are answered, from now on. */
  set guard(guard: CopyGuard) {
    this.#guard = guard;
  }

  /** Calls with the records of each commit, own and others', once they are durable. */
  onRecords(listener: RecordListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #enqueue<T>(mutation: (draft: Draft) => T, own = false): Promise<Awaited<T>> {
    return new Promise<Awaited<T>>((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      this.#queue.push({ mutation, own, resolve: resolve as (value: unknown) => void, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#commit();
      });
    });
  }

  note(entry: AuditEntry): void {
    this.#notes.add(entry, this.#failure === undefined);
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
    this.#notes.stop();
    if (this.#failure === undefined) this.#commit();
    this.#failure = new KeystoreError('closed', 'the keystore is closed');
    this.#database.close();
    return Promise.resolve();
  }

  /** Reads what every answer rests on, so that a damaged database is said at the start. */
  #probe(): void {
    this.clients();
    this.groups();
    this.count();
    this.list({ limit: 1 });
    this.#records.membership();
    this.#records.copyPolicy();
  }

  /**
   * A full disk must not keep hosts from their keys: without an epoch the keystore only reads. Nor
   * must a damaged record: it is said, and to be had from elsewhere again.
   */
  #begin(unflushed: KeystoreError | undefined, damaged: readonly ChainPlace[]): void {
    const { epoch, now, log } = this.#options;
    const places = damaged.map(placeName);
    for (const record of places) log('error', 'a stored record is damaged', { record });
    try {
      if (unflushed !== undefined) throw unflushed;
      this.#database.transaction(() => {
        for (const place of damaged) this.#records.unsound.note(place);
        this.#refoldAfterUpgrade();
        this.#records.beginEpoch(epoch, now());
      })();
      this.#records.takeFresh();
      for (const record of places) this.note(damageFound('record', record));
    } catch (error) {
      const failure = asKeystoreError(error);
      if (failure.code !== 'disk-full' && failure.code !== 'commit-failed') throw failure;
      log('error', 'the keystore cannot write', { code: failure.code });
      this.#failure = failure;
    }
  }

  /** Another version folded other kinds, or in another way: what it carried is folded now. */
  #refoldAfterUpgrade(): void {
    const find = this.#database.prepare(`SELECT value FROM meta WHERE name = 'fold'`).pluck();
    if (find.get() === foldName) return;
    this.#projection.applyAll(this.#database);
    this.#database.prepare(`REPLACE INTO meta VALUES ('fold', ?)`).run(foldName);
  }

  /** Commits all that is queued. What one mutation throws undoes that mutation alone. */
  #commit(): void {
    const queue = this.#queue;
    if (queue.length === 0 && this.#notes.length === 0) return;
    const notes = this.#notes.take();
    this.#queue = [];
    const outcomes: Outcome[] = [];
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const queued of queue) outcomes.push(this.#attempt(queued));
      this.#notes.write(notes);
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#fail(error, queue);
      return;
    }
    const records = outcomes.flatMap((outcome) => outcome.records);
    if (this.#purged) this.#purged = !emptyJournal(this.#database);
    for (const outcome of outcomes) void this.#answer(outcome);
    if (records.length > 0) for (const listener of this.#listeners) listener(records);
  }

  #attempt(queued: Queued): Outcome {
    const position = this.#records.position();
    this.#database.exec('SAVEPOINT mutation');
    try {
      const value = queued.mutation(this.#draft);
      this.#auditPurges();
      this.#database.exec('RELEASE mutation');
      return { queued, value, records: this.#records.takeFresh() };
    } catch (error) {
      // SQLite itself may have ended the transaction (disk full): then nothing can be saved.
      if (!this.#database.inTransaction) throw error;
      this.#database.exec('ROLLBACK TO mutation; RELEASE mutation');
      this.#records.restore(position);
      this.#audit.reload();
      this.#projection.usage.forget();
      this.#projection.takePurges();
      this.#projection.takeReturns();
      return { queued, error, records: [] };
    }
  }

  async #answer({ queued, value, error, records }: Outcome): Promise<void> {
    if (error !== undefined) {
      queued.reject(isSqlite(error) ? asKeystoreError(error) : error);
      return;
    }
    try {
      if (queued.own && records.some(isKeyBearing)) await this.#guard?.confirm(records);
      queued.resolve(value);
    } catch (refusal) {
      queued.reject(refusal);
    }
  }

  /** A commit that failed is final: nobody knows what the disk holds until it is read anew. */
  #fail(error: unknown, queue: readonly Queued[]): void {
    const failure = asKeystoreError(error);
    this.#options.log('error', 'the keystore cannot write', { code: failure.code });
    this.#records.giveUp();
    this.#failure = failure;
    for (const { reject } of queue) reject(failure);
  }

  #auditPurges(): void {
    const entry = { request: '', actor: 'node', act: 'key purged', outcome: 'success' } as const;
    for (const object of this.#projection.takePurges()) {
      this.#audit.append({ ...entry, object }, this.#options.now());
      this.#purged = true;
    }
  }
}

function isSqlite(error: unknown): boolean {
  return error instanceof Error && error.name === 'SqliteError';
}

/** What must not be lost with one node: an object, and what was said with its creation. */
function isKeyBearing({ kind }: RecordHead): boolean {
  return kind === 'object-created';
}
