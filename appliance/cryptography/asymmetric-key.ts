import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { CryptographicAlgorithm, KeyFormatType, RecommendedCurve } from '../kmip/enumeration.ts';
import { ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { Tag } from '../kmip/tag.ts';
import type { Item } from '../ttlv/item.ts';
import { curveByName, curveIdentifier, curveName } from './curve.ts';
import { derInteger, derItem, derSequence, derTag, sequence, trimmed } from './der.ts';
import { failed } from './parameters.ts';

/** An asymmetric key as a Key Block holds it (KMIP 1.4 §2.1.3, §2.1.7). */
export interface KeyParts {
  readonly isPrivate: boolean;
  readonly algorithm: CryptographicAlgorithm;
  readonly format: KeyFormatType;
  /** The Key Material: bytes, or one of the transparent structures. */
  readonly material: Item;
}

const F = KeyFormatType;
const ecPublicKey = derItem(derTag.oid, Buffer.from('2a8648ce3d0201', 'hex'));

/** The last byte of id-X25519, id-X448, id-Ed25519 and id-Ed448 (RFC 8410 §3). */
const edwards: Readonly<Record<string, number>> = {
  x25519: 110,
  x448: 111,
  ed25519: 112,
  ed448: 113,
};

/**
 * The key, ready for use. Throws KmipError Cryptographic Failure where the material is not a key,
 * Key Format Type Not Supported where its format cannot be computed with.
 */
export function importKey(parts: KeyParts): KeyObject {
  const { format, material, isPrivate } = parts;
  const der = derOf(parts);
  const type = der.type;
  try {
    if (!isPrivate) return createPublicKey({ key: der.bytes, format: 'der', type: type as 'spki' });
    const key = createPrivateKey({ key: der.bytes, format: 'der', type: type as 'pkcs1' });
    return ecPrivateFormats.has(format) ? withPoint(key) : key;
  } catch (cause) {
    throw failed(cause);
  } finally {
    if (isPrivate && (material.type === 'Structure' || format === F.Raw)) der.bytes.fill(0);
  }
}

type Der = { readonly bytes: Buffer; readonly type: 'pkcs1' | 'pkcs8' | 'sec1' | 'spki' };

function derOf({ format, material, isPrivate, algorithm }: KeyParts): Der {
  if (material.type === 'ByteString') {
    const bytes = Buffer.from(
      material.value.buffer,
      material.value.byteOffset,
      material.value.length,
    );
    if (format === F.PKCS_1) return isPrivate ? { bytes, type: 'pkcs1' } : rsaDer(bytes);
    if (format === F.PKCS_8 && isPrivate) return { bytes, type: 'pkcs8' };
    if (format === F.X_509 && !isPrivate) return { bytes, type: 'spki' };
    if (format === F.ECPrivateKey && isPrivate) return { bytes, type: 'sec1' };
    if (format === F.Raw) return edwardsDer(isPrivate, algorithm, bytes);
  }
  if (material.type === 'Structure') {
    const fields = new Map(material.value.map((item) => [item.tag, item]));
    if (format === F.TransparentRSAPrivateKey) return rsaPrivateDer(fields);
    if (format === F.TransparentRSAPublicKey) return rsaPublicDer(fields);
    if (ecPrivateFormats.has(format)) return ecPrivateDer(fields);
    if (ecPublicFormats.has(format)) return ecPublicDer(fields);
  }
  throw notSupported();
}

const ecPrivateFormats: ReadonlySet<number> = new Set([
  F.TransparentECPrivateKey,
  F.TransparentECDSAPrivateKey,
  F.TransparentECDHPrivateKey,
]);
const ecPublicFormats: ReadonlySet<number> = new Set([
  F.TransparentECPublicKey,
  F.TransparentECDSAPublicKey,
  F.TransparentECDHPublicKey,
]);

function notSupported(): KmipError {
  const message = 'The key cannot be had in this format';
  return new KmipError(ResultReason.KeyFormatTypeNotSupported, message);
}

type Fields = ReadonlyMap<number, Item>;

function numberIn(fields: Fields, tag: number): Uint8Array {
  const item = fields.get(tag);
  if (item?.type !== 'BigInteger') throw notSupported();
  return item.value;
}

const rsaEncryption = derItem(derTag.oid, Buffer.from('2a864886f70d010101', 'hex'));

/** SubjectPublicKeyInfo: what node reads as PKCS #1 it cannot always write again (24.21). */
function rsaDer(pkcs1: Buffer): Der {
  const algorithm = sequence(rsaEncryption, derItem(derTag.null));
  const bytes = sequence(algorithm, derItem(derTag.bitString, Buffer.alloc(1), pkcs1));
  return { bytes, type: 'spki' };
}

function rsaPublicDer(fields: Fields): Der {
  const n = derInteger(numberIn(fields, Tag.Modulus));
  return rsaDer(sequence(n, derInteger(numberIn(fields, Tag.PublicExponent))));
}

/** The order of RSAPrivateKey (RFC 8017 §A.1.2); each number has to be there. */
const rsaPrivateTags = [
  Tag.Modulus,
  Tag.PublicExponent,
  Tag.PrivateExponent,
  Tag.P,
  Tag.Q,
  Tag.PrimeExponentP,
  Tag.PrimeExponentQ,
  Tag.CRTCoefficient,
] as const;

function rsaPrivateDer(fields: Fields): Der {
  const numbers = rsaPrivateTags.map((tag) => derInteger(numberIn(fields, tag)));
  const bytes = sequence(derInteger(Buffer.alloc(1)), ...numbers);
  for (const number of numbers) number.fill(0);
  return { bytes, type: 'pkcs1' };
}

function curveIn(fields: Fields): string {
  const curve = fields.get(Tag.RecommendedCurve)?.value;
  if (typeof curve !== 'number') throw notSupported();
  return curveName(curve as RecommendedCurve);
}

function ecPrivateDer(fields: Fields): Der {
  const version = derInteger(Buffer.from([1]));
  const scalar = derItem(derTag.octetString, trimmed(numberIn(fields, Tag.D)));
  const bytes = sequence(version, scalar, derItem(0xa0, curveIdentifier(curveIn(fields))));
  scalar.fill(0);
  return { bytes, type: 'sec1' };
}

/**
 * The same private key with its public one inside, as a new key has it: OpenSSL leaves out of an
 * encoding what was not in the one that it read, and the Digest is of a whole one.
 */
function withPoint(key: KeyObject): KeyObject {
  const [, point] = derSequence(createPublicKey(key).export({ format: 'der', type: 'spki' }));
  const bare = key.export({ format: 'der', type: 'sec1' });
  const parts = derSequence(bare).map(({ tag, body }) => derItem(tag, body));
  const inside = derItem(derTag.bitString, point?.body ?? Buffer.alloc(0));
  const bytes = sequence(...parts, derItem(0xa1, inside));
  try {
    return createPrivateKey({ key: bytes, format: 'der', type: 'sec1' });
  } finally {
    for (const each of [bare, bytes, ...parts]) each.fill(0);
  }
}

function ecPublicDer(fields: Fields): Der {
  const point = fields.get(Tag.QString);
  if (point?.type !== 'ByteString') throw notSupported();
  const algorithm = sequence(ecPublicKey, curveIdentifier(curveIn(fields)));
  const bytes = sequence(algorithm, derItem(derTag.bitString, Buffer.alloc(1), point.value));
  return { bytes, type: 'spki' };
}

function edwardsDer(isPrivate: boolean, algorithm: number, key: Buffer): Der {
  const { Ed25519, Ed448, ECDH, EC } = CryptographicAlgorithm;
  const montgomery = algorithm === ECDH || algorithm === EC;
  const kind = montgomery
    ? { 32: 'x25519', 56: 'x448' }[key.length]
    : { [Ed25519]: 'ed25519', [Ed448]: 'ed448' }[algorithm];
  if (kind === undefined) throw notSupported();
  const oid = derItem(derTag.oid, Buffer.from([0x2b, 0x65, edwards[kind] ?? 0]));
  if (!isPrivate) {
    const bytes = sequence(sequence(oid), derItem(derTag.bitString, Buffer.alloc(1), key));
    return { bytes, type: 'spki' };
  }
  const inner = derItem(derTag.octetString, key);
  const bytes = sequence(
    derInteger(Buffer.alloc(1)),
    sequence(oid),
    derItem(derTag.octetString, inner),
  );
  inner.fill(0);
  return { bytes, type: 'pkcs8' };
}

/**
 * The Key Material of a key in a format. The caller wipes it. Throws KmipError Key Format Type Not
 * Supported where the key cannot be had in it.
 */
export function exportKey(key: KeyObject, format: KeyFormatType): Item {
  const isPrivate = key.type === 'private';
  const kind = key.asymmetricKeyType ?? '';
  const bytes = (value: Buffer): Item => ({ tag: Tag.KeyMaterial, type: 'ByteString', value });
  if (format === F.PKCS_1 && kind === 'rsa') {
    return bytes(key.export({ format: 'der', type: 'pkcs1' }));
  }
  if (format === F.PKCS_8 && isPrivate) return bytes(key.export({ format: 'der', type: 'pkcs8' }));
  if (format === F.X_509 && !isPrivate) return bytes(key.export({ format: 'der', type: 'spki' }));
  if (format === F.ECPrivateKey && isPrivate && kind === 'ec') {
    return bytes(key.export({ format: 'der', type: 'sec1' }));
  }
  if (format === F.Raw && kind in edwards) return bytes(rawEdwards(key));
  if (kind === 'rsa' && format === F.TransparentRSAPrivateKey && isPrivate) return rsaPrivate(key);
  if (kind === 'rsa' && format === F.TransparentRSAPublicKey && !isPrivate) return rsaPublic(key);
  if (kind === 'ec' && isPrivate && ecPrivateFormats.has(format)) return ecPrivate(key);
  if (kind === 'ec' && !isPrivate && ecPublicFormats.has(format)) return ecPublic(key);
  throw notSupported();
}

function rawEdwards(key: KeyObject): Buffer {
  if (key.type === 'public') {
    const [, point] = derSequence(key.export({ format: 'der', type: 'spki' }));
    return Buffer.from(point?.body.subarray(1) ?? []);
  }
  const der = key.export({ format: 'der', type: 'pkcs8' });
  const [, , octets] = derSequence(der);
  // An octet string within: its tag and length are two bytes (RFC 8410 §7).
  const raw = Buffer.from(octets?.body.subarray(2) ?? []);
  der.fill(0);
  return raw;
}

function bigInteger(tag: number, value: Uint8Array): Item {
  const digits = trimmed(value);
  const length = Math.ceil((digits.length + 1) / 8) * 8;
  const padded = Buffer.alloc(length);
  digits.copy(padded, length - digits.length);
  return { tag, type: 'BigInteger', value: padded };
}

function rsaPublic(key: KeyObject): Item {
  const [n, e] = derSequence(key.export({ format: 'der', type: 'pkcs1' }));
  const value = [
    bigInteger(Tag.Modulus, n?.body ?? Buffer.alloc(0)),
    bigInteger(Tag.PublicExponent, e?.body ?? Buffer.alloc(0)),
  ];
  return { tag: Tag.KeyMaterial, type: 'Structure', value };
}

/** The order of Transparent RSA Private Key (KMIP 1.4 §2.1.7.4). */
const transparentOrder = [0, 2, 1, 3, 4, 5, 6, 7] as const;

function rsaPrivate(key: KeyObject): Item {
  const der = key.export({ format: 'der', type: 'pkcs1' });
  const [, ...numbers] = derSequence(der);
  const value = transparentOrder.map((i) =>
    bigInteger(rsaPrivateTags[i], numbers[i]?.body ?? Buffer.alloc(0)),
  );
  der.fill(0);
  return { tag: Tag.KeyMaterial, type: 'Structure', value };
}

function curveItem(key: KeyObject): Item {
  const value = curveByName(key.asymmetricKeyDetails?.namedCurve);
  if (value === undefined) throw notSupported();
  return { tag: Tag.RecommendedCurve, type: 'Enumeration', value };
}

function ecPrivate(key: KeyObject): Item {
  const der = key.export({ format: 'der', type: 'sec1' });
  const scalar = derSequence(der)[1]?.body ?? Buffer.alloc(0);
  const value = [curveItem(key), bigInteger(Tag.D, scalar)];
  der.fill(0);
  return { tag: Tag.KeyMaterial, type: 'Structure', value };
}

function ecPublic(key: KeyObject): Item {
  const [, point] = derSequence(key.export({ format: 'der', type: 'spki' }));
  const value = Buffer.from(point?.body.subarray(1) ?? []);
  const items: Item[] = [curveItem(key), { tag: Tag.QString, type: 'ByteString', value }];
  return { tag: Tag.KeyMaterial, type: 'Structure', value: items };
}
