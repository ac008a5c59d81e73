import type { ObjectType, State } from '../kmip/enumeration.ts';
import type { Value } from '../ttlv/item.ts';

/** Which objects a Locate asks for (KMIP 1.4 §4.9); all conditions hold at once. */
export interface LocateFilter {
  readonly objectType?: ObjectType;
  readonly uniqueIdentifier?: string;
  readonly state?: State;
  /** Bits that all must be set in the Cryptographic Usage Mask. */
  readonly usageMask?: number;
  /** Attribute instances that must be present with exactly this value. */
  readonly attributes: readonly { readonly name: string; readonly value: Value }[];
  /** Attributes with the value that an object has where none is kept. */
  readonly standing?: readonly { readonly name: string; readonly value: Value }[];
  /** Storage Status Mask: on line (1), which it is unsaid, archived (2), destroyed (4). */
  readonly storage?: number;
  /** Seconds since 1970, inclusive; one date twice in a request gives a range. */
  readonly dates: readonly { readonly name: string; readonly from: number; readonly to: number }[];
  readonly offset: number;
  readonly maximum: number;
}
