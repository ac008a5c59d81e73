import { CryptographicAlgorithm, KeyFormatType } from '../kmip/enumeration.ts';
import { ObjectType, Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { enumeration, required, structure } from '../ttlv/structure.ts';
import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { asAttributes, templateAttribute } from './attribute-codec.ts';
import { askedFormat, numberOf, requestedAttributes } from './new-object.ts';
import { sealObject, storeObject } from './new-object.ts';
import type { NewObject } from './new-object.ts';
import { withDefaults } from './object-rule.ts';
import { defineChange } from './operation.ts';
import { storageField } from './protection-storage.ts';
import type { Context } from './operation.ts';
import type { Item } from '../ttlv/item.ts';

/** The lengths in bits that each algorithm may have. Triple DES counts its parity bits. */
const lengths: Readonly<Partial<Record<CryptographicAlgorithm, readonly number[]>>> = {
  [CryptographicAlgorithm.DES3]: [112, 128, 168, 192],
  [CryptographicAlgorithm.AES]: [128, 192, 256],
  [CryptographicAlgorithm.HMAC_SHA1]: [160, 256, 512],
  [CryptographicAlgorithm.HMAC_SHA224]: [224, 256, 512],
  [CryptographicAlgorithm.HMAC_SHA256]: [256, 512],
  [CryptographicAlgorithm.HMAC_SHA384]: [384, 512, 1024],
  [CryptographicAlgorithm.HMAC_SHA512]: [512, 1024],
  [CryptographicAlgorithm.HMAC_SHA3_224]: [224, 256, 512],
  [CryptographicAlgorithm.HMAC_SHA3_256]: [256, 512],
  [CryptographicAlgorithm.HMAC_SHA3_384]: [384, 512, 1024],
  [CryptographicAlgorithm.HMAC_SHA3_512]: [512, 1024],
  [CryptographicAlgorithm.Camellia]: [128, 192, 256],
  [CryptographicAlgorithm.ARIA]: [128, 192, 256],
  [CryptographicAlgorithm.SM4]: [128],
  [CryptographicAlgorithm.ChaCha20]: [256],
  [CryptographicAlgorithm.ChaCha20Poly1305]: [256],
};

/** Create (KMIP 1.4 §4.1): makes a symmetric key. */
export const create = defineChange({
  operation: Operation.Create,
  since: 100,
  policy: { target: 'group', right: 'create' },
  request: structure({
    objectType: required(Tag.ObjectType, enumeration(ObjectType)),
    templateAttribute: required(Tag.TemplateAttribute, templateAttribute, asAttributes),
    ...storageField,
  }),
  response: structure({
    objectType: required(Tag.ObjectType, enumeration(ObjectType)),
    uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
  }),
  async prepare(request, context) {
    if (request.objectType !== ObjectType.SymmetricKey) {
      throw new KmipError(ResultReason.InvalidObjectType, 'Only symmetric keys can be created');
    }
    const requested = requestedAttributes(request.templateAttribute, context);
    const attributes = withDefaults(ObjectType.SymmetricKey, requested, context);
    const object = await sealSymmetricKey(attributes, context);
    return (draft) => {
      storeObject(object, draft, context);
      const { uniqueIdentifier } = object;
      return { objectType: ObjectType.SymmetricKey, uniqueIdentifier };
    };
  },
});

/**
 * Makes a symmetric key of the algorithm and length that its attributes say, and seals it.
 * `format`: what it is kept in where they leave that open. Throws KmipError Invalid Field where
 * they do not say it, or it is not made here.
 */
export async function sealSymmetricKey(
  attributes: readonly AttributeInstance[],
  context: Context,
  format?: KeyFormatType,
): Promise<NewObject> {
  const algorithm = numberOf(attributes, 'Cryptographic Algorithm');
  const length = numberOf(attributes, 'Cryptographic Length');
  if (algorithm === undefined || numberOf(attributes, 'Cryptographic Usage Mask') === undefined) {
    const message = 'Cryptographic Algorithm and Cryptographic Usage Mask are required';
    throw new KmipError(ResultReason.InvalidField, message);
  }
  if (length === undefined || !lengths[algorithm as CryptographicAlgorithm]?.includes(length)) {
    throw new KmipError(ResultReason.InvalidField, 'No key of this algorithm and length');
  }
  const key = context.random(bytesOf(algorithm, length));
  const { Raw, TransparentSymmetricKey } = KeyFormatType;
  // Any other format that is asked for is refused when the key is sealed.
  const isOpen = (askedFormat(attributes) ?? format) === TransparentSymmetricKey;
  const material: Item = isOpen
    ? {
        tag: Tag.KeyMaterial,
        type: 'Structure',
        value: [{ tag: Tag.Key, type: 'ByteString', value: key }],
      }
    : { tag: Tag.KeyMaterial, type: 'ByteString', value: key };
  const kept = isOpen ? TransparentSymmetricKey : Raw;
  const block = [
    { tag: Tag.KeyFormatType, type: 'Enumeration', value: kept },
    { tag: Tag.CryptographicAlgorithm, type: 'Enumeration', value: algorithm },
    { tag: Tag.CryptographicLength, type: 'Integer', value: length },
  ] as const;
  const object = await sealObject(
    {
      objectType: ObjectType.SymmetricKey,
      attributes,
      form: [{ tag: Tag.KeyBlock, type: 'Structure', value: block }],
      secret: { tag: Tag.KeyValue, type: 'Structure', value: [material] },
      digestBytes: key,
      made: true,
    },
    context,
  );
  key.fill(0);
  return object;
}

/** 168 bits of triple DES are 24 bytes with their parity, 112 are 16. */
function bytesOf(algorithm: number, length: number): number {
  if (algorithm === CryptographicAlgorithm.DES3) return length >= 168 ? 24 : 16;
  return length / 8;
}
