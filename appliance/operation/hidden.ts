import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';

const hiding: Readonly<Record<string, boolean>> = { Extractable: false, Sensitive: true };

/** What of an object's attributes keeps it from leaving in the clear (KMIP 1.4 §3.48, §3.50). */
export function hidingOf({ attributes }: ManagedObject): readonly AttributeInstance[] {
  return attributes.filter(({ name, value }) => hiding[name] === value.value);
}

/** Refuses what would let an object leave by another way than Get. Throws KmipError. */
export function refuseHidden(object: ManagedObject): void {
  const names = hidingOf(object).map(({ name }) => name);
  if (names.includes('Extractable')) {
    throw new KmipError(ResultReason.NotExtractable, 'The key does not leave the server');
  }
  if (names.includes('Sensitive')) {
    throw new KmipError(ResultReason.Sensitive, 'The key leaves the server wrapped only');
  }
}
