import { decode } from '../ttlv/decode.ts';
import { encode } from '../ttlv/encode.ts';
import type { Item, Value } from '../ttlv/item.ts';
import { Tag } from '../kmip/tag.ts';
import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import type { AdministratorRole } from './administrator.ts';
import type { GroupRuleName } from './group-rule.ts';

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
    /**
     * The newest records of the epochs that grew since this node's start before, which named the
     * others: epoch → [seq, hash].
     */
    readonly heads: Readonly<Record<string, readonly [number, string]>>;
    /** Ed25519 public key of the node, SubjectPublicKeyInfo in base64. */
    readonly recordKey: string;
    /** What this version of the node can do: a switch goes on once every member can. */
    readonly features: readonly string[];
  };
  /** Object: the node. Said again where name, addresses or transport key change. */
  readonly 'member-joined': {
    /** Ed25519, SubjectPublicKeyInfo in base64; the first one said of a node stays. */
    readonly recordKey: string;
    /** SHA-256 of the transport key's SubjectPublicKeyInfo, 64 hexadecimal digits. */
    readonly transportKey: string;
    readonly name: string;
    readonly addresses: readonly string[];
  };
  /** Object: the node, for ever. What it had written until then stays good. */
  readonly 'member-removed': {
    /** The newest record of each of its epochs that the remover knew. */
    readonly heads: Readonly<Record<string, number>>;
    /**
     * `lost`: nobody shut it out, its hardware is gone and a backup took its place. What it wrote
     * after that backup is good wherever it is found.
     */
    readonly why?: 'lost';
  };
  /** Object: "cluster". How many copies a new key needs (DESIGN, "Two nodes"). */
  readonly 'copy-policy-set': {
    readonly policy: CopyPolicyName;
    /** How long a node may go on alone, in seconds; 0 but for `alone-for`. */
    readonly seconds: number;
    readonly replaces: readonly string[];
  };
  /** Object: the node. Where its audit chain stood, so that nobody can shorten it unseen. */
  readonly 'audit-head': { readonly seq: number; readonly hash: string };
  /** Object: the node, which found that its past was not what others remember. */
  readonly 'node-healed': {
    readonly why: 'rollback' | 'fork';
    readonly epoch: string;
    /** The last record that was the same everywhere. */
    readonly common: number;
    /** How many records came back from others, and how many of its own were written anew. */
    readonly recovered: number;
    readonly rewritten: number;
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
    readonly replaces: readonly string[];
  };
  readonly 'attribute-deleted': {
    readonly instance: string;
    readonly replaces: readonly string[];
  };
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
  readonly 'destroy-intended': {
    readonly date: number;
    /** How long the material is kept from then on, in seconds: fixed when it was intended. */
    readonly retention: number;
  };
  readonly 'destroy-cancelled': { readonly intent: string };
  /** Usage Limits: all that the record's node has spent of a limit so far, in decimal digits. */
  readonly 'usage-spent': { readonly limit: string; readonly amount: string };
  /** All that the record's node has handed on to another node so far. */
  readonly 'usage-granted': {
    readonly limit: string;
    readonly amount: string;
    readonly to: string;
  };
  /** One member's word that the intent may be carried out: it has kept the material long enough. */
  readonly 'purge-agreed': {
    readonly intent: string;
    /** All members that have to agree, sorted. */
    readonly members: readonly string[];
  };
  /** Object: "cluster". How long destroyed objects' material is kept, in seconds. */
  readonly 'retention-set': { readonly seconds: number; readonly replaces: readonly string[] };
  /** Object: "cluster". A person has seen a conflict, and nothing more is to be done about it. */
  readonly 'conflict-acknowledged': { readonly conflict: string };
  readonly 'group-made': Readonly<Record<string, never>>;
  /** Object: the group's rules. Defaults, constraints, and who may set them. */
  readonly 'group-rule-set': {
    readonly rule: GroupRuleName;
    /** TTLV bytes in hexadecimal; null where the rule is taken away. */
    readonly value: string | null;
    readonly replaces: readonly string[];
  };
  readonly 'client-enrolled': {
    readonly name: string;
    readonly group: string;
    readonly fingerprint: string;
    readonly certificate: string;
    readonly state: 'allowed' | 'pending' | 'authority';
  };
  readonly 'client-allowed': { readonly group: string; readonly replaces: readonly string[] };
  readonly 'client-blocked': Readonly<Record<string, never>>;
  readonly 'administrator-enrolled': {
    readonly name: string;
    readonly role: AdministratorRole;
    /** SHA-256 of the certificate's DER in hexadecimal. */
    readonly fingerprint: string;
    readonly certificate: string;
  };
  readonly 'administrator-allowed': {
    readonly role: AdministratorRole;
    readonly replaces: readonly string[];
  };
  readonly 'administrator-blocked': Readonly<Record<string, never>>;
}

export type Kind = keyof Payloads;

/** `alone`: a node that was never paired; `alone-for`, `refuse`: what a cluster does apart. */
export type CopyPolicyName = 'alone' | 'alone-for' | 'refuse';

type Subject = 'object' | 'usage' | 'client' | 'group' | 'rule' | 'node';

/** What each kind speaks of: the fold of objects and clients leaves the rest to others. */
const subjects: Readonly<Record<Kind, Subject>> = {
  'epoch-begun': 'node',
  'member-joined': 'node',
  'member-removed': 'node',
  'copy-policy-set': 'node',
  'audit-head': 'node',
  'node-healed': 'node',
  'object-created': 'object',
  'attribute-set': 'object',
  'attribute-deleted': 'object',
  'date-set': 'object',
  'object-activated': 'object',
  'object-revoked': 'object',
  'destroy-intended': 'object',
  'destroy-cancelled': 'object',
  'usage-spent': 'usage',
  'usage-granted': 'usage',
  'purge-agreed': 'object',
  'retention-set': 'node',
  'conflict-acknowledged': 'node',
  'group-made': 'group',
  'group-rule-set': 'rule',
  'client-enrolled': 'client',
  'client-allowed': 'client',
  'client-blocked': 'client',
  'administrator-enrolled': 'node',
  'administrator-allowed': 'node',
  'administrator-blocked': 'node',
};

/** What a record of this kind speaks of; undefined for kinds of newer versions. */
export function subjectOf(kind: string): Subject | undefined {
  return Object.hasOwn(subjects, kind) ? subjects[kind as Kind] : undefined;
}

/** The kinds this version folds. Others are carried as they are, until a version knows them. */
export const kinds: readonly string[] = Object.keys(subjects);
