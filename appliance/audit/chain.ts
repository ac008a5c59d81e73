import { hash } from 'node:crypto';

/**
 * The audit's hash chain: each entry's hash covers the one before, so that nothing can be changed,
 * cut out or put in between without every later hash telling.
 */
export const chainStart = Buffer.alloc(32);

/** SHA-256 of: the previous hash, sequence number, time in seconds, the entry as JSON text. */
export function chainHash(previous: Uint8Array, seq: number, time: number, entry: string): Buffer {
  const head = Buffer.alloc(16);
  head.writeBigUInt64BE(BigInt(seq), 0);
  head.writeBigInt64BE(BigInt(time), 8);
  return hash('sha256', Buffer.concat([previous, head, Buffer.from(entry)]), 'buffer');
}

export interface ChainedEntry {
  readonly seq: number;
  readonly time: number;
  readonly entry: string;
  readonly hash: Uint8Array;
}

/**
 * The first sequence number at which a chain breaks; undefined for a whole one. `previous`: the
 * hash before the first entry, `first`: the number that it has to have.
 */
export function firstBreak(
  entries: Iterable<ChainedEntry>,
  previous: Uint8Array = chainStart,
  first = 1,
): number | undefined {
  let last = previous;
  let expected = first;
  for (const { seq, time, entry, hash: found } of entries) {
    if (seq !== expected) return expected;
    if (!chainHash(last, seq, time, entry).equals(found)) return seq;
    last = found;
    expected = seq + 1;
  }
  return undefined;
}
