import {
  constants,
  createHash,
  createPublicKey,
  publicEncrypt,
  timingSafeEqual,
} from 'node:crypto';
import type { OaepHash } from '../token/token.ts';
import { generationBytes } from './wrapping-key.ts';

/**
 * A key slot: one generation of the wrapping key, encrypted to one public key. Like a LUKS slot,
 * several may hold the same key. All binary fields are hexadecimal, the public key and ciphertext
 * base64.
 */
export interface Slot {
  /** `token`: a node's root key; `recovery`: the public half of a recovery key. */
  readonly kind: 'token' | 'recovery';
  readonly generation: string;
  /** CKA_ID of the root key, or the recovery set. */
  readonly keyId: string;
  readonly label: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: string;
  readonly hash: OaepHash;
  /** Seconds since 1970. */
  readonly created: number;
  /** The token's name in the configuration, where the root key was made by one with a name. */
  readonly token?: string;
  /** What that token said it was: manufacturer, model, serial number. */
  readonly device?: string;
  /** RSA-OAEP of: 0x01, generation, wrapping key, SHA-256 of the slot's context. */
  readonly ciphertext: string;
}

const plaintextVersion = 1;
const keyBytes = 32;
const plaintextBytes = 1 + generationBytes + keyBytes + 32;

/** Makes a slot with the public key alone (RFC 8017 §7.1.1, empty label). */
export function makeSlot(context: Omit<Slot, 'ciphertext'>, wrappingKey: Buffer): Slot {
  const plaintext = Buffer.concat([
    Buffer.from([plaintextVersion]),
    Buffer.from(context.generation, 'hex'),
    wrappingKey,
    digest(context),
  ]);
  const publicKey = createPublicKey({
    key: Buffer.from(context.publicKey, 'base64'),
    format: 'der',
    type: 'spki',
  });
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const ciphertext = publicEncrypt({ key: publicKey, padding, oaepHash: context.hash }, plaintext);
  plaintext.fill(0);
  return { ...context, ciphertext: ciphertext.toString('base64') };
}

/**
 * The wrapping key in what the token decrypted from a slot, as a copy; the plaintext is wiped.
 * Undefined where it is not this slot's: OAEP binds no context, so the context is inside.
 */
export function readSlot(slot: Slot, plaintext: Buffer): Buffer | undefined {
  try {
    if (plaintext.length !== plaintextBytes || plaintext[0] !== plaintextVersion) return undefined;
    const keyStart = 1 + generationBytes;
    const generation = plaintext.subarray(1, keyStart);
    if (!timingSafeEqual(generation, Buffer.from(slot.generation, 'hex'))) return undefined;
    if (!timingSafeEqual(plaintext.subarray(keyStart + keyBytes), digest(slot))) return undefined;
    const key = Buffer.allocUnsafeSlow(keyBytes);
    plaintext.copy(key, 0, keyStart, keyStart + keyBytes);
    return key;
  } finally {
    plaintext.fill(0);
  }
}

/** Where a slot's key lies, as far as it is known, for what authenticates a slot. */
export function placeOf({ token, device }: Pick<Slot, 'token' | 'device'>): string[] {
  return token === undefined ? [] : [token, device ?? ''];
}

function digest(context: Omit<Slot, 'ciphertext'>): Buffer {
  const { kind, generation, keyId, label, publicKey, hash, created } = context;
  const made = [kind, generation, keyId, label, publicKey, hash, created];
  const text = JSON.stringify([...made, ...placeOf(context)]);
  return createHash('sha256').update(text).digest();
}
