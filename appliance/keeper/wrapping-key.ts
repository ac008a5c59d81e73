import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KeeperError } from '../keeper-client/keeper.ts';

/** Layout of sealed bytes: version, generation, nonce, ciphertext, tag. */
const formatVersion = 1;
export const generationBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = 1 + generationBytes + nonceBytes;

/**
 * One generation of the wrapping key: AES-256-GCM (SP 800-38D) with a random 96-bit nonce for each
 * sealing; 2^32 sealings is the most that one generation may do (§8.3).
 */
export class WrappingKey {
  readonly generation: Buffer;
  // No KeyObject: its copy of the bytes would outlast `wipe` until it is collected.
  readonly #bytes: Buffer;
  #wiped = false;

  /** Takes the 32 bytes over: `wipe` overwrites them. */
  constructor(generation: Buffer, bytes: Buffer) {
    this.generation = generation;
    this.#bytes = bytes;
  }

  /** `context` and the generation are authenticated; the nonce must be 12 fresh random bytes. */
  seal(context: Uint8Array, plaintext: Uint8Array, nonce: Buffer): Buffer {
    const cipher = createCipheriv('aes-256-gcm', this.#held(), nonce);
    cipher.setAAD(context);
    cipher.setAAD(this.generation);
    const sealed = Buffer.allocUnsafeSlow(headBytes + plaintext.length + tagBytes);
    sealed[0] = formatVersion;
    this.generation.copy(sealed, 1);
    nonce.copy(sealed, 1 + generationBytes);
    cipher.update(plaintext).copy(sealed, headBytes);
    cipher.final();
    cipher.getAuthTag().copy(sealed, headBytes + plaintext.length);
    return sealed;
  }

  /** Throws KeeperError `not-authentic`. */
  open(context: Uint8Array, sealed: Buffer): Buffer {
    const nonce = sealed.subarray(1 + generationBytes, headBytes);
    const decipher = createDecipheriv('aes-256-gcm', this.#held(), nonce);
    decipher.setAAD(context);
    decipher.setAAD(this.generation);
    decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
    const plaintext = decipher.update(sealed.subarray(headBytes, sealed.length - tagBytes));
    try {
      decipher.final();
    } catch (cause) {
      plaintext.fill(0);
      throw new KeeperError('not-authentic', 'not what was sealed', { cause });
    }
    return plaintext;
  }

  /** A key for another purpose, of 32 bytes (RFC 5869, SHA-256). */
  derive(purpose: string): KeyObject {
    const bytes = new Uint8Array(hkdfSync('sha256', this.#held(), this.generation, purpose, 32));
    const key = createSecretKey(bytes);
    bytes.fill(0);
    return key;
  }

  /** Hands the bytes to a function that seals them into a slot or compares them. */
  use<T>(act: (bytes: Buffer) => T): T {
    return act(this.#held());
  }

  wipe(): void {
    this.#wiped = true;
    this.#bytes.fill(0);
  }

  #held(): Buffer {
    if (this.#wiped) throw new KeeperError('sealed', 'the wrapping key is wiped');
    return this.#bytes;
  }
}

/** The generation that sealed these bytes. Throws KeeperError `not-authentic` for other bytes. */
export function generationOf(sealed: Uint8Array): Buffer {
  if (sealed.length < headBytes + tagBytes || sealed[0] !== formatVersion) {
    throw new KeeperError('not-authentic', 'not sealed bytes');
  }
  return Buffer.from(sealed.subarray(1, 1 + generationBytes));
}
