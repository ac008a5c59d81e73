import { Facts } from './fact.ts';
import type { RecordHead } from './record.ts';

/** How long destroyed objects' material is kept, as a fold of what administrators set. */
export interface Retention {
  readonly seconds: number;
  /** The records that a newer setting has to replace. */
  readonly heads: readonly string[];
}

/** Where nobody chose: 30 days. */
export const defaultRetention = 30 * 24 * 3600;
/** Nothing is purged sooner, whatever was set: somebody has to have a week to miss a key. */
export const shortestRetention = 7 * 24 * 3600;
/** Ten years: what is longer was mistyped. */
export const longestRetention = 3653 * 24 * 3600;

/** Of settings that nobody saw together the longer one holds: what is kept can still be purged. */
export function foldRetention(records: Iterable<RecordHead>): Retention {
  const settings = new Facts(records).of('retention-set');
  const replaced = new Set(settings.flatMap(({ payload }) => payload.replaces));
  const heads = settings.filter(({ id }) => !replaced.has(id));
  const seconds = heads.map(({ payload }) => payload.seconds);
  return {
    seconds: seconds.length === 0 ? defaultRetention : Math.max(...seconds),
    heads: heads.map(({ id }) => id),
  };
}
