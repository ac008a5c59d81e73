import type { Heads } from './manifest.ts';

/** How far a long act with a backup has come, in records. */
export interface Work {
  readonly what: 'writing' | 'reading back' | 'reading' | 'taking in';
  readonly done: number;
  readonly of: number;
}

/** Told after each record: how many were done, and how many there are. */
export type Counted = (done: number, of: number) => void;

/** How many records there are up to these heads. */
export function recordsUpTo(heads: Heads): number {
  return Object.values(heads).reduce((sum, [seq]) => sum + seq, 0);
}
