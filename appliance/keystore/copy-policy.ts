import { inOrder } from './fold.ts';
import type { CopyPolicyName, Payloads } from './payload.ts';
import { recordId } from './record.ts';
import type { RecordHead } from './record.ts';

/** How many copies a new key needs before it is answered (DESIGN, "Two nodes"). */
export interface CopyPolicy {
  readonly policy: CopyPolicyName;
  /** How long `alone-for` goes on, in seconds. */
  readonly seconds: number;
  /** The records that a newer setting has to replace. */
  readonly heads: readonly string[];
}

/** What holds where nobody chose. */
export const defaultCopyPolicy: CopyPolicy = {
  policy: 'alone-for',
  seconds: 72 * 3600,
  heads: [],
};

const strictness: Readonly<Record<CopyPolicyName, number>> = {
  alone: 0,
  'alone-for': 1,
  refuse: 2,
};

/** Of settings that nobody saw together the stricter one holds. */
export function foldCopyPolicy(records: Iterable<RecordHead>): CopyPolicy {
  const settings = inOrder(records)
    .filter(({ kind }) => kind === 'copy-policy-set')
    .map((record) => ({
      id: recordId(record),
      ...(JSON.parse(record.payload) as Payloads['copy-policy-set']),
    }));
  const replaced = new Set(settings.flatMap(({ replaces }) => replaces));
  const heads = settings.filter(({ id }) => !replaced.has(id));
  const [strictest] = [...heads].sort(
    (a, b) => strictness[b.policy] - strictness[a.policy] || a.seconds - b.seconds,
  );
  if (strictest === undefined) return defaultCopyPolicy;
  const { policy, seconds } = strictest;
  return { policy, seconds, heads: heads.map(({ id }) => id) };
}
