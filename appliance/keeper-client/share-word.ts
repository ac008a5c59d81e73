import { wordlist } from '@scure/bip39/wordlists/english.js';

/** 2048 words, so that one word is 11 bits; no two begin with the same four letters. */
const wordBits = 11;
const byBeginning = new Map(wordlist.map((word, index) => [word.slice(0, 4), index]));

/** Words for bytes, first bits first. The number of bits must be a multiple of 11. */
export function wordsOf(bytes: Uint8Array): string[] {
  const count = (bytes.length * 8) / wordBits;
  if (!Number.isInteger(count)) throw new RangeError('not a whole number of words');
  return Array.from({ length: count }, (_, i) => wordlist[bitsAt(bytes, i)] ?? '');
}

/** The bytes of words that are all of the list, as `indexOfWord` finds them. */
export function bytesOfWords(indices: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafeSlow((indices.length * wordBits) >> 3).fill(0);
  for (const [i, index] of indices.entries()) putWord(bytes, i, index);
  return bytes;
}

/** A word's place in the list, by its first four letters; undefined where it is not there. */
export function indexOfWord(typed: string): number | undefined {
  return byBeginning.get(typed.toLowerCase().slice(0, 4));
}

/** Puts the word at `position` into bytes that have room for it. */
export function putWord(bytes: Uint8Array, position: number, index: number): void {
  for (let bit = 0; bit < wordBits; bit++) {
    const at = position * wordBits + bit;
    const mask = 0x80 >> (at & 7);
    const set = (index >> (wordBits - 1 - bit)) & 1;
    bytes[at >> 3] = set === 1 ? (bytes[at >> 3] ?? 0) | mask : (bytes[at >> 3] ?? 0) & ~mask;
  }
}

/** How many words there are to try at one place. */
export const wordCount = wordlist.length;

function bitsAt(bytes: Uint8Array, position: number): number {
  let value = 0;
  for (let bit = 0; bit < wordBits; bit++) {
    const at = position * wordBits + bit;
    value = (value << 1) | (((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1);
  }
  return value;
}
