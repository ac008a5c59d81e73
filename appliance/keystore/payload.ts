import { decode } from '../ttlv/decode.ts';
import { encode } from '../ttlv/encode.ts';
import type { Item, Value } from '../ttlv/item.ts';
import { Tag } from '../kmip/tag.ts';
import type { AttributeInstance } from '../kmip/attribute-instance.ts';

/**
 * How TTLV values stand in a record and in the database: as their TTLV bytes under the tag
 * Attribute Value, so that equal values are equal bytes.
 */
export function encodeValue(value: Value): Buffer {
  return encode({ tag: Tag.AttributeValue, ...value });
}

export function decodeValue(bytes: Uint8Array): Value {
  return decode(Buffer.from(bytes));
}

/** Items of an object's structure, wrapped into one. */
export function encodeForm(form: readonly Item[]): Buffer {
  return encode({ tag: Tag.AttributeValue, type: 'Structure', value: form });
}

export function decodeForm(bytes: Uint8Array): readonly Item[] {
  const item = decode(Buffer.from(bytes));
  return item.type === 'Structure' ? item.value : [];
}

/** An attribute in a payload: name, index, value in hexadecimal. */
export type PackedAttribute = readonly [name: string, index: number, value: string];

export function packAttribute({ name, index, value }: AttributeInstance): PackedAttribute {
  return [name, index, encodeValue(value).toString('hex')];
}

/**
 * The payload of each kind of record. Whatever overrides an earlier fact names the records that
 * stated it (`replaces`, `instance`, `intent`), so that a merge overrides only what was seen.
 */
export interface Payloads {
  readonly 'epoch-begun': {
    /** The newest record of every (node, epoch) that the node knew: epoch → [seq, hash]. */
    readonly heads: Readonly<Record<string, readonly [number, string]>>;
    /** Ed25519 public key of the node, SubjectPublicKeyInfo in base64. */
    readonly recordKey: string;
  };
  readonly 'object-created': {
    readonly group: string;
    readonly type: number;
    readonly attributes: readonly PackedAttribute[];
    readonly form: string;
    /** HMAC of the secret in hexadecimal; null for an object without one. */
    readonly commitment: string | null;
  };
  readonly 'attribute-set': {
    readonly name: string;
    readonly index: number;
    readonly value: string;
    /** The instance that is modified; null for one that is added. */
    readonly instance: string | null;
  };
  readonly 'attribute-deleted': { readonly instance: string };
  readonly 'date-set': {
    readonly name: string;
    readonly value: number;
    readonly replaces: readonly string[];
  };
  readonly 'object-activated': { readonly date: number };
  readonly 'object-revoked': {
    readonly code: number;
    readonly message: string | null;
    readonly date: number;
    readonly occurrence: number | null;
  };
  readonly 'destroy-intended': { readonly date: number };
  readonly 'destroy-cancelled': { readonly intent: string };
  readonly 'object-purged': { readonly intent: string };
  readonly 'group-made': Readonly<Record<string, never>>;
  readonly 'client-enrolled': {
    readonly name: string;
    readonly group: string;
    readonly fingerprint: string;
    readonly certificate: string;
    readonly state: 'allowed' | 'pending';
  };
  readonly 'client-allowed': { readonly group: string; readonly replaces: readonly string[] };
  readonly 'client-blocked': Readonly<Record<string, never>>;
}

export type Kind = keyof Payloads;
