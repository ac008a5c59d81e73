import { createHash, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/**
 * One immutable fact, hash-chained per (node, epoch) and signed by its node. Identifiers are
 * hexadecimal of 16 bytes, `prevHash` of 32. `payload` is JSON whose members stand in a fixed
 * order; it is kept as the text that was signed, so that a node may carry kinds it does not know.
 */
export interface RecordHead {
  readonly cluster: string;
  readonly node: string;
  readonly epoch: string;
  /** From 1, without gaps, within an epoch. */
  readonly seq: number;
  /** Greater than that of every record the node had seen (Lamport 1978). */
  readonly lamport: number;
  /** The writer's clock in seconds since 1970: for people; nothing is ordered by it. */
  readonly time: number;
  readonly prevHash: string;
  readonly kind: string;
  /** The identifier of the object, client or group it speaks of. */
  readonly object: string;
  readonly payload: string;
}

export interface SignedRecord {
  readonly head: RecordHead;
  readonly body: Buffer;
  readonly hash: Buffer;
  /** Ed25519 (RFC 8032) over the body. */
  readonly signature: Buffer;
}

const formatVersion = 1;

export function signRecord(head: RecordHead, key: KeyObject): SignedRecord {
  const body = encodeHead(head);
  const hash = hashOf(body);
  return { head, body, hash, signature: sign(null, body, key) };
}

/** The SHA-256 that chains a record to the next. */
export function hashOf(body: Uint8Array): Buffer {
  return createHash('sha256').update(body).digest();
}

export function isSignedBy(record: Omit<SignedRecord, 'head'>, key: KeyObject): boolean {
  return (
    hashOf(record.body).equals(record.hash) && verify(null, record.body, key, record.signature)
  );
}

/** Names a record wherever another one refers to it; an epoch is random, so no node is needed. */
export function recordId(head: Pick<RecordHead, 'epoch' | 'seq'>): string {
  return `${head.epoch}.${head.seq}`;
}

function encodeHead(head: RecordHead): Buffer {
  const fields = [
    formatVersion,
    head.cluster,
    head.node,
    head.epoch,
    head.seq,
    head.lamport,
    head.time,
    head.prevHash,
    head.kind,
    head.object,
    head.payload,
  ];
  return Buffer.from(JSON.stringify(fields));
}

/** Reads what `encodeHead` wrote; undefined for anything else, however hostile. */
export function decodeHead(body: Uint8Array): RecordHead | undefined {
  const fields = parsed(Buffer.from(body).toString());
  if (!Array.isArray(fields) || fields.length !== 11 || fields[0] !== formatVersion) {
    return undefined;
  }
  const [, cluster, node, epoch, seq, lamport, time, prevHash, kind, object, payload] =
    fields as unknown[];
  const texts = [cluster, node, epoch, prevHash, kind, object, payload];
  const numbers = [seq, lamport, time];
  if (!texts.every((each) => typeof each === 'string')) return undefined;
  if (!numbers.every((each) => Number.isSafeInteger(each))) return undefined;
  return {
    cluster,
    node,
    epoch,
    seq,
    lamport,
    time,
    prevHash,
    kind,
    object,
    payload,
  } as RecordHead;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The order in which every node folds the same records. */
export function compareRecords(a: RecordHead, b: RecordHead): number {
  return (
    a.lamport - b.lamport ||
    compareText(a.node, b.node) ||
    compareText(a.epoch, b.epoch) ||
    a.seq - b.seq
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
