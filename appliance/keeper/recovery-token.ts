import { KeeperError } from '../keeper-client/keeper.ts';
import { TokenError } from '../token/error.ts';
import type { OaepHash } from '../token/token.ts';
import type { RootToken } from './root-token.ts';
import { makeSlot } from './slot.ts';
import type { Slot } from './slot.ts';
import type { WrappingKey } from './wrapping-key.ts';

/**
 * A recovery key in a token of its own, which may lie in a safe: slots are made with its public
 * half, which is all that is here. Binary fields are hexadecimal, the public key base64.
 */
export interface RecoveryToken {
  /**
   * CKA_ID: it begins with the cluster's mark. Everybody can encrypt a wrapping key of his own to a
   * public key, but only who had the token and its PIN can have written into it of which cluster
   * its key is; so a forged slot table is found out by the token itself.
   */
  readonly keyId: string;
  readonly label: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: string;
  readonly hash: OaepHash;
  /** Its name in the configuration of the node that made it, and what it said it was. */
  readonly token: string;
  readonly device: string;
  /** Seconds since 1970; `proven` is null until somebody has recovered with it. */
  readonly made: number;
  readonly proven: number | null;
  readonly removed: number | null;
}

/** So many bytes of an identifier's 16 are the cluster's mark; the others tell keys apart. */
const markBytes = 12;

/** A CKA_ID for a recovery key of the cluster with this mark; `random`: 4 bytes. */
export function markedIdentifier(mark: string, random: Buffer): Buffer {
  return Buffer.concat([Buffer.from(mark, 'hex').subarray(0, markBytes), random]);
}

/** Whether a key with this CKA_ID was made for the cluster with this mark. */
export function bearsMark(keyId: string, mark: string): boolean {
  const bytes = Buffer.from(keyId, 'hex');
  // Some vendors' identifiers are hexadecimal digits themselves.
  const identifier = bytes.length === 32 ? Buffer.from(bytes.toString('latin1'), 'hex') : bytes;
  const wanted = Buffer.from(mark, 'hex').subarray(0, markBytes);
  return identifier.length === 16 && identifier.subarray(0, markBytes).equals(wanted);
}

/** A slot for the token's recovery key, made with its public half alone. */
export function recoveryTokenSlot(member: RecoveryToken, key: WrappingKey, now: number): Slot {
  const { keyId, label, publicKey, hash, token, device } = member;
  const context = {
    kind: 'recovery',
    generation: key.generation.toString('hex'),
    ...{ keyId, label, publicKey, hash, created: now, token, device },
  } as const;
  return key.use((bytes) => makeSlot(context, bytes));
}

/**
 * Asks a token, logged in, for the wrapping keys in these slots, which are all of one recovery key.
 * Undefined where it does not have that key; `undefined` entries are slots that are not what they
 * say. Throws TokenError.
 */
export async function readThrough(
  token: RootToken,
  slots: readonly Slot[],
): Promise<(Buffer | undefined)[] | undefined> {
  const read: (Buffer | undefined)[] = [];
  try {
    for (const slot of slots) read.push(await token.read(slot));
    return read;
  } catch (error) {
    for (const bytes of read) bytes?.fill(0);
    if (error instanceof TokenError && error.code === 'key-missing') return undefined;
    throw error;
  }
}

/** No key in this token belongs to the cluster: another card came out of the safe. */
export function wrongToken(name: string): KeeperError {
  const text = `the token ${name} holds no recovery key of this cluster`;
  return new KeeperError('recovery-foreign', text);
}
