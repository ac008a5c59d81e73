import type { Value } from '../ttlv/item.ts';

/**
 * One instance of an attribute of a managed object (KMIP 1.4 §3): its name as 1.x spells it
 * ("Cryptographic Algorithm", "x-Product"), its index, and its value as TTLV types it.
 */
export interface AttributeInstance {
  readonly name: string;
  /** 0 for an attribute that has one instance; never reused once deleted (KMIP 1.4 §2.1.1). */
  readonly index: number;
  readonly value: Value;
}
