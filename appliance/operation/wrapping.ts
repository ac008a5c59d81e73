import type { Parameters } from '../cryptography/parameters.ts';
import { EncodingOption, ResultReason, WrappingMethod } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { Tag } from '../kmip/tag.ts';
import { decode } from '../ttlv/decode.ts';
import { encode } from '../ttlv/encode.ts';
import type { Item } from '../ttlv/item.ts';
import { byteString, enumeration, optional, repeated } from '../ttlv/structure.ts';
import { required, structure, textString } from '../ttlv/structure.ts';
import type { Decoded } from '../ttlv/structure.ts';
import { attributeReference } from './attribute-codec.ts';
import type { Context } from './operation.ts';
import { authenticate, keyInformation, open, requireAuthentic, seal } from './wrapping-key.ts';
import type { KeyInformation } from './wrapping-key.ts';
import { wipe } from './wipe.ts';

/** Key Wrapping Specification (KMIP 1.4 §2.1.6): how a client wants a key to be wrapped. */
export const keyWrappingSpecification = structure({
  wrappingMethod: required(Tag.WrappingMethod, enumeration(WrappingMethod)),
  encryptionKeyInformation: optional(Tag.EncryptionKeyInformation, keyInformation),
  macSignatureKeyInformation: optional(Tag.MAC_SignatureKeyInformation, keyInformation),
  attributeNames: repeated(Tag.AttributeName, textString),
  references: repeated(Tag.AttributeReference, attributeReference, { since: 200 }),
  encodingOption: optional(Tag.EncodingOption, enumeration(EncodingOption), { since: 101 }),
});

export type WrappingSpecification = Decoded<typeof keyWrappingSpecification>;

/** Key Wrapping Data (§2.1.5): how a key in a Key Block is wrapped. */
export const keyWrappingData = structure({
  wrappingMethod: required(Tag.WrappingMethod, enumeration(WrappingMethod)),
  encryptionKeyInformation: optional(Tag.EncryptionKeyInformation, keyInformation),
  macSignatureKeyInformation: optional(Tag.MAC_SignatureKeyInformation, keyInformation),
  macSignature: optional(Tag.MAC_Signature, byteString),
  ivCounterNonce: optional(Tag.IVCounterNonce, byteString),
  encodingOption: optional(Tag.EncodingOption, enumeration(EncodingOption), { since: 101 }),
});

type WrappingData = Decoded<typeof keyWrappingData>;

interface Wrapped {
  /** Key Value, and Key Wrapping Data for the end of the Key Block. */
  readonly keyValue: Item;
  readonly data: Item;
}

/** What a Wrapping Method does, and with which keys. */
interface Method {
  readonly encryption?: KeyInformation;
  readonly authentication?: KeyInformation;
  /** Whether the MAC or signature is of what is encrypted, and not of the key itself. */
  readonly outside: boolean;
}

/** Throws KmipError: Feature Not Supported for TR-31, Invalid Field where a key is not named. */
function methodOf(data: WrappingSpecification | WrappingData): Method {
  const { Encrypt, MACSign, EncryptThenMACSign, MACSignThenEncrypt } = WrappingMethod;
  const { wrappingMethod, encryptionKeyInformation: encryption } = data;
  const authentication = data.macSignatureKeyInformation;
  const outside = wrappingMethod === EncryptThenMACSign;
  switch (wrappingMethod) {
    case Encrypt:
      if (encryption !== undefined) return { encryption, outside };
      break;
    case MACSign:
      if (authentication !== undefined) return { authentication, outside };
      break;
    case EncryptThenMACSign:
    case MACSignThenEncrypt:
      if (encryption !== undefined && authentication !== undefined) {
        return { encryption, authentication, outside };
      }
      break;
    default:
      throw new KmipError(ResultReason.FeatureNotSupported, 'Keys are not wrapped by this method');
  }
  throw new KmipError(ResultReason.InvalidField, 'The method needs a key that is not named');
}

/** Whether a key lies open in what a Wrapping Method gives: a MAC alone hides nothing. */
export function leavesOpen({ wrappingMethod }: WrappingSpecification): boolean {
  return wrappingMethod === WrappingMethod.MACSign;
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
  const { encryption, authentication, outside } = methodOf(specification);
  const encoded = specification.encodingOption !== EncodingOption.NoEncoding;
  const parts = keyValue.type === 'Structure' ? [...keyValue.value, ...named] : [];
  const clear = clearBytes(parts, encoded, named.length > 0);
  try {
    const sealed = encryption === undefined ? undefined : await seal(clear, encryption, context);
    const covered = outside ? (sealed?.data ?? clear) : clear;
    const code =
      authentication === undefined
        ? undefined
        : await authenticate(covered, authentication, context);
    const value = wrappedValue(sealed?.data ?? Buffer.from(clear), encoded);
    return { keyValue: value, data: wrappingData(specification, sealed?.iv, code) };
  } finally {
    clear.fill(0);
    wipe(keyValue);
  }
}

function clearBytes(parts: readonly Item[], encoded: boolean, attributes: boolean): Buffer {
  if (encoded) return encode({ tag: Tag.KeyValue, type: 'Structure', value: parts });
  const { EncodingOptionError } = ResultReason;
  if (attributes) {
    const message = 'Attributes travel inside an encoded Key Value only';
    throw new KmipError(EncodingOptionError, message);
  }
  const material = parts.find(({ tag }) => tag === Tag.KeyMaterial);
  if (material?.type !== 'ByteString') {
    throw new KmipError(EncodingOptionError, 'A key that is a structure has to be encoded');
  }
  return Buffer.from(material.value);
}

function wrappedValue(value: Buffer, encoded: boolean): Item {
  if (encoded) return { tag: Tag.KeyValue, type: 'ByteString', value };
  const material: Item = { tag: Tag.KeyMaterial, type: 'ByteString', value };
  return { tag: Tag.KeyValue, type: 'Structure', value: [material] };
}

function wrappingData(
  specification: WrappingSpecification,
  iv: Buffer | undefined,
  code: Buffer | undefined,
): Item {
  const { wrappingMethod, encodingOption } = specification;
  const keys = [
    [Tag.EncryptionKeyInformation, specification.encryptionKeyInformation],
    [Tag.MAC_SignatureKeyInformation, specification.macSignatureKeyInformation],
  ] as const;
  const value: Item[] = [
    { tag: Tag.WrappingMethod, type: 'Enumeration', value: wrappingMethod },
    ...keys.flatMap(([tag, key]) => (key === undefined ? [] : [informationItem(tag, key)])),
  ];
  if (code !== undefined) value.push({ tag: Tag.MAC_Signature, type: 'ByteString', value: code });
  if (iv !== undefined) value.push({ tag: Tag.IVCounterNonce, type: 'ByteString', value: iv });
  if (encodingOption !== undefined) {
    value.push({ tag: Tag.EncodingOption, type: 'Enumeration', value: encodingOption });
  }
  return { tag: Tag.KeyWrappingData, type: 'Structure', value };
}

function informationItem(tag: number, key: KeyInformation): Item {
  const { uniqueIdentifier, cryptographicParameters: parameters } = key;
  const value: Item[] = [
    { tag: Tag.UniqueIdentifier, type: 'TextString', value: uniqueIdentifier },
  ];
  if (parameters !== undefined) value.push(parametersItem(parameters));
  return { tag, type: 'Structure', value };
}

function parametersItem(parameters: Parameters): Item {
  const enumerated = [
    [Tag.BlockCipherMode, parameters.blockCipherMode],
    [Tag.PaddingMethod, parameters.paddingMethod],
    [Tag.HashingAlgorithm, parameters.hashingAlgorithm],
    [Tag.DigitalSignatureAlgorithm, parameters.digitalSignatureAlgorithm],
    [Tag.CryptographicAlgorithm, parameters.cryptographicAlgorithm],
  ] as const;
  const value = enumerated.flatMap(([tag, each]): Item[] =>
    each === undefined ? [] : [{ tag, type: 'Enumeration', value: each }],
  );
  return { tag: Tag.CryptographicParameters, type: 'Structure', value };
}

/**
 * Opens a wrapped Key Value: the structure within. Throws KmipError where the wrapping key is not
 * there, may not unwrap, or does not fit.
 */
export async function unwrapKeyValue(
  keyValue: Item,
  data: WrappingData,
  context: Context,
): Promise<Item> {
  const { encryption, authentication, outside } = methodOf(data);
  const inside = wrappedBytes(keyValue);
  const check = async (covered: Uint8Array): Promise<void> => {
    if (authentication === undefined) return;
    await requireAuthentic(covered, data.macSignature, authentication, context);
  };
  if (outside) await check(inside);
  const clear =
    encryption === undefined
      ? Buffer.from(inside)
      : await open(inside, encryption, data.ivCounterNonce, context);
  try {
    if (!outside) await check(clear);
    return clearValue(clear, data);
  } catch (error) {
    clear.fill(0);
    throw error;
  }
}

function wrappedBytes(keyValue: Item): Uint8Array {
  const inside =
    keyValue.type === 'Structure'
      ? keyValue.value.find(({ tag }) => tag === Tag.KeyMaterial)
      : keyValue;
  if (inside?.type === 'ByteString') return inside.value;
  throw new KmipError(ResultReason.InvalidField, 'The Key Value is not a wrapped one');
}

function clearValue(clear: Buffer, { encodingOption }: WrappingData): Item {
  if (encodingOption === EncodingOption.NoEncoding) return wrappedValue(clear, false);
  const message = 'The wrapped Key Value is not encoded as it is said to be';
  try {
    const value = decode(clear);
    const parts = value.tag === Tag.KeyValue && value.type === 'Structure' ? value.value : [];
    if (parts.some(({ tag }) => tag === Tag.KeyMaterial)) return value;
  } catch (cause) {
    throw new KmipError(ResultReason.EncodingOptionError, message, { cause });
  }
  throw new KmipError(ResultReason.EncodingOptionError, message);
}
