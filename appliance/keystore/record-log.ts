import { administratorKinds, foldAdministrators } from './administrator.ts';
import type { FoldedAdministrator } from './administrator.ts';
import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Database, Statement } from './database.ts';
import { foldCopyPolicy } from './copy-policy.ts';
import type { CopyPolicy } from './copy-policy.ts';
import { KeystoreError } from './error.ts';
import { gap, inspectChain } from './inspection.ts';
import type { Inspected, InspectedRow } from './inspection.ts';
import { Membership } from './membership.ts';
import type { Anchor } from './membership.ts';
import type { Kind, Payloads } from './payload.ts';
import { decodeHead, isSignedBy, signRecord } from './record.ts';
import type { RecordHead, SignedRecord } from './record.ts';
import { Unsound } from './unsound.ts';
import type { ChainPlace } from './unsound.ts';

export interface RecordAuthor {
  readonly cluster: string;
  readonly node: string;
  /** Ed25519 private key. */
  readonly key: KeyObject;
  /** What this version can do, said at each start. */
  readonly features: readonly string[];
}

/** Per epoch, the newest record: its number and its hash in hexadecimal. */
export type Heads = Readonly<Record<string, readonly [seq: number, hash: string]>>;

/** How a record of others fits in. */
export type Placed = 'added' | 'duplicate' | 'fork' | 'mended';

interface Position {
  readonly epoch: string;
  readonly seq: number;
  readonly lamport: number;
  readonly prevHash: string;
  readonly fresh: number;
}

interface HeadRow {
  readonly epoch: string;
  readonly seq: number;
  readonly hash: Buffer;
}

interface RecordRow {
  readonly body: Buffer;
  readonly hash: Buffer;
  readonly signature: Buffer;
}

/** This node's chain of records, and the rows of everybody's. */
export class RecordLog {
  readonly #database: Database;
  readonly #author: RecordAuthor;
  readonly #insert: Statement;
  readonly #putHead: Statement;
  readonly #head: Statement;
  readonly #hash: Statement;
  readonly #putFork: Statement;
  readonly #isFork: Statement;
  readonly #dropFork: Statement;
  readonly #lastStart: Statement;
  /** Places that hold no record as its node signed it. */
  readonly unsound: Unsound;
  #membership: Membership | undefined;
  #heads: Heads | undefined;
  /** Of these a commit changes one; reading all anew would cost more with every start. */
  #known: Map<string, readonly [seq: number, hash: string]> | undefined;
  /** The epochs in which something was written since this node's last start; if that is known. */
  #grown: Set<string> | undefined;
  readonly #features = new Map<string, readonly string[] | undefined>();
  #version = 0;
  #fresh: RecordHead[] = [];
  #epoch = '';
  #seq = 0;
  #lamport = 0;
  #prevHash = '';

  constructor(database: Database, author: RecordAuthor) {
    this.#database = database;
    this.#author = author;
    this.unsound = new Unsound(database);
    this.#putHead = database.prepare('REPLACE INTO head VALUES (?, ?, ?, ?, ?)');
    this.#head = database.prepare('SELECT node, seq, hash FROM head WHERE epoch = ?');
    this.#hash = database.prepare('SELECT hash FROM record WHERE epoch = ? AND seq = ?').pluck();
    this.#putFork = database.prepare(`INSERT OR IGNORE INTO fork
      (hash, node, epoch, seq, object, body, signature, seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#dropFork = database.prepare('DELETE FROM fork WHERE hash = ?');
    this.#lastStart = database.prepare(`SELECT id, body FROM record
      WHERE kind = 'epoch-begun' AND node = ? ORDER BY lamport DESC LIMIT 1`);
    this.#isFork = database.prepare('SELECT 1 FROM fork WHERE hash = ?');
    this.#insert = database.prepare(`INSERT INTO record
      (node, epoch, seq, lamport, object, body, hash, signature, kind)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  }

  get node(): string {
    return this.#author.node;
  }

  /** The epoch that this node writes. */
  get epoch(): string {
    return this.#epoch;
  }

  /**
   * Begins a new chain whose first record names the heads that changed since this node's last one
   * named them, its own among them, so that a node put back to an old disk starts beside its own
   * past and never upon it.
   */
  beginEpoch(epoch: string, time: number): void {
    if (this.#epoch === '') this.#lamport = this.#maximum();
    this.#epoch = epoch;
    this.#seq = 0;
    this.#prevHash = '';
    const heads = this.#unnamed();
    this.#grown = new Set();
    const { node, features } = this.#author;
    const recordKey = this.#recordKey();
    this.append('epoch-begun', node, { heads, recordKey, features }, time);
  }

  append<K extends Kind>(kind: K, object: string, payload: Payloads[K], time: number): RecordHead {
    const { cluster, node, key } = this.#author;
    const head: RecordHead = {
      cluster,
      node,
      epoch: this.#epoch,
      seq: this.#seq + 1,
      lamport: this.#lamport + 1,
      time,
      prevHash: this.#prevHash,
      kind,
      object,
      payload: JSON.stringify(payload),
    };
    const { body, hash, signature } = signRecord(head, key);
    this.#store({ head, body, hash, signature });
    return head;
  }

  /**
   * Puts a record of another node, or an own one that had been lost, to its chain. One that does
   * not fit is kept apart. Throws KeystoreError `record-gap` while its predecessor is not here.
   */
  place(record: SignedRecord, time: number): Placed {
    const { node, epoch, seq, prevHash } = record.head;
    const known = this.hashAt(epoch, seq);
    const differs = known !== undefined && !known.equals(record.hash);
    // Two lives are told from one damaged page by what their author signed.
    if (differs && this.isDamaged(record.head)) this.unsound.note(record.head);
    if (this.unsound.has(record.head) && this.unsound.mend(record)) {
      this.#forget();
      this.#version++;
      return 'mended';
    }
    if (known?.equals(record.hash) === true) return 'duplicate';
    const last = this.#head.get(epoch) as { node: string; seq: number; hash: Buffer } | undefined;
    const stray = this.#isFork.get(Buffer.from(prevHash, 'hex')) !== undefined;
    if (known === undefined && !stray && seq > (last?.seq ?? 0) + 1) {
      throw new KeystoreError('record-gap', 'the record before it is not here');
    }
    const follows = !stray && prevHash === (last?.hash.toString('hex') ?? '');
    if (known === undefined && follows && node === (last?.node ?? node)) {
      this.#store(record);
      this.#dropFork.run(record.hash);
      return 'added';
    }
    const { head, body, hash, signature } = record;
    this.#putFork.run(hash, node, epoch, seq, head.object, body, signature, time);
    return 'fork';
  }

  /** The hash of the record that is here at this place. */
  hashAt(epoch: string, seq: number): Buffer | undefined {
    return this.#hash.get(epoch, seq) as Buffer | undefined;
  }

  /** Whether what is stored at this place is not as its author signed it, or is gone. */
  isDamaged({ epoch, seq }: ChainPlace): boolean {
    const find = this.#database.prepare('SELECT * FROM record WHERE epoch = ? AND seq = ?');
    const row = find.get(epoch, seq) as InspectedRow | undefined;
    return row === undefined || !this.#isWhole(row);
  }

  /** The records that came since this was asked last. */
  takeFresh(): RecordHead[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }

  membership(): Membership {
    if (this.#membership !== undefined) return this.#membership;
    const own = { node: this.#author.node, recordKey: this.#recordKey() };
    const anchors = this.#database
      .prepare('SELECT node, record_key AS recordKey FROM anchor')
      .all();
    const records = [...this.ofKind('member-joined'), ...this.ofKind('member-removed')];
    this.#membership = new Membership([own, ...(anchors as Anchor[])], records);
    return this.#membership;
  }

  /** The newest record of each epoch that a node wrote. */
  headsOf(node: string): Record<string, number> {
    const rows = this.#database
      .prepare('SELECT epoch, seq FROM head WHERE node = ? ORDER BY epoch')
      .all(node) as { epoch: string; seq: number }[];
    return Object.fromEntries(rows.map(({ epoch, seq }) => [epoch, seq]));
  }

  copyPolicy(): CopyPolicy {
    return foldCopyPolicy(this.ofKind('copy-policy-set'));
  }

  administrators(): FoldedAdministrator[] {
    return foldAdministrators(administratorKinds.flatMap((kind) => this.ofKind(kind)));
  }

  /** All records of one kind, in the order in which they came. */
  ofKind(kind: Kind): RecordHead[] {
    const bodies = this.#database
      .prepare('SELECT body FROM record WHERE kind = ? ORDER BY id')
      .pluck()
      .all(kind) as Buffer[];
    return bodies.map(decodeHead).filter((head) => head !== undefined);
  }

  /** Takes this node's records from now on, and those of whom it names. */
  anchor(node: string, recordKey: string, reason: string): void {
    this.#database
      .prepare('INSERT OR IGNORE INTO anchor VALUES (?, ?, ?)')
      .run(node, recordKey, reason);
    this.#membership = undefined;
  }

  /** The epochs that were written in last, by any node; the newest first. */
  newestEpochs(limit: number): string[] {
    return this.#database
      .prepare('SELECT epoch FROM head ORDER BY lamport DESC, epoch LIMIT ?')
      .pluck()
      .all(limit) as string[];
  }

  /** What a node said at its last start that it can do; undefined where it said none yet. */
  featuresOf(node: string): readonly string[] | undefined {
    if (!this.#features.has(node)) {
      const body = this.#lastStart.get(node) as { body: Buffer } | undefined;
      const head = body === undefined ? undefined : decodeHead(body.body);
      const said = head && (JSON.parse(head.payload) as Partial<Payloads['epoch-begun']>);
      this.#features.set(node, said && (said.features ?? []));
    }
    return this.#features.get(node);
  }

  /** Where each epoch stands now, in the order of their identifiers. */
  heads(): Heads {
    if (this.#heads !== undefined) return this.#heads;
    const find = 'SELECT epoch, seq, hash FROM head ORDER BY epoch';
    this.#known ??= new Map((this.#database.prepare(find).all() as HeadRow[]).map(headOf));
    this.#heads = Object.fromEntries(this.#known);
    return this.#heads;
  }

  /** Who writes an epoch; undefined for one that is not here. */
  authorOf(epoch: string): string | undefined {
    return (this.#head.get(epoch) as { node: string } | undefined)?.node;
  }

  /** Grows whenever the records change: what was computed from them is old then. */
  get version(): number {
    return this.#version;
  }

  /**
   * Puts the records of an epoch behind `common` aside, because elsewhere other ones stand there,
   * and writes on in the epoch `next` where it was the present one; gives what was put aside, in
   * order. Inside a transaction.
   */
  putAside(epoch: string, common: number, next: string, time: number): RecordHead[] {
    const rows = this.#database
      .prepare('SELECT body, hash, signature FROM record WHERE epoch = ? AND seq > ? ORDER BY seq')
      .all(epoch, common) as RecordRow[];
    const heads = rows.flatMap(({ body, hash, signature }) => {
      const head = decodeHead(body);
      if (head === undefined) return [];
      this.#putFork.run(hash, head.node, epoch, head.seq, head.object, body, signature, time);
      return [head];
    });
    this.#database.prepare('DELETE FROM record WHERE epoch = ? AND seq > ?').run(epoch, common);
    this.#database.prepare('DELETE FROM head WHERE epoch = ?').run(epoch);
    this.#database
      .prepare(
        `INSERT INTO head SELECT epoch, node, seq, lamport, hash FROM record
          WHERE epoch = ? AND seq = ?`,
      )
      .run(epoch, common);
    this.#heads = undefined;
    this.#known = undefined;
    this.#features.clear();
    this.#version++;
    if (epoch === this.#epoch) this.beginEpoch(next, time);
    return heads;
  }

  /** Own records that were put aside and not said again yet, in order. */
  unhealed(): RecordHead[] {
    const bodies = this.#database
      .prepare('SELECT body FROM fork WHERE node = ? AND healed = 0 ORDER BY epoch, seq')
      .pluck()
      .all(this.#author.node) as Buffer[];
    return bodies.map(decodeHead).filter((head) => head !== undefined);
  }

  markHealed(): void {
    this.#database.prepare('UPDATE fork SET healed = 1 WHERE node = ?').run(this.#author.node);
  }

  /** Where the chain stands; `restore` goes back there after a rollback. */
  position(): Position {
    const [epoch, seq, lamport] = [this.#epoch, this.#seq, this.#lamport];
    return { epoch, seq, lamport, prevHash: this.#prevHash, fresh: this.#fresh.length };
  }

  /** Ends a transaction that failed, if SQLite has not, and keeps nothing of it in mind. */
  giveUp(): void {
    if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
    this.#forget();
  }

  restore({ epoch, seq, lamport, prevHash, fresh }: Position): void {
    this.#epoch = epoch;
    this.#seq = seq;
    this.#lamport = lamport;
    this.#prevHash = prevHash;
    this.#fresh.length = fresh;
    this.unsound.reload();
    this.#forget();
  }

  #forget(): void {
    this.#membership = undefined;
    this.#heads = undefined;
    this.#known = undefined;
    this.#grown = undefined;
    this.#features.clear();
  }

  /**
   * Those of the newest records that are damaged: as many as a start can afford to look at. Throws
   * KeystoreError `chain-broken` where none of them is whole: that is no damage of one record.
   */
  damagedNewest(count: number): ChainPlace[] {
    const rows = this.#database
      .prepare('SELECT * FROM record ORDER BY id DESC LIMIT ?')
      .all(count) as InspectedRow[];
    const damaged = rows.filter((row) => !this.#isWhole(row));
    if (damaged.length > 0 && damaged.length === rows.length) throw broken();
    return damaged
      .map(({ epoch, seq }) => ({ epoch, seq }))
      .filter((place) => !this.unsound.has(place));
  }

  /**
   * The next records behind a place, and whether each is whole: chain, hash, signature, columns.
   * Places at which none is count as broken. `ended`: whether those were the last ones.
   */
  inspect(after: ChainPlace, limit: number): Inspected {
    const rows = this.#database
      .prepare(
        `SELECT r.*, h.seq AS newest, h.hash AS newestHash FROM record r
          LEFT JOIN head h ON h.epoch = r.epoch
          WHERE (r.epoch, r.seq) > (?, ?) ORDER BY r.epoch, r.seq LIMIT ?`,
      )
      .all(after.epoch, after.seq, limit + 1) as InspectedRow[];
    const find = this.#database.prepare('SELECT hash FROM record WHERE epoch = ? AND seq = ?');
    const before = find.pluck().get(after.epoch, after.seq) as Buffer | undefined;
    const isWhole = (row: InspectedRow): boolean => this.#isWhole(row);
    const hash = before?.toString('hex') ?? '';
    const found = inspectChain(rows, { ...after, hash }, isWhole, limit);
    if (!found.ended) return found;
    const empty = this.#database
      .prepare('SELECT epoch, seq FROM head WHERE epoch NOT IN (SELECT epoch FROM record)')
      .all() as ChainPlace[];
    const gone = empty.flatMap(({ epoch, seq }) => gap(epoch, 0, seq + 1));
    return { ...found, broken: [...found.broken, ...gone] };
  }

  /** Says of an epoch whose records are whole how far it reaches; inside a transaction. */
  mendHead(epoch: string): void {
    this.#database
      .prepare(
        `REPLACE INTO head SELECT epoch, node, seq, lamport, hash FROM record
          WHERE epoch = ? ORDER BY seq DESC LIMIT 1`,
      )
      .run(epoch);
    this.#forget();
    this.#version++;
  }

  #isWhole(row: InspectedRow): boolean {
    const head = decodeHead(row.body);
    if (head === undefined) return false;
    const { node, epoch, seq, lamport, object, kind } = head;
    const said = [node, epoch, seq, lamport, object, kind];
    const stored = [row.node, row.epoch, row.seq, row.lamport, row.object, row.kind];
    if (said.some((cell, i) => cell !== stored[i])) return false;
    const key = this.membership().keyFor(head, this.#author.node);
    return key !== undefined && isSignedBy(row, key);
  }

  /** Checks every record, chain and signature. Throws KeystoreError `chain-broken`. */
  verify(): number {
    const chains = new Map<string, { seq: number; hash: string }>();
    let count = 0;
    const rows = this.#database
      .prepare('SELECT body, hash, signature FROM record ORDER BY epoch, seq')
      .iterate() as Iterable<RecordRow>;
    for (const row of rows) {
      const head = this.#check(row);
      const last = chains.get(head.epoch) ?? { seq: 0, hash: '' };
      if (head.seq !== last.seq + 1 || head.prevHash !== last.hash) throw broken();
      chains.set(head.epoch, { seq: head.seq, hash: row.hash.toString('hex') });
      count++;
    }
    return count;
  }

  #store({ head, body, hash, signature }: SignedRecord): void {
    const { node, epoch, seq, lamport, object, kind } = head;
    this.#insert.run(node, epoch, seq, lamport, object, body, hash, signature, kind);
    this.#putHead.run(epoch, node, seq, lamport, hash);
    this.#lamport = Math.max(lamport, this.#lamport);
    if (kind.startsWith('member-')) this.#membership = undefined;
    if (kind === 'epoch-begun') this.#features.delete(node);
    this.#fresh.push(head);
    this.#grown?.add(epoch);
    if (this.#known?.has(epoch) === true) this.#known.set(epoch, [seq, hash.toString('hex')]);
    else this.#known = undefined;
    this.#heads = undefined;
    this.#version++;
    if (epoch !== this.#epoch) return;
    this.#seq = seq;
    this.#prevHash = hash.toString('hex');
  }

  #check(row: RecordRow): SignedRecord['head'] {
    const head = decodeHead(row.body);
    if (head === undefined) throw broken();
    // Whoever is here was a member when the record came, and a member's key never changes.
    const key = this.membership().keyFor(head, this.#author.node);
    if (key === undefined || !isSignedBy(row, key)) throw broken();
    return head;
  }

  /** The heads that no earlier start of this node named as they are now. */
  #unnamed(): Heads {
    if (this.#grown !== undefined) {
      const heads = [...this.#grown].sort().flatMap((epoch) => {
        const head = this.#head.get(epoch) as Omit<HeadRow, 'epoch'> | undefined;
        // What was put aside from its first record on has none.
        return head === undefined ? [] : [headOf({ epoch, ...head })];
      });
      return Object.fromEntries(heads);
    }
    const last = this.#lastStart.get(this.node) as { id: number } | undefined;
    const rows = this.#database
      .prepare(
        `SELECT epoch, seq, hash FROM head WHERE ? <= (SELECT id FROM record
          WHERE record.epoch = head.epoch AND record.seq = head.seq) ORDER BY epoch`,
      )
      .all(last?.id ?? 0) as HeadRow[];
    return Object.fromEntries(rows.map(headOf));
  }

  #recordKey(): string {
    return createPublicKey(this.#author.key)
      .export({ format: 'der', type: 'spki' })
      .toString('base64');
  }

  #maximum(): number {
    const found = this.#database.prepare('SELECT max(lamport) FROM head').pluck().get();
    return typeof found === 'number' ? found : 0;
  }
}

function headOf({ epoch, seq, hash }: HeadRow): [string, readonly [number, string]] {
  return [epoch, [seq, hash.toString('hex')]];
}

function broken(): KeystoreError {
  return new KeystoreError('chain-broken', 'a record is not what its node signed');
}
