import { constants, createHash, privateDecrypt, publicEncrypt, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { HashingAlgorithm, PaddingMethod } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { hashLength, hashName } from './hash.ts';
import { badParameters, failed } from './parameters.ts';
import type { Parameters } from './parameters.ts';

const { RSA_NO_PADDING, RSA_PKCS1_OAEP_PADDING, RSA_PKCS1_PADDING } = constants;

interface Oaep {
  readonly hash: string;
  readonly mask: string;
  readonly label: Buffer;
}

/** Encrypts with a public RSA key (RFC 8017 §7). Throws KmipError. */
export function rsaEncrypt(
  key: KeyObject,
  parameters: Parameters,
  data: Uint8Array,
  random: (bytes: number) => Buffer,
): Buffer {
  return act(() => {
    switch (parameters.paddingMethod) {
      case PaddingMethod.OAEP: {
        const oaep = oaepOf(parameters);
        if (oaep.hash === oaep.mask) return publicEncrypt(nodeOaep(key, oaep), data);
        const encoded = oaepEncode(oaep, data, modulusBytes(key), random);
        return publicEncrypt({ key, padding: RSA_NO_PADDING }, encoded);
      }
      case PaddingMethod.PKCS1V1_5:
        return publicEncrypt({ key, padding: RSA_PKCS1_PADDING }, data);
      case PaddingMethod.None:
        return publicEncrypt({ key, padding: RSA_NO_PADDING }, data);
      default:
        throw badParameters('RSA encryption needs its padding method');
    }
  });
}

/** Decrypts with a private RSA key. Throws KmipError; all that is wrong looks the same. */
export function rsaDecrypt(key: KeyObject, parameters: Parameters, data: Uint8Array): Buffer {
  return act(() => {
    switch (parameters.paddingMethod) {
      case PaddingMethod.OAEP: {
        const oaep = oaepOf(parameters);
        if (oaep.hash === oaep.mask) return privateDecrypt(nodeOaep(key, oaep), data);
        const encoded = privateDecrypt({ key, padding: RSA_NO_PADDING }, data);
        try {
          return oaepDecode(oaep, encoded);
        } finally {
          encoded.fill(0);
        }
      }
      case PaddingMethod.PKCS1V1_5:
        return privateDecrypt({ key, padding: RSA_PKCS1_PADDING }, data);
      case PaddingMethod.None:
        return privateDecrypt({ key, padding: RSA_NO_PADDING }, data);
      default:
        throw badParameters('RSA decryption needs its padding method');
    }
  });
}

function act(compute: () => Buffer): Buffer {
  try {
    return compute();
  } catch (error) {
    if (error instanceof KmipError) throw error;
    throw failed(error);
  }
}

function oaepOf(parameters: Parameters): Oaep {
  const hash = hashName(parameters.hashingAlgorithm ?? HashingAlgorithm.SHA_1);
  const { maskGeneratorHashingAlgorithm: mask, pSource } = parameters;
  return {
    hash,
    mask: mask === undefined ? hash : hashName(mask),
    label: Buffer.from(pSource ?? []),
  };
}

function nodeOaep(key: KeyObject, { hash, label }: Oaep): NodeOaep {
  const common = { key, padding: RSA_PKCS1_OAEP_PADDING, oaepHash: hash };
  return label.length === 0 ? common : { ...common, oaepLabel: label };
}

interface NodeOaep {
  readonly key: KeyObject;
  readonly padding: number;
  readonly oaepHash: string;
  readonly oaepLabel?: Buffer;
}

function modulusBytes(key: KeyObject): number {
  return Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
}

/** MGF1 (RFC 8017 §B.2.1). */
function mask(hash: string, seed: Uint8Array, length: number): Buffer {
  const pieces: Buffer[] = [];
  const counter = Buffer.alloc(4);
  for (let done = 0, i = 0; done < length; i++) {
    counter.writeUInt32BE(i);
    const piece = createHash(hash).update(seed).update(counter).digest();
    pieces.push(piece);
    done += piece.length;
  }
  return Buffer.concat(pieces).subarray(0, length);
}

function xor(target: Buffer, other: Uint8Array): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] ?? 0) ^ (other[i] ?? 0);
}

/** OAEP whose mask uses another hash than its label: OpenSSL has it, node does not pass it on. */
function oaepEncode(
  oaep: Oaep,
  data: Uint8Array,
  size: number,
  random: (bytes: number) => Buffer,
): Buffer {
  const length = hashLength(oaep.hash);
  if (data.length > size - 2 * length - 2) throw failed();
  const block = Buffer.alloc(size - length - 1);
  createHash(oaep.hash).update(oaep.label).digest().copy(block);
  block[block.length - data.length - 1] = 1;
  Buffer.from(data).copy(block, block.length - data.length);
  const seed = random(length);
  xor(block, mask(oaep.mask, seed, block.length));
  xor(seed, mask(oaep.mask, block, length));
  return Buffer.concat([Buffer.alloc(1), seed, block]);
}

function oaepDecode(oaep: Oaep, encoded: Buffer): Buffer {
  const length = hashLength(oaep.hash);
  if (encoded.length < 2 * length + 2) throw failed();
  const seed = Buffer.from(encoded.subarray(1, 1 + length));
  const block = Buffer.from(encoded.subarray(1 + length));
  xor(seed, mask(oaep.mask, block, length));
  xor(block, mask(oaep.mask, seed, block.length));
  const label = createHash(oaep.hash).update(oaep.label).digest();
  // Every byte is looked at, whatever those before it were.
  let wrong = (encoded[0] ?? 1) | (timingSafeEqual(label, block.subarray(0, length)) ? 0 : 1);
  let start = 0;
  for (let i = length; i < block.length; i++) {
    const byte = block[i] ?? 0;
    if (start === 0 && byte === 1) start = i + 1;
    else if (start === 0 && byte !== 0) wrong |= 1;
  }
  if (start === 0) wrong |= 1;
  if (wrong !== 0) {
    block.fill(0);
    throw failed();
  }
  const data = Buffer.from(block.subarray(start));
  block.fill(0);
  return data;
}
