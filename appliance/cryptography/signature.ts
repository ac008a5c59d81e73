import { constants, createHash, publicDecrypt, privateEncrypt, sign, verify } from 'node:crypto';
import type { KeyObject, SignKeyObjectInput } from 'node:crypto';
import { DigitalSignatureAlgorithm as DSA } from '../kmip/enumeration.ts';
import { HashingAlgorithm, PaddingMethod } from '../kmip/enumeration.ts';
import { derItem, derTag, sequence } from './der.ts';
import { hashName } from './hash.ts';
import { badParameters, failed, unsupported } from './parameters.ts';
import type { Parameters } from './parameters.ts';

/** What is signed: data, or the digest of data that the client hashed itself. */
export type Signed = { readonly data: Uint8Array } | { readonly digest: Uint8Array };

const { PKCS1V1_5, PSS } = PaddingMethod;
const H = HashingAlgorithm;

/** What a Digital Signature Algorithm stands for (KMIP 1.4 §9.1.3.2.7). */
const combined: Readonly<Partial<Record<number, readonly [HashingAlgorithm, PaddingMethod?]>>> = {
  [DSA.MD5WithRSAEncryptionPKCS_1V1_5]: [H.MD5, PKCS1V1_5],
  [DSA.SHA_1WithRSAEncryptionPKCS_1V1_5]: [H.SHA_1, PKCS1V1_5],
  [DSA.SHA_224WithRSAEncryptionPKCS_1V1_5]: [H.SHA_224, PKCS1V1_5],
  [DSA.SHA_256WithRSAEncryptionPKCS_1V1_5]: [H.SHA_256, PKCS1V1_5],
  [DSA.SHA_384WithRSAEncryptionPKCS_1V1_5]: [H.SHA_384, PKCS1V1_5],
  [DSA.SHA_512WithRSAEncryptionPKCS_1V1_5]: [H.SHA_512, PKCS1V1_5],
  [DSA.SHA3_256WithRSAEncryption]: [H.SHA_3_256, PKCS1V1_5],
  [DSA.SHA3_384WithRSAEncryption]: [H.SHA_3_384, PKCS1V1_5],
  [DSA.SHA3_512WithRSAEncryption]: [H.SHA_3_512, PKCS1V1_5],
  [DSA.DSAWithSHA_1]: [H.SHA_1],
  [DSA.DSAWithSHA224]: [H.SHA_224],
  [DSA.DSAWithSHA256]: [H.SHA_256],
  [DSA.ECDSAWithSHA_1]: [H.SHA_1],
  [DSA.ECDSAWithSHA224]: [H.SHA_224],
  [DSA.ECDSAWithSHA256]: [H.SHA_256],
  [DSA.ECDSAWithSHA384]: [H.SHA_384],
  [DSA.ECDSAWithSHA512]: [H.SHA_512],
};

interface Scheme {
  /** Undefined for a key whose scheme hashes by itself (Ed25519, ML-DSA). */
  readonly hash: string | undefined;
  readonly options: Omit<SignKeyObjectInput, 'key'>;
}

/** Signs. Throws KmipError. */
export function signature(key: KeyObject, parameters: Parameters, signed: Signed): Buffer {
  const { hash, options } = schemeOf(key, parameters, constants.RSA_PSS_SALTLEN_DIGEST);
  try {
    if ('data' in signed) return sign(hash, signed.data, { key, ...options });
    return signDigest(key, hash, options, signed.digest);
  } catch (cause) {
    throw failed(cause);
  }
}

/** Whether a signature is right. Throws KmipError for parameters that do not go together. */
export function isSignature(
  key: KeyObject,
  parameters: Parameters,
  signed: Signed,
  given: Uint8Array,
): boolean {
  const { hash, options } = schemeOf(key, parameters, constants.RSA_PSS_SALTLEN_AUTO);
  try {
    if ('data' in signed) return verify(hash, signed.data, { key, ...options }, given);
    return verifyDigest(key, hash, options, signed.digest, given);
  } catch {
    return false;
  }
}

/** Whether the scheme takes its data in one piece, without a hash of its own in front. */
export function hashesItself(key: KeyObject): boolean {
  return !['rsa', 'rsa-pss', 'ec', 'dsa'].includes(key.asymmetricKeyType ?? '');
}

function schemeOf(key: KeyObject, parameters: Parameters, salt: number): Scheme {
  if (hashesItself(key)) return { hash: undefined, options: {} };
  const named = parameters.digitalSignatureAlgorithm;
  if (named !== undefined && named !== DSA.RSASSA_PSSPKCS_1V2_1 && combined[named] === undefined) {
    throw unsupported('This signature algorithm is not computed here');
  }
  const [namedHash, namedPadding] = (named === undefined ? undefined : combined[named]) ?? [];
  const hashing = parameters.hashingAlgorithm ?? namedHash;
  if (hashing === undefined) throw badParameters('A hashing algorithm is required');
  const hash = hashName(hashing);
  if (!key.asymmetricKeyType?.startsWith('rsa')) return { hash, options: {} };
  const isPss = named === DSA.RSASSA_PSSPKCS_1V2_1;
  const padding = parameters.paddingMethod ?? namedPadding ?? (isPss ? PSS : undefined);
  switch (padding) {
    case PSS: {
      const { saltLength = salt, maskGeneratorHashingAlgorithm: mask } = parameters;
      if (mask !== undefined && mask !== hashing) {
        throw unsupported('The mask generator has to use the hash of the signature');
      }
      const { RSA_PKCS1_PSS_PADDING } = constants;
      return { hash, options: { padding: RSA_PKCS1_PSS_PADDING, saltLength } };
    }
    case PKCS1V1_5:
      return { hash, options: { padding: constants.RSA_PKCS1_PADDING } };
    case undefined:
      throw badParameters('A padding method is required');
    default:
      throw badParameters('This padding is not one of a signature');
  }
}

/** Object identifiers of hashes for DigestInfo (RFC 8017 §9.2). */
const hashOids: Readonly<Record<string, string>> = {
  md5: '2a864886f70d0205',
  sha1: '2b0e03021a',
  sha224: '608648016503040204',
  sha256: '608648016503040201',
  sha384: '608648016503040202',
  sha512: '608648016503040203',
  'sha512-224': '608648016503040205',
  'sha512-256': '608648016503040206',
  'sha3-224': '608648016503040207',
  'sha3-256': '608648016503040208',
  'sha3-384': '608648016503040209',
  'sha3-512': '60864801650304020a',
};

function digestInfo(hash: string | undefined, digest: Uint8Array): Buffer {
  const oid = hash === undefined ? undefined : hashOids[hash];
  if (oid === undefined || digest.length !== createHash(hash ?? '').digest().length) {
    throw badParameters('The digest is not one of the hashing algorithm');
  }
  const algorithm = sequence(derItem(derTag.oid, Buffer.from(oid, 'hex')), derItem(derTag.null));
  return sequence(algorithm, derItem(derTag.octetString, digest));
}

/** Only PKCS #1 v1.5 lets a digest be signed that was made elsewhere. */
function signDigest(
  key: KeyObject,
  hash: string | undefined,
  options: Scheme['options'],
  digest: Uint8Array,
): Buffer {
  if (options.padding !== constants.RSA_PKCS1_PADDING) {
    throw unsupported('Digested Data is signed with PKCS #1 v1.5 alone');
  }
  return privateEncrypt({ key, padding: options.padding }, digestInfo(hash, digest));
}

function verifyDigest(
  key: KeyObject,
  hash: string | undefined,
  options: Scheme['options'],
  digest: Uint8Array,
  given: Uint8Array,
): boolean {
  if (options.padding !== constants.RSA_PKCS1_PADDING) {
    throw unsupported('Digested Data is verified with PKCS #1 v1.5 alone');
  }
  const found = publicDecrypt({ key, padding: options.padding }, given);
  return found.equals(digestInfo(hash, digest));
}
