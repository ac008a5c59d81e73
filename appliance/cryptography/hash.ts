import { createHash } from 'node:crypto';
import { CryptographicAlgorithm, HashingAlgorithm } from '../kmip/enumeration.ts';
import type { Transformation } from './parameters.ts';
import { unsupported } from './parameters.ts';

const names: Readonly<Partial<Record<number, string>>> = {
  [HashingAlgorithm.MD5]: 'md5',
  [HashingAlgorithm.SHA_1]: 'sha1',
  [HashingAlgorithm.SHA_224]: 'sha224',
  [HashingAlgorithm.SHA_256]: 'sha256',
  [HashingAlgorithm.SHA_384]: 'sha384',
  [HashingAlgorithm.SHA_512]: 'sha512',
  [HashingAlgorithm.RIPEMD_160]: 'ripemd160',
  [HashingAlgorithm.SHA_512_224]: 'sha512-224',
  [HashingAlgorithm.SHA_512_256]: 'sha512-256',
  [HashingAlgorithm.SHA_3_224]: 'sha3-224',
  [HashingAlgorithm.SHA_3_256]: 'sha3-256',
  [HashingAlgorithm.SHA_3_384]: 'sha3-384',
  [HashingAlgorithm.SHA_3_512]: 'sha3-512',
};

const hmacNames: Readonly<Partial<Record<number, string>>> = {
  [CryptographicAlgorithm.HMAC_MD5]: 'md5',
  [CryptographicAlgorithm.HMAC_SHA1]: 'sha1',
  [CryptographicAlgorithm.HMAC_SHA224]: 'sha224',
  [CryptographicAlgorithm.HMAC_SHA256]: 'sha256',
  [CryptographicAlgorithm.HMAC_SHA384]: 'sha384',
  [CryptographicAlgorithm.HMAC_SHA512]: 'sha512',
  [CryptographicAlgorithm.HMAC_SHA3_224]: 'sha3-224',
  [CryptographicAlgorithm.HMAC_SHA3_256]: 'sha3-256',
  [CryptographicAlgorithm.HMAC_SHA3_384]: 'sha3-384',
  [CryptographicAlgorithm.HMAC_SHA3_512]: 'sha3-512',
};

/** OpenSSL's name of a hash. Throws KmipError Unsupported Cryptographic Parameters. */
export function hashName(algorithm: HashingAlgorithm): string {
  const name = names[algorithm];
  if (name === undefined) throw unsupported('This hashing algorithm is not computed here');
  return name;
}

/** OpenSSL's name of the hash inside an HMAC algorithm; undefined for any other algorithm. */
export function hmacName(algorithm: CryptographicAlgorithm | undefined): string | undefined {
  return algorithm === undefined ? undefined : hmacNames[algorithm];
}

/** Bytes of a hash's result. */
export function hashLength(name: string): number {
  return createHash(name).digest().length;
}

/** A hash that is fed piece by piece; all of its result comes at the end. */
export function hashing(algorithm: HashingAlgorithm): Transformation {
  const hash = createHash(hashName(algorithm));
  return {
    update(data) {
      hash.update(data);
      return Buffer.alloc(0);
    },
    final: () => hash.digest(),
  };
}
