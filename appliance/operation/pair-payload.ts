import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { optional, required, structure } from '../ttlv/structure.ts';
import { asCommonAttributes, asPrivateKeyAttributes } from './attribute-codec.ts';
import { asPublicKeyAttributes, templateAttribute } from './attribute-codec.ts';
import type { NewObject } from './new-object.ts';
import { pairStorageFields } from './protection-storage.ts';

/** What Create Key Pair and Re-key Key Pair ask alike (KMIP 1.4 §4.2, §4.5). */
export const pairFields = {
  common: optional(Tag.CommonTemplateAttribute, templateAttribute, asCommonAttributes),
  privateKey: optional(Tag.PrivateKeyTemplateAttribute, templateAttribute, asPrivateKeyAttributes),
  publicKey: optional(Tag.PublicKeyTemplateAttribute, templateAttribute, asPublicKeyAttributes),
  ...pairStorageFields,
} as const;

export const pairResponse = structure({
  privateKeyUniqueIdentifier: required(Tag.PrivateKeyUniqueIdentifier, identifier),
  publicKeyUniqueIdentifier: required(Tag.PublicKeyUniqueIdentifier, identifier),
});

/** The answer that names a pair. */
export function namedPair(made: {
  readonly privateKey: NewObject;
  readonly publicKey: NewObject;
}): { readonly privateKeyUniqueIdentifier: string; readonly publicKeyUniqueIdentifier: string } {
  return {
    privateKeyUniqueIdentifier: made.privateKey.uniqueIdentifier,
    publicKeyUniqueIdentifier: made.publicKey.uniqueIdentifier,
  };
}
