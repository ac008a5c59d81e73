import { decodeHead } from './record.ts';
import type { ChainPlace } from './unsound.ts';

/** A stored record beside what the newest head of its epoch says. */
export interface InspectedRow extends ChainPlace {
  readonly node: string;
  readonly lamport: number;
  readonly object: string;
  readonly kind: string;
  readonly body: Buffer;
  readonly hash: Buffer;
  readonly signature: Buffer;
  readonly newest: number | null;
  readonly newestHash: Buffer | null;
}

export interface Inspected {
  readonly broken: readonly ChainPlace[];
  /** What the sound ones among them speak of, where they make something. */
  readonly made: readonly string[];
  /** Epochs whose newest head is not what their records say, although these are whole. */
  readonly headless: readonly string[];
  readonly last: ChainPlace;
  readonly ended: boolean;
}

/** So many places of one gap at most: what follows is found the next day. */
const gapMost = 10_000;
const making = ['object-created', 'client-enrolled'];

/**
 * Goes along chains: each record has to follow the one before it, up to the newest head. `rows`:
 * one more than is looked at, where there is one.
 */
export function inspectChain(
  rows: readonly InspectedRow[],
  before: ChainPlace & { readonly hash: string },
  isWhole: (row: InspectedRow) => boolean,
  limit: number,
): Inspected {
  const broken: ChainPlace[] = [];
  const made: string[] = [];
  const headless: string[] = [];
  let { epoch, seq, hash } = before;
  let sound = true;
  for (const [i, row] of rows.slice(0, limit).entries()) {
    if (row.epoch !== epoch) [epoch, seq, hash, sound] = [row.epoch, 0, '', true];
    broken.push(...gap(epoch, seq, row.seq));
    const whole = isWhole(row);
    // What was before it is known only where that is sound; its own word on it is signed.
    const known = sound && row.seq === seq + 1;
    if (!whole) broken.push({ epoch, seq: row.seq });
    else if (known && decodeHead(row.body)?.prevHash !== hash) {
      broken.push({ epoch, seq: Math.max(1, seq) });
    }
    if (whole && making.includes(row.kind)) made.push(row.object);
    [seq, hash, sound] = [row.seq, row.hash.toString('hex'), whole];
    if (rows[i + 1]?.epoch === epoch) continue;
    if (row.newest !== null && row.newest > seq) broken.push(...gap(epoch, seq, row.newest + 1));
    else if (whole && (row.newest !== seq || row.newestHash?.equals(row.hash) !== true)) {
      headless.push(epoch);
    }
  }
  return { broken, made, headless, last: { epoch, seq }, ended: rows.length <= limit };
}

export function gap(epoch: string, from: number, to: number): ChainPlace[] {
  const length = Math.min(gapMost, Math.max(0, to - from - 1));
  return Array.from({ length }, (_, i) => ({ epoch, seq: from + 1 + i }));
}
