import { createHash, createHmac, diffieHellman, hkdfSync, pbkdf2 } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { DerivationMethod, HashingAlgorithm, ResultReason } from '../kmip/enumeration.ts';
import type { CryptographicAlgorithm } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { encryption } from './cipher.ts';
import { hashName, hmacName } from './hash.ts';
import { badParameters, failed } from './parameters.ts';
import type { Parameters } from './parameters.ts';

/** What a key is derived from (KMIP 1.4 §4.6, Derivation Parameters). */
export interface DerivationSetting {
  readonly key: Buffer;
  readonly algorithm: CryptographicAlgorithm;
  readonly parameters: Parameters;
  readonly data?: Uint8Array;
  readonly salt?: Uint8Array;
  readonly iv?: Uint8Array;
  readonly iterations?: number;
  /** Bytes that are wanted. */
  readonly length: number;
  readonly random: (bytes: number) => Buffer;
}

/** Iterations times blocks of the hash: about ten seconds of one of OpenSSL's threads. */
const workMost = 10_000_000;

/**
 * Derives bytes. The caller wipes them. Throws KmipError: Invalid Field for a method or parameters
 * that are not computed, Cryptographic Failure where the method gives fewer bytes than are wanted.
 */
export async function derive(
  method: DerivationMethod,
  setting: DerivationSetting,
): Promise<Buffer> {
  const M = DerivationMethod;
  switch (method) {
    case M.PBKDF2: {
      const { salt, iterations = 0, key, length } = setting;
      if (salt === undefined || iterations < 1) {
        throw new KmipError(ResultReason.InvalidField, 'Salt and Iteration Count are required');
      }
      const digest = digestOf(setting, HashingAlgorithm.SHA_1);
      const block = createHash(digest).digest().length;
      if (iterations * Math.ceil(length / block) > workMost) {
        throw new KmipError(ResultReason.InvalidField, 'More iterations than are computed here');
      }
      // On a thread of its own: every other client's Get goes on meanwhile.
      return await promisify(pbkdf2)(key, salt, iterations, length, digest);
    }
    case M.HASH: {
      const hash = createHash(digestOf(setting)).update(setting.key);
      return cut(hash.update(setting.data ?? Buffer.alloc(0)).digest(), setting.length);
    }
    case M.HMAC: {
      const hmac = createHmac(digestOf(setting), setting.key);
      return cut(hmac.update(setting.data ?? Buffer.alloc(0)).digest(), setting.length);
    }
    case M.ENCRYPT: {
      const { algorithm, key, parameters, iv, random, data = Buffer.alloc(0) } = setting;
      const given = iv === undefined ? {} : { iv };
      const work = encryption({ algorithm, key, parameters, random, ...given });
      return cut(Buffer.concat([work.update(data), work.final()]), setting.length);
    }
    case M.NIST800_108_C:
    case M.NIST800_108_F:
    case M.NIST800_108_DPI:
      return sp800108(method, setting);
    case M.HKDF: {
      const { key, salt = Buffer.alloc(0), data = Buffer.alloc(0), length } = setting;
      return Buffer.from(hkdfSync(digestOf(setting), key, salt, data, length));
    }
    default:
      throw new KmipError(ResultReason.InvalidField, 'This derivation method is not computed here');
  }
}

/** The secret that two keys agree on (Derivation Method Asymmetric Key): (EC)DH, raw. */
export function agree(privateKey: KeyObject, publicKey: KeyObject, length: number): Buffer {
  try {
    return cut(diffieHellman({ privateKey, publicKey }), length);
  } catch (error) {
    if (error instanceof KmipError) throw error;
    throw failed(error);
  }
}

function cut(bytes: Buffer, length: number): Buffer {
  if (bytes.length >= length) return bytes.subarray(0, length);
  bytes.fill(0);
  const message = 'The method gives fewer bytes than are wanted';
  throw new KmipError(ResultReason.CryptographicFailure, message);
}

function digestOf(
  { parameters, algorithm }: DerivationSetting,
  fallback?: HashingAlgorithm,
): string {
  const { hashingAlgorithm = fallback, cryptographicAlgorithm = algorithm } = parameters;
  if (hashingAlgorithm !== undefined) return hashName(hashingAlgorithm);
  const inside = hmacName(cryptographicAlgorithm);
  if (inside === undefined) throw badParameters('A hashing algorithm is required');
  return inside;
}

/**
 * NIST SP 800-108 with HMAC as its function and a counter of 32 bits before the fixed input, which
 * is the Derivation Data; feedback begins with the IV.
 */
function sp800108(method: DerivationMethod, setting: DerivationSetting): Buffer {
  const { key, data = Buffer.alloc(0), iv = Buffer.alloc(0), length } = setting;
  const hash = digestOf(setting);
  const prf = (...inputs: readonly Uint8Array[]): Buffer => {
    const hmac = createHmac(hash, key);
    for (const input of inputs) hmac.update(input);
    return hmac.digest();
  };
  const pieces: Buffer[] = [];
  const counter = Buffer.alloc(4);
  let before: Uint8Array = method === DerivationMethod.NIST800_108_DPI ? data : iv;
  for (let done = 0, i = 1; done < length; i++) {
    counter.writeUInt32BE(i);
    if (method === DerivationMethod.NIST800_108_DPI) before = prf(before);
    const piece =
      method === DerivationMethod.NIST800_108_C ? prf(counter, data) : prf(before, counter, data);
    if (method === DerivationMethod.NIST800_108_F) before = piece;
    pieces.push(piece);
    done += piece.length;
  }
  const whole = Buffer.concat(pieces);
  for (const piece of pieces) piece.fill(0);
  return whole.subarray(0, length);
}
