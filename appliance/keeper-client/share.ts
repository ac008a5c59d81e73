import { createHash, timingSafeEqual } from 'node:crypto';
import { KeeperError } from './keeper.ts';
import { bytesOfWords, indexOfWord, putWord, wordCount, wordsOf } from './share-word.ts';

/**
 * How a share is written down. Its 44 bytes (version, set, index, threshold, part, check) are 32
 * words of 11 bits each, or 71 letters and digits, which is what its QR code holds.
 */
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
const headBytes = 1 + 4 + 1 + 1;
const partBytes = 33;
const checkBytes = 4;
const shareBytes = headBytes + partBytes + checkBytes;
const shareWordCount = (shareBytes * 8) / 11;
/** Base 32 as Crockford wrote it: no I, L, O, U; what is read as one of them is taken for it. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 44 bytes are 352 bits; with three more they are 71 characters. */
const textCharacters = 71;
const textGroups = 12;

/** 71 letters and digits in groups of six. */
export function shareText(share: RecoveryShare): string {
  let bits = BigInt(`0x${bytesOf(share).toString('hex')}`) << 3n;
  let text = '';
  for (let i = 0; i < textCharacters; i++) {
    text = (alphabet[Number(bits & 31n)] ?? '') + text;
    bits >>= 5n;
  }
  return text.replace(/(.{6})(?=.)/g, '$1-');
}

/** 32 words of BIP-39's English list. */
export function shareWords(share: RecoveryShare): string[] {
  return wordsOf(bytesOf(share));
}

/**
 * A share as a person typed it: words in any case, of which the first four letters count, numbered
 * or not; or the letters and digits. Throws KeeperError `share-word` for what is no word of the
 * list or too few or many of them, and `share-damaged`.
 */
export function readShare(text: string): RecoveryShare {
  const words = typedWords(text);
  const bytes = words === undefined ? bytesOfText(text) : bytesOfWords(indicesOf(words));
  const share = shareOf(bytes);
  if (share === undefined) throw new KeeperError('share-damaged', 'a share was not copied right');
  return share;
}

/**
 * Which words of a damaged share are wrong, counted from 1: the one whose exchange mends it, or
 * the two that changed places. Empty where it is more than that. Tries 65,000 exchanges: it is for
 * the program in front of the person, not for the keeper.
 */
export function wrongWords(text: string): readonly number[] {
  const words = typedWords(text);
  if (words === undefined) return [];
  const indices = indicesOf(words);
  const bytes = bytesOfWords(indices);
  const found: (readonly number[])[] = [];
  for (const [i, mine] of indices.entries()) {
    for (let index = 0; index < wordCount; index++) {
      if (mends(bytes, [[i, index]])) found.push([i + 1]);
    }
    putWord(bytes, i, mine);
    for (const [j, other] of indices.entries()) {
      if (j <= i || mine === other) continue;
      const swapped = [
        [i, other],
        [j, mine],
      ] as const;
      if (mends(bytes, swapped)) found.push([i + 1, j + 1]);
      putWord(bytes, i, mine);
      putWord(bytes, j, other);
    }
  }
  bytes.fill(0);
  return found.length === 1 ? (found[0] ?? []) : [];
}

function mends(bytes: Buffer, exchanges: readonly (readonly [number, number])[]): boolean {
  for (const [position, index] of exchanges) putWord(bytes, position, index);
  return shareOf(bytes) !== undefined;
}

/** The words; undefined where it is the other writing. */
function typedWords(text: string): string[] | undefined {
  const tokens = text.trim().split(/\s+/);
  // The sheets number the words: "7 cradle", "7. cradle".
  const words = tokens.filter((token) => !/^\d{1,2}[.:)]?$/.test(token));
  const plain = words.length > 1 && words.every((word) => /^\p{L}+$/u.test(word));
  return words.length > textGroups || plain ? words : undefined;
}

function indicesOf(words: readonly string[]): number[] {
  const indices = words.map((word, i) => {
    const index = indexOfWord(word);
    if (index !== undefined) return index;
    throw new KeeperError('share-word', `word ${i + 1} is not one of the list`);
  });
  if (indices.length === shareWordCount) return indices;
  const text = `a share has ${shareWordCount} words, these are ${indices.length}`;
  throw new KeeperError('share-word', text);
}

function bytesOf({ set, index, threshold, part }: RecoveryShare): Buffer {
  const head = Buffer.from([version, ...set, index, threshold]);
  return Buffer.concat([head, part, checkOf(Buffer.concat([head, part]))]);
}

function shareOf(bytes: Buffer): RecoveryShare | undefined {
  if (bytes.length !== shareBytes || bytes[0] !== version) return undefined;
  const given = bytes.subarray(-checkBytes);
  if (!timingSafeEqual(checkOf(bytes.subarray(0, -checkBytes)), given)) return undefined;
  const part = bytes.subarray(headBytes, -checkBytes);
  return { set: bytes.subarray(1, 5), index: bytes[5] ?? 0, threshold: bytes[6] ?? 0, part };
}

function bytesOfText(text: string): Buffer {
  const damaged = new KeeperError('share-damaged', 'a share was not copied right');
  const plain = text.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
  if (plain.length !== textCharacters) throw damaged;
  let bits = 0n;
  for (const character of plain) {
    const value = alphabet.indexOf(character);
    if (value < 0) throw damaged;
    bits = (bits << 5n) | BigInt(value);
  }
  if ((bits & 7n) !== 0n) throw damaged;
  return Buffer.from((bits >> 3n).toString(16).padStart(shareBytes * 2, '0'), 'hex');
}

function checkOf(bytes: Uint8Array): Buffer {
  const hash = createHash('sha256').update('twinlock share').update(bytes);
  return hash.digest().subarray(0, checkBytes);
}
