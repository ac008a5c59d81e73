import { generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { exportKey } from '../cryptography/asymmetric-key.ts';
import { curveBits, curveName, curveOfLength } from '../cryptography/curve.ts';
import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { CryptographicAlgorithm, KeyFormatType, LinkType } from '../kmip/enumeration.ts';
import { ObjectType, RecommendedCurve, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { extensionAlgorithm } from '../kmip/extension.ts';
import { Tag } from '../kmip/tag.ts';
import type { Item } from '../ttlv/item.ts';
import { linkValue } from './link.ts';
import { askedFormat, numberOf, sealObject } from './new-object.ts';
import type { NewObject } from './new-object.ts';
import type { Context } from './operation.ts';
import { wipe } from './wipe.ts';

const generate = promisify(generateKeyPair);

const rsaLengths: readonly number[] = [1024, 2048, 3072, 4096, 6144, 8192];

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly length: number;
}

/** What the attributes of a pair say it is to be. */
export interface PairKind {
  readonly algorithm: CryptographicAlgorithm;
  readonly length?: number | undefined;
  readonly curve?: RecommendedCurve | undefined;
}

/** Reads algorithm, length and curve. Throws KmipError Invalid Field where one is missing. */
export function pairKind(attributes: readonly AttributeInstance[]): PairKind {
  const algorithm = numberOf(attributes, 'Cryptographic Algorithm');
  if (algorithm === undefined) {
    throw new KmipError(ResultReason.InvalidField, 'Cryptographic Algorithm is required');
  }
  const domain = attributes.find(({ name }) => name === 'Cryptographic Domain Parameters');
  const items = domain?.value.type === 'Structure' ? domain.value.value : [];
  const curve = items.find(({ tag }) => tag === Tag.RecommendedCurve)?.value;
  return {
    algorithm: algorithm as CryptographicAlgorithm,
    length: numberOf(attributes, 'Cryptographic Length'),
    curve: typeof curve === 'number' ? (curve as RecommendedCurve) : undefined,
  };
}

/** Makes the keys. Throws KmipError Invalid Field for what is not made here. */
export async function makePair({ algorithm, length, curve }: PairKind): Promise<Pair> {
  const extension = extensionAlgorithm(algorithm);
  if (extension !== undefined) {
    if (length !== undefined && length !== extension.publicBits) throw notMade();
    const made = await generate(extension.name.toLowerCase() as 'ml-dsa-65');
    return { ...made, length: extension.publicBits };
  }
  const { RSA, DSA, EC, ECDSA, ECDH, Ed25519, Ed448 } = CryptographicAlgorithm;
  switch (algorithm) {
    case RSA: {
      const modulusLength = length ?? 2048;
      if (!rsaLengths.includes(modulusLength)) throw notMade();
      return { ...(await generate('rsa', { modulusLength })), length: modulusLength };
    }
    case DSA: {
      const modulusLength = length ?? 2048;
      if (modulusLength !== 2048 && modulusLength !== 3072) throw notMade();
      const made = await generate('dsa', { modulusLength, divisorLength: 256 });
      return { ...made, length: modulusLength };
    }
    case Ed25519:
      return { ...(await generate('ed25519')), length: 256 };
    case Ed448:
      return { ...(await generate('ed448')), length: 456 };
    case EC:
    case ECDSA:
    case ECDH:
      return curvePair(curve ?? (length === undefined ? undefined : curveOfLength(length)));
    default:
      throw notMade();
  }
}

async function curvePair(curve: RecommendedCurve | undefined): Promise<Pair> {
  if (curve === undefined) throw notMade();
  const length = curveBits(curve) ?? 0;
  if (curve === RecommendedCurve.CURVE25519) return { ...(await generate('x25519')), length };
  if (curve === RecommendedCurve.CURVE448) return { ...(await generate('x448')), length };
  return { ...(await generate('ec', { namedCurve: curveName(curve) })), length };
}

function notMade(): KmipError {
  return new KmipError(ResultReason.InvalidField, 'No key pair of this algorithm and length');
}

/** The format a new key is kept in: RSA as PKCS #1, curves openly where the version can say so. */
function formats(key: KeyObject, version: number): readonly [KeyFormatType, KeyFormatType] {
  const F = KeyFormatType;
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return [F.PKCS_1, F.PKCS_1];
    case 'ec':
      return version >= 103
        ? [F.TransparentECPrivateKey, F.TransparentECPublicKey]
        : [F.ECPrivateKey, F.X_509];
    case 'ed25519':
    case 'ed448':
    case 'x25519':
    case 'x448':
      return [F.Raw, F.Raw];
    default:
      return [F.PKCS_8, F.X_509];
  }
}

/** What holds for each half of a pair. */
interface Halves<T> {
  readonly privateKey: T;
  readonly publicKey: T;
}

/**
 * Both objects of a new pair, sealed and linked to each other. `kept`: the formats of the pair that
 * it replaces, which it is kept in too where its attributes leave that open and the keys have them.
 */
export async function sealPair(
  pair: Pair,
  kind: PairKind,
  attributes: Halves<readonly AttributeInstance[]>,
  context: Context,
  kept?: Halves<KeyFormatType | undefined>,
): Promise<{ readonly privateKey: NewObject; readonly publicKey: NewObject }> {
  const ids = { privateKey: context.newIdentifier(), publicKey: context.newIdentifier() };
  const usual = formats(pair.privateKey, context.version);
  const privateFormat = formatOf(pair.privateKey, kept?.privateKey) ?? usual[0];
  const publicFormat = formatOf(pair.publicKey, kept?.publicKey) ?? usual[1];
  const seal = (
    objectType: ObjectType,
    key: KeyObject,
    format: KeyFormatType,
    own: readonly AttributeInstance[],
    uniqueIdentifier: string,
    link: AttributeInstance,
  ): Promise<NewObject> =>
    sealKey(
      {
        ...{ objectType, key, algorithm: kind.algorithm, length: pair.length },
        format: askedFormat(own) ?? format,
      },
      [...own, link],
      uniqueIdentifier,
      context,
    );
  const linkOf = (
    own: readonly AttributeInstance[],
    type: LinkType,
    id: string,
  ): AttributeInstance => ({
    name: 'Link',
    index: own.filter(({ name }) => name === 'Link').length,
    value: linkValue(type, id),
  });
  const toPublic = linkOf(attributes.privateKey, LinkType.PublicKeyLink, ids.publicKey);
  const toPrivate = linkOf(attributes.publicKey, LinkType.PrivateKeyLink, ids.privateKey);
  const { PrivateKey, PublicKey } = ObjectType;
  return {
    privateKey: await seal(
      ...([PrivateKey, pair.privateKey, privateFormat] as const),
      ...([attributes.privateKey, ids.privateKey, toPublic] as const),
    ),
    publicKey: await seal(
      ...([PublicKey, pair.publicKey, publicFormat] as const),
      ...([attributes.publicKey, ids.publicKey, toPrivate] as const),
    ),
  };
}

/** A format, if a key has it. */
function formatOf(key: KeyObject, format: KeyFormatType | undefined): KeyFormatType | undefined {
  if (format === undefined) return undefined;
  try {
    wipe(exportKey(key, format));
    return format;
  } catch (error) {
    if (error instanceof KmipError) return undefined;
    throw error;
  }
}

/** Seals one asymmetric key as an object. */
export async function sealKey(
  what: {
    readonly objectType: ObjectType;
    readonly key: KeyObject;
    readonly format: KeyFormatType;
    readonly algorithm: CryptographicAlgorithm;
    readonly length: number;
  },
  attributes: readonly AttributeInstance[],
  uniqueIdentifier: string,
  context: Context,
): Promise<NewObject> {
  const { objectType, key, format, algorithm, length } = what;
  const material = exportAsAsked(key, format);
  const secret: Item = { tag: Tag.KeyValue, type: 'Structure', value: [material] };
  const block = [
    { tag: Tag.KeyFormatType, type: 'Enumeration', value: format },
    { tag: Tag.CryptographicAlgorithm, type: 'Enumeration', value: algorithm },
    { tag: Tag.CryptographicLength, type: 'Integer', value: length },
  ] as const;
  const said = (
    name: string,
    type: 'Enumeration' | 'Integer',
    value: number,
  ): AttributeInstance => ({
    ...{ name, index: 0, value: { type, value } },
  });
  const kept = attributes.filter(
    ({ name }) => name !== 'Cryptographic Algorithm' && name !== 'Cryptographic Length',
  );
  const [digest, digestFormat] = digestible(key, material, format);
  const object = await sealObject(
    {
      objectType,
      attributes: [
        ...kept,
        said('Cryptographic Algorithm', 'Enumeration', algorithm),
        said('Cryptographic Length', 'Integer', length),
      ],
      form: [{ tag: Tag.KeyBlock, type: 'Structure', value: block }],
      secret,
      digestBytes: digest,
      keyFormatType: digestFormat,
      made: true,
      uniqueIdentifier,
    },
    context,
  );
  wipe(secret);
  digest.fill(0);
  return object;
}

/** A pair's key in a format that its attributes may ask for (KMIP 2.1 §4.26). */
function exportAsAsked(key: KeyObject, format: KeyFormatType): Item {
  try {
    return exportKey(key, format);
  } catch (cause) {
    if (!(cause instanceof KmipError)) throw cause;
    const message = 'The key is not kept in this format';
    throw new KmipError(ResultReason.InvalidAttributeValue, message, { cause });
  }
}

/**
 * The bytes that the Digest of a pair's key is of, and their format: those that it is kept in, so
 * that who gets it can compare; an encoding in the place of what is no bytes (§3.17).
 */
function digestible(
  key: KeyObject,
  material: Item,
  format: KeyFormatType,
): readonly [Uint8Array, KeyFormatType] {
  if (material.type === 'ByteString') return [material.value, format];
  const { PKCS_1, PKCS_8, X_509 } = KeyFormatType;
  const isRsa = key.asymmetricKeyType === 'rsa';
  const other = isRsa ? PKCS_1 : key.type === 'private' ? PKCS_8 : X_509;
  const encoded = exportKey(key, other);
  if (encoded.type !== 'ByteString') throw new TypeError('an encoding is bytes');
  return [encoded.value, other];
}
