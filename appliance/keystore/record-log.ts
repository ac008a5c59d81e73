import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Database, Statement } from './database.ts';
import { KeystoreError } from './error.ts';
import type { Kind, Payloads } from './payload.ts';
import { decodeHead, isSignedBy, signRecord } from './record.ts';
import type { RecordHead, SignedRecord } from './record.ts';

export interface RecordAuthor {
  readonly cluster: string;
  readonly node: string;
  /** Ed25519 private key. */
  readonly key: KeyObject;
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
  #epoch = '';
  #seq = 0;
  #lamport = 0;
  #prevHash = '';

  constructor(database: Database, author: RecordAuthor) {
    this.#database = database;
    this.#author = author;
    this.#putHead = database.prepare('REPLACE INTO head VALUES (?, ?, ?, ?, ?)');
    this.#insert = database.prepare(`INSERT INTO record
      (node, epoch, seq, lamport, object, body, hash, signature) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
  }

  /**
   * Begins a new chain whose first record names every head known, so that a node put back to an
   * old disk starts beside its own past and never upon it.
   */
  beginEpoch(epoch: string, time: number): void {
    this.#epoch = epoch;
    this.#seq = 0;
    this.#prevHash = '';
    this.#lamport = this.#maximum();
    const heads = this.#heads();
    const recordKey = createPublicKey(this.#author.key)
      .export({ format: 'der', type: 'spki' })
      .toString('base64');
    this.append('epoch-begun', this.#author.node, { heads, recordKey }, time);
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
    const { epoch, seq, lamport } = head;
    this.#insert.run(node, epoch, seq, lamport, object, body, hash, signature);
    this.#putHead.run(epoch, node, seq, lamport, hash);
    this.#seq = seq;
    this.#lamport = lamport;
    this.#prevHash = hash.toString('hex');
    return head;
  }

  /** Where the chain stands; `restore` goes back there after a rollback. */
  position(): readonly [seq: number, lamport: number, prevHash: string] {
    return [this.#seq, this.#lamport, this.#prevHash];
  }

  restore([seq, lamport, prevHash]: readonly [number, number, string]): void {
    this.#seq = seq;
    this.#lamport = lamport;
    this.#prevHash = prevHash;
  }

  /** The newest records, and whether they are whole: what a start can afford to check. */
  checkNewest(count: number): void {
    const rows = this.#database
      .prepare('SELECT body, hash, signature FROM record ORDER BY id DESC LIMIT ?')
      .all(count) as RecordRow[];
    for (const row of rows) this.#check(row);
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

  #check(row: RecordRow): SignedRecord['head'] {
    const head = decodeHead(row.body);
    const own = createPublicKey(this.#author.key);
    if (head === undefined) throw broken();
    if (head.node === this.#author.node && !isSignedBy(row, own)) throw broken();
    return head;
  }

  #maximum(): number {
    const found = this.#database.prepare('SELECT max(lamport) FROM head').pluck().get();
    return typeof found === 'number' ? found : 0;
  }

  #heads(): Record<string, [number, string]> {
    const rows = this.#database
      .prepare('SELECT epoch, seq, hash FROM head ORDER BY epoch')
      .all() as { epoch: string; seq: number; hash: Buffer }[];
    return Object.fromEntries(
      rows.map(({ epoch, seq, hash }) => [epoch, [seq, hash.toString('hex')]]),
    );
  }
}

function broken(): KeystoreError {
  return new KeystoreError('chain-broken', 'a record is not what this node signed');
}
