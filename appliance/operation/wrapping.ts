import { decryption, encryption } from '../cryptography/cipher.ts';
import type { CipherSetting } from '../cryptography/cipher.ts';
import type { Parameters } from '../cryptography/parameters.ts';
import { rsaDecrypt, rsaEncrypt } from '../cryptography/rsa.ts';
import { cryptographicParameters } from '../kmip/attribute-structure.ts';
import { BlockCipherMode, CryptographicAlgorithm, EncodingOption } from '../kmip/enumeration.ts';
import { ObjectType, PaddingMethod, ResultReason, WrappingMethod } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { decode } from '../ttlv/decode.ts';
import { encode } from '../ttlv/encode.ts';
import type { Item } from '../ttlv/item.ts';
import { anyItem, byteString, enumeration, optional, repeated } from '../ttlv/structure.ts';
import { required, structure, textString } from '../ttlv/structure.ts';
import type { Decoded } from '../ttlv/structure.ts';
import { openKey, parametersFor, requireUse, spendUse } from './key-use.ts';
import type { Context } from './operation.ts';
import { wipe } from './wipe.ts';

const keyInformation = structure({
  uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
  cryptographicParameters: optional(Tag.CryptographicParameters, cryptographicParameters),
});

/** Key Wrapping Specification (KMIP 1.4 §2.1.6): how a client wants a key to be wrapped. */
export const keyWrappingSpecification = structure({
  wrappingMethod: required(Tag.WrappingMethod, enumeration(WrappingMethod)),
  encryptionKeyInformation: optional(Tag.EncryptionKeyInformation, keyInformation),
  macSignatureKeyInformation: optional(Tag.MAC_SignatureKeyInformation, anyItem),
  attributeNames: repeated(Tag.AttributeName, textString),
  encodingOption: optional(Tag.EncodingOption, enumeration(EncodingOption), { since: 101 }),
});

export type WrappingSpecification = Decoded<typeof keyWrappingSpecification>;

/** Key Wrapping Data (§2.1.5): how a key in a Key Block is wrapped. */
export const keyWrappingData = structure({
  wrappingMethod: required(Tag.WrappingMethod, enumeration(WrappingMethod)),
  encryptionKeyInformation: optional(Tag.EncryptionKeyInformation, keyInformation),
  macSignatureKeyInformation: optional(Tag.MAC_SignatureKeyInformation, anyItem),
  macSignature: optional(Tag.MAC_Signature, byteString),
  ivCounterNonce: optional(Tag.IVCounterNonce, byteString),
  encodingOption: optional(Tag.EncodingOption, enumeration(EncodingOption), { since: 101 }),
});

interface Wrapped {
  /** Key Value, and Key Wrapping Data for the end of the Key Block. */
  readonly keyValue: Item;
  readonly data: Item;
}

/**
 * Wraps a Key Value structure. `named`: attributes that travel inside. The clear structure is
 * wiped. Throws KmipError: Wrapping Object Not Found for a key that is not there or not the
 * client's, Encoding Option Error, and what the key's own use is refused with.
 */
export async function wrapKeyValue(
  keyValue: Item,
  specification: WrappingSpecification,
  named: readonly Item[],
  context: Context,
): Promise<Wrapped> {
  const { NoEncoding, TTLVEncoding } = EncodingOption;
  const { encodingOption: encoding = TTLVEncoding, wrappingMethod } = specification;
  const information = specification.encryptionKeyInformation;
  if (wrappingMethod !== WrappingMethod.Encrypt || information === undefined) {
    throw new KmipError(ResultReason.FeatureNotSupported, 'Keys are wrapped by encryption alone');
  }
  if (encoding === NoEncoding && named.length > 0) {
    const message = 'Attributes travel inside an encoded Key Value only';
    throw new KmipError(ResultReason.EncodingOptionError, message);
  }
  const parts = keyValue.type === 'Structure' ? [...keyValue.value, ...named] : [];
  const material = parts.find(({ tag }) => tag === Tag.KeyMaterial);
  if (encoding === NoEncoding && material?.type !== 'ByteString') {
    const message = 'A key that is a structure has to be encoded';
    throw new KmipError(ResultReason.EncodingOptionError, message);
  }
  const clear =
    encoding === NoEncoding && material?.type === 'ByteString'
      ? Buffer.from(material.value)
      : encode({ tag: Tag.KeyValue, type: 'Structure', value: parts });
  try {
    const { data: value, iv } = await seal(clear, information, context);
    const wrapped: Item =
      encoding === NoEncoding
        ? {
            tag: Tag.KeyValue,
            type: 'Structure',
            value: [{ tag: Tag.KeyMaterial, type: 'ByteString', value }],
          }
        : { tag: Tag.KeyValue, type: 'ByteString', value };
    return { keyValue: wrapped, data: wrappingData(specification, iv) };
  } finally {
    clear.fill(0);
    wipe(keyValue);
  }
}

function wrappingData(specification: WrappingSpecification, iv: Buffer | undefined): Item {
  const { wrappingMethod, encryptionKeyInformation: key, encodingOption } = specification;
  const value: Item[] = [
    { tag: Tag.WrappingMethod, type: 'Enumeration', value: wrappingMethod },
    {
      tag: Tag.EncryptionKeyInformation,
      type: 'Structure',
      value: [
        { tag: Tag.UniqueIdentifier, type: 'TextString', value: key?.uniqueIdentifier ?? '' },
        ...(key?.cryptographicParameters === undefined
          ? []
          : [parametersItem(key.cryptographicParameters)]),
      ],
    },
  ];
  if (iv !== undefined) value.push({ tag: Tag.IVCounterNonce, type: 'ByteString', value: iv });
  if (encodingOption !== undefined) {
    value.push({ tag: Tag.EncodingOption, type: 'Enumeration', value: encodingOption });
  }
  return { tag: Tag.KeyWrappingData, type: 'Structure', value };
}

function parametersItem(parameters: Parameters): Item {
  const enumerated = [
    [Tag.BlockCipherMode, parameters.blockCipherMode],
    [Tag.PaddingMethod, parameters.paddingMethod],
    [Tag.HashingAlgorithm, parameters.hashingAlgorithm],
  ] as const;
  const value = enumerated.flatMap(([tag, each]): Item[] =>
    each === undefined ? [] : [{ tag, type: 'Enumeration', value: each }],
  );
  return { tag: Tag.CryptographicParameters, type: 'Structure', value };
}

type KeyInformation = Decoded<typeof keyInformation>;

/** The wrapping key: looked up as a Get of it would be, but named by its own reason. */
function wrappingKey(identifier: string, context: Context): ManagedObject {
  try {
    return context.target(context.keystore, identifier);
  } catch (error) {
    if (!(error instanceof KmipError) || error.reason === ResultReason.ObjectArchived) throw error;
    throw new KmipError(ResultReason.WrappingObjectNotFound, 'No such wrapping key');
  }
}

async function seal(
  clear: Buffer,
  information: KeyInformation,
  context: Context,
): Promise<{ readonly data: Buffer; readonly iv?: Buffer }> {
  const object = wrappingKey(information.uniqueIdentifier, context);
  requireUse(object, 'WrapKey', context);
  const parameters = withDefault(
    parametersFor(object, information.cryptographicParameters, context),
    object,
  );
  await spendUse(object, clear.length, 1, context);
  using key = await openKeyForWrapping(object, context);
  if (object.objectType === ObjectType.PublicKey) {
    return { data: rsaEncrypt(key.asymmetric(), parameters, clear, context.random) };
  }
  const setting = settingOf(key.bytes(), object, parameters, context);
  const work = encryption({ ...setting, parameters: { ...parameters, randomIV: true } });
  const data = Buffer.concat([work.update(clear), work.final(), work.tag() ?? Buffer.alloc(0)]);
  return work.iv === undefined ? { data } : { data, iv: work.iv };
}

/**
 * Opens a wrapped Key Value: the structure within. Throws KmipError where the wrapping key is not
 * there, may not unwrap, or does not fit.
 */
export async function unwrapKeyValue(
  keyValue: Item,
  data: Decoded<typeof keyWrappingData>,
  context: Context,
): Promise<Item> {
  const information = data.encryptionKeyInformation;
  if (data.wrappingMethod !== WrappingMethod.Encrypt || information === undefined) {
    throw new KmipError(ResultReason.FeatureNotSupported, 'Only encrypted keys are unwrapped');
  }
  const inside =
    keyValue.type === 'Structure'
      ? keyValue.value.find(({ tag }) => tag === Tag.KeyMaterial)
      : keyValue;
  if (inside?.type !== 'ByteString') {
    throw new KmipError(ResultReason.InvalidField, 'The Key Value is not a wrapped one');
  }
  const clear = await open(inside.value, information, data.ivCounterNonce, context);
  if (data.encodingOption === EncodingOption.NoEncoding) {
    const material: Item = { tag: Tag.KeyMaterial, type: 'ByteString', value: clear };
    return { tag: Tag.KeyValue, type: 'Structure', value: [material] };
  }
  try {
    return decode(clear);
  } catch (cause) {
    clear.fill(0);
    const message = 'The wrapped Key Value is not encoded as it is said to be';
    throw new KmipError(ResultReason.EncodingOptionError, message, { cause });
  }
}

async function open(
  sealed: Uint8Array,
  information: KeyInformation,
  iv: Uint8Array | undefined,
  context: Context,
): Promise<Buffer> {
  const object = wrappingKey(information.uniqueIdentifier, context);
  requireUse(object, 'UnwrapKey', context);
  const parameters = withDefault(
    parametersFor(object, information.cryptographicParameters, context),
    object,
  );
  using key = await openKeyForWrapping(object, context);
  if (object.objectType === ObjectType.PrivateKey) {
    return rsaDecrypt(key.asymmetric(), parameters, sealed);
  }
  const setting = settingOf(key.bytes(), object, parameters, context);
  const work = decryption({ ...setting, tagBehind: true, ...(iv === undefined ? {} : { iv }) });
  return Buffer.concat([work.update(sealed), work.final()]);
}

function settingOf(
  key: Buffer,
  object: ManagedObject,
  parameters: Parameters,
  { random }: Context,
): CipherSetting {
  return { algorithm: object.algorithm as CryptographicAlgorithm, key, parameters, random };
}

function openKeyForWrapping(object: ManagedObject, context: Context): ReturnType<typeof openKey> {
  const { SymmetricKey, PublicKey, PrivateKey } = ObjectType;
  if (![SymmetricKey, PublicKey, PrivateKey].some((type) => type === object.objectType)) {
    throw new KmipError(ResultReason.IllegalObjectType, 'The wrapping object is not a key');
  }
  return openKey(object, context);
}

/** AES keys wrap by NIST SP 800-38F, RSA keys by OAEP, unless anybody says otherwise. */
function withDefault(parameters: Parameters, { algorithm }: ManagedObject): Parameters {
  if (algorithm === CryptographicAlgorithm.AES && parameters.blockCipherMode === undefined) {
    return { ...parameters, blockCipherMode: BlockCipherMode.NISTKeyWrap };
  }
  if (algorithm === CryptographicAlgorithm.RSA && parameters.paddingMethod === undefined) {
    return { ...parameters, paddingMethod: PaddingMethod.OAEP };
  }
  return parameters;
}
