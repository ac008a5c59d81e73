import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  generateKeyPairSync,
  hkdfSync,
  privateDecrypt,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KeeperError } from '../keeper-client/keeper.ts';
import { joinSecret, splitSecret } from './recovery-share.ts';
import { makeSlot, readSlot } from './slot.ts';
import type { Slot } from './slot.ts';
import type { WrappingKey } from './wrapping-key.ts';

/**
 * A recovery key pair of software. Its public half makes slots without anybody's help; its private
 * half lies here under a secret that only people have, in shares. Binary fields are base64.
 */
export interface RecoverySet {
  /** 16 random bytes in hexadecimal. */
  readonly set: string;
  readonly threshold: number;
  readonly shares: number;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: string;
  /** Nonce (12 bytes), PKCS#8 under AES-256-GCM, tag (16). */
  readonly sealedKey: string;
  /** Of which cluster it is (see `markOf`); the shares' secret authenticates it. */
  readonly mark: string;
  /** Seconds since 1970; `proven` is null until somebody has recovered with it. */
  readonly made: number;
  readonly proven: number | null;
}

/** Makes a pair and the shares of its secret; nothing but the shares opens it afterwards. */
export async function makeRecoverySet(
  wanted: { readonly threshold: number; readonly shares: number },
  mark: string,
  now: number,
  random: (bytes: number) => Buffer,
): Promise<{ readonly recovery: RecoverySet; readonly shares: string[] }> {
  const { threshold, shares } = wanted;
  if (!(threshold >= 2 && threshold <= shares && shares <= 255)) {
    throw new KeeperError('protocol', 'at least 2 shares, and no more needed than there are');
  }
  const pair = generateKeyPairSync('rsa', { modulusLength: 3072 });
  const publicKey = pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  const set = random(16);
  const secret = random(32);
  const plaintext = pair.privateKey.export({ format: 'der', type: 'pkcs8' });
  const nonce = random(12);
  const cipher = createCipheriv('aes-256-gcm', keyOf(secret, set), nonce);
  cipher.setAAD(boundTo(publicKey, mark));
  const sealed = [nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
  plaintext.fill(0);
  const texts = await splitSecret(secret, set.subarray(0, 4), wanted);
  secret.fill(0);
  const sealedKey = Buffer.concat(sealed).toString('base64');
  const id = set.toString('hex');
  const common = { threshold, shares, publicKey, sealedKey, mark, made: now, proven: null };
  return { recovery: { set: id, ...common }, shares: texts };
}

/** The private half, from shares. Throws KeeperError as `joinSecret` does, and `share-wrong`. */
export async function privateKeyOf(
  { set, publicKey, sealedKey, mark }: RecoverySet,
  shares: readonly string[],
): Promise<KeyObject> {
  const id = Buffer.from(set, 'hex');
  const secret = await joinSecret(shares, id.subarray(0, 4));
  const sealed = Buffer.from(sealedKey, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', keyOf(secret, id), sealed.subarray(0, 12));
  secret.fill(0);
  decipher.setAAD(boundTo(publicKey, mark));
  decipher.setAuthTag(sealed.subarray(-16));
  const plaintext = decipher.update(sealed.subarray(12, -16));
  try {
    decipher.final();
    return createPrivateKey({ key: plaintext, format: 'der', type: 'pkcs8' });
  } catch (cause) {
    throw new KeeperError('share-wrong', 'these shares open nothing', { cause });
  } finally {
    plaintext.fill(0);
  }
}

/** A slot for the recovery key, made with its public half alone. */
export function recoverySlot(recovery: RecoverySet, key: WrappingKey, now: number): Slot {
  const context = {
    kind: 'recovery',
    generation: key.generation.toString('hex'),
    keyId: recovery.set,
    label: `${recovery.threshold} of ${recovery.shares} shares`,
    publicKey: recovery.publicKey,
    hash: 'sha256',
    created: now,
  } as const;
  return key.use((bytes) => makeSlot(context, bytes));
}

/** The wrapping key in a recovery slot; undefined where the slot is not what it says. */
export function readRecoverySlot(slot: Slot, privateKey: KeyObject): Buffer | undefined {
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  try {
    const ciphertext = Buffer.from(slot.ciphertext, 'base64');
    const key = { key: privateKey, padding, oaepHash: slot.hash };
    return readSlot(slot, privateDecrypt(key, ciphertext));
  } catch {
    return undefined;
  }
}

function boundTo(publicKey: string, mark: string): Buffer {
  return Buffer.from(JSON.stringify([publicKey, mark]));
}

function keyOf(secret: Uint8Array, set: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, set, 'twinlock recovery key', 32));
}
