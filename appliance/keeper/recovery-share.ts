import { combine, split } from 'shamir-secret-sharing';
import { KeeperError } from '../keeper-client/keeper.ts';
import { readShare, shareText } from '../keeper-client/share.ts';
import type { RecoveryShare } from '../keeper-client/share.ts';

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
 * The secret from enough shares of one set, each in words or in letters and digits. Throws
 * KeeperError `share-word` and `share-damaged` for one that was not copied right, `share-foreign`
 * for one of another set, `share-twice` where the same one makes up for another,
 * `shares-too-few`, `share-wrong` where two shares cannot both be of this set.
 */
export async function joinSecret(texts: readonly string[], set: Buffer): Promise<Buffer> {
  const shares = new Map<number, RecoveryShare>();
  let twice: number | undefined;
  for (const [i, text] of texts.entries()) {
    const share = readGiven(text, i + 1);
    if (!share.set.equals(set)) {
      throw new KeeperError('share-foreign', `share ${share.index} is of another set`);
    }
    const same = shares.get(share.index);
    if (same !== undefined && !same.part.equals(share.part)) {
      throw new KeeperError('share-wrong', `there are two different shares ${share.index}`);
    }
    if (same !== undefined) twice = share.index;
    shares.set(share.index, share);
  }
  requireEnough(shares, twice);
  return Buffer.from(await combine([...shares.values()].map(({ part }) => new Uint8Array(part))));
}

/** What is wrong with a share is said of the first, second, … one that was given. */
function readGiven(text: string, place: number): RecoveryShare {
  try {
    return readShare(text);
  } catch (error) {
    if (!(error instanceof KeeperError)) throw error;
    throw new KeeperError(error.code, `share given as number ${place}: ${error.message}`);
  }
}

function requireEnough(shares: ReadonlyMap<number, RecoveryShare>, twice?: number): void {
  const [first] = shares.values();
  if (first === undefined) throw new KeeperError('shares-too-few', 'no share was given');
  const { threshold } = first;
  if (shares.size >= threshold) return;
  if (twice !== undefined) {
    const text = `share ${twice} was given twice: ${threshold} different ones are needed`;
    throw new KeeperError('share-twice', text);
  }
  const text = `these shares are too few: ${threshold} are needed, ${shares.size} were given`;
  throw new KeeperError('shares-too-few', text);
}
