import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import type { ObjectType, State } from '../kmip/enumeration.ts';
import type { Conflict } from './fact.ts';
import type { FoldedIntent } from './fold.ts';
import type { Item } from '../ttlv/item.ts';

/** A managed object as the fold of all records says it is, at the moment of reading. */
export interface ManagedObject {
  /** A UUID in its 36-character text form. */
  readonly uniqueIdentifier: string;
  readonly objectType: ObjectType;
  /** The key group whose clients may see it. No KMIP attribute. */
  readonly group: string;
  /** Computed from the records and the dates at the moment of reading (KMIP 1.4 §3.22). */
  readonly state: State;
  /** Cryptographic Algorithm, and Cryptographic Length in bits; 0 where there is none. */
  readonly algorithm: number;
  readonly length: number;
  /** Seconds since 1970; the record's time, so the same on every node. */
  readonly initialDate: number;
  readonly lastChangeDate: number;
  readonly activationDate?: number;
  readonly deactivationDate?: number;
  readonly compromiseDate?: number;
  readonly compromiseOccurrenceDate?: number;
  readonly destroyDate?: number;
  readonly revocationReason?: { readonly code: number; readonly message?: string };
  /** All other attributes, in the order name, then index; none of the above stands here. */
  readonly attributes: readonly AttributeInstance[];
  /** What the object's structure holds besides its secret bytes: formats, lengths, types. */
  readonly form: readonly Item[];
  /** False once purged, and for an object whose material has not arrived. */
  readonly hasMaterial: boolean;
  /** Why it is destroyed: intents that nobody cancelled, whose material is kept for a time. */
  readonly intents: readonly FoldedIntent[];
  /** What two nodes said at once and does not hold: shown until a person says it again. */
  readonly conflicts: readonly Conflict[];
  /** Its material is gone from every node, for good. */
  readonly purged: boolean;
}

/** Secret bytes under the wrapping key, as the keeper sealed them; safe on disk. */
export interface SealedMaterial {
  readonly sealed: Uint8Array;
  /** HMAC-SHA-256 (32 bytes) of the secret under the cluster's commitment key. */
  readonly commitment: Uint8Array;
}

/** What the sealing of an object's secret is bound to (DESIGN: the AAD of a KEK). */
export interface MaterialContext {
  readonly uniqueIdentifier: string;
  readonly group: string;
  readonly objectType: ObjectType;
  /** Cryptographic Algorithm and Cryptographic Length in bits; 0 where the object has none. */
  readonly algorithm: number;
  readonly length: number;
}
