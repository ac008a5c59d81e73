import { createHash, timingSafeEqual } from 'node:crypto';
import { combine, split } from 'shamir-secret-sharing';
import { KeeperError } from '../keeper-client/keeper.ts';

/** One of several parts of a recovery secret, as a person keeps it. */
export interface RecoveryShare {
  /** The first 4 bytes of the set's id. */
  readonly set: Buffer;
  /** From 1 to 255. */
  readonly index: number;
  readonly threshold: number;
  /** 33 bytes: the secret's part and its coordinate. */
  readonly part: Buffer;
}

const version = 1;
const secretBytes = 32;
const headBytes = 1 + 4 + 1 + 1;
const checkBytes = 4;
const shareBytes = headBytes + secretBytes + 1 + checkBytes;
/** Base 32 as Crockford wrote it: no I, L, O, U; what is read as one of them is taken for it. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Splits a secret of 32 bytes into so many shares, of which `threshold` give it back. */
export async function splitSecret(
  secret: Uint8Array,
  set: Buffer,
  { shares, threshold }: { readonly shares: number; readonly threshold: number },
): Promise<string[]> {
  const parts = await split(new Uint8Array(secret), shares, threshold);
  return parts.map((part, i) => {
    const text = shareText({ set, index: i + 1, threshold, part: Buffer.from(part) });
    part.fill(0);
    return text;
  });
}

/**
 * The secret from enough shares of one set. Throws KeeperError `share-damaged` for one that was not
 * copied right, `share-foreign` for one of another set, `shares-too-few`.
 */
export async function joinSecret(texts: readonly string[], set: Buffer): Promise<Buffer> {
  const shares = new Map<number, RecoveryShare>();
  for (const text of texts) {
    const share = readShare(text);
    if (!share.set.equals(set)) {
      throw new KeeperError('share-foreign', `share ${share.index} is of another set`);
    }
    shares.set(share.index, share);
  }
  const [first] = shares.values();
  if (first === undefined || shares.size < first.threshold) {
    const wanted = first === undefined ? '' : `: ${first.threshold} are needed`;
    throw new KeeperError('shares-too-few', `these shares are too few${wanted}`);
  }
  return Buffer.from(await combine([...shares.values()].map(({ part }) => new Uint8Array(part))));
}

function shareText({ set, index, threshold, part }: RecoveryShare): string {
  const head = Buffer.from([version, ...set, index, threshold]);
  const bytes = Buffer.concat([head, part, checkOf(head, part)]);
  let bits = BigInt(`0x${bytes.toString('hex')}`) << 3n;
  let text = '';
  // 44 bytes are 352 bits; with three more they are 71 characters.
  for (let i = 0; i < 71; i++) {
    text = (alphabet[Number(bits & 31n)] ?? '') + text;
    bits >>= 5n;
  }
  return text.replace(/(.{6})(?=.)/g, '$1-');
}

function readShare(text: string): RecoveryShare {
  const damaged = new KeeperError('share-damaged', 'a share was not copied right');
  const plain = text.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
  if (plain.length !== 71) throw damaged;
  let bits = 0n;
  for (const character of plain) {
    const value = alphabet.indexOf(character);
    if (value < 0) throw damaged;
    bits = (bits << 5n) | BigInt(value);
  }
  const bytes = Buffer.from((bits >> 3n).toString(16).padStart(shareBytes * 2, '0'), 'hex');
  if (bytes.length !== shareBytes || bytes[0] !== version || (bits & 7n) !== 0n) throw damaged;
  const head = bytes.subarray(0, headBytes);
  const part = bytes.subarray(headBytes, -checkBytes);
  if (!timingSafeEqual(checkOf(head, part), bytes.subarray(-checkBytes))) throw damaged;
  return { set: bytes.subarray(1, 5), index: head[5] ?? 0, threshold: head[6] ?? 0, part };
}

function checkOf(head: Uint8Array, part: Uint8Array): Buffer {
  const hash = createHash('sha256').update('twinlock share').update(head).update(part);
  return hash.digest().subarray(0, checkBytes);
}
