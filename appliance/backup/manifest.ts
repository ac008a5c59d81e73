import { createHash, createHmac, sign, timingSafeEqual, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { damaged } from './error.ts';

/** The newest record of every epoch: epoch → sequence number and hash in hexadecimal. */
export type Heads = Readonly<Record<string, readonly [seq: number, hash: string]>>;

/** What a backup says it holds: its first item, and so known before the rest is read. */
export interface Manifest {
  readonly bundle: string;
  readonly cluster: string;
  /** The node that made it. */
  readonly node: string;
  /** Seconds since 1970. */
  readonly made: number;
  readonly software: string;
  /** Where the snapshot ends: exactly the records up to here are in it. */
  readonly heads: Heads;
  /** Whose records they are: node → Ed25519 public key, SubjectPublicKeyInfo in base64. */
  readonly recordKeys: Readonly<Record<string, string>>;
  /** Objects of the keystore when it was made, destroyed ones among them. */
  readonly objects: number;
  /** What the records come to (see `Replica.digest`), comparable between equal folds. */
  readonly state: { readonly fold: string; readonly digest: string };
}

/** What a backup says it held: its last item. */
export interface Totals {
  readonly records: number;
  /** Secrets beside them. */
  readonly secrets: number;
  /** Creations whose secret is not in it: purged, or not on the node that made it. */
  readonly absent: number;
  /** SHA-256 of all items before, in hexadecimal. */
  readonly items: string;
}

const macBytes = 32;
const signatureBytes = 64;

/** HMAC-SHA-256 under the cluster's backup key: nobody else could have written these bytes. */
export function macOf(key: KeyObject, ...parts: readonly Uint8Array[]): Buffer {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

export interface SealKeys {
  /** The cluster's key for backups. */
  readonly mac: KeyObject;
  /** The node's record key: Ed25519. */
  readonly record: KeyObject;
}

/** The last item: MAC (32 bytes), signature (64), JSON. `head`: SHA-256 of the backup's head. */
export function encodeTotals(totals: Totals, head: Uint8Array, keys: SealKeys): Buffer {
  const text = Buffer.from(JSON.stringify(totals));
  const signature = sign(null, signedBytes(head, text), keys.record);
  return Buffer.concat([macOf(keys.mac, head, signature, text), signature, text]);
}

/** Reads what `encodeTotals` made. Throws BackupError `damaged` for what is not as it was. */
export function decodeTotals(payload: Buffer, head: Uint8Array, keys: SealKeys): Totals {
  const mac = payload.subarray(0, macBytes);
  const signature = payload.subarray(macBytes, macBytes + signatureBytes);
  const text = payload.subarray(macBytes + signatureBytes);
  if (!sameBytes(mac, macOf(keys.mac, head, signature, text))) {
    throw damaged('its last item is not this cluster’s');
  }
  if (!verify(null, signedBytes(head, text), keys.record, signature)) {
    throw damaged('its signature is not its node’s');
  }
  return JSON.parse(text.toString()) as Totals;
}

function signedBytes(head: Uint8Array, text: Uint8Array): Buffer {
  return createHash('sha256').update('twinlock backup 1').update(head).update(text).digest();
}
