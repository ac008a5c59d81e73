import type { Heads } from '../keystore/record-log.ts';
import type { Replica } from '../keystore/replica.ts';
import type { Hello } from './message.ts';

/** Something about this node's past that it did not know. */
export interface Past {
  /** `rollback`: records were here and are not; `fork`: others stand elsewhere in their place. */
  readonly why: 'rollback' | 'fork';
  readonly epoch: string;
  /** The last place at which it was seen. */
  readonly seq: number;
}

/**
 * Compares heads when two nodes meet. A peer that remembers more of what this node had stored than
 * is here, or more of what this node itself wrote, shows that an old disk was put back. Another
 * hash at the same place shows that two lives were led from one point on, unless the record here is
 * damaged: then it is to be had from the peer.
 */
export function findPast(replica: Replica, hello: Pick<Hello, 'heads' | 'remembered'>): Past[] {
  const own = replica.heads();
  const found: Past[] = [];
  for (const [epoch, [seq, hash]] of Object.entries(hello.heads)) {
    const here = own[epoch];
    if (here === undefined) continue;
    if (seq <= here[0]) {
      const differs = replica.hashAt(epoch, seq) !== hash;
      if (differs && !replica.findsDamaged({ epoch, seq })) found.push({ why: 'fork', epoch, seq });
    } else if (replica.authorOf(epoch) === replica.node) {
      found.push({ why: 'rollback', epoch, seq: here[0] });
    }
  }
  for (const [epoch, [seq]] of Object.entries(hello.remembered)) {
    const here = own[epoch]?.[0] ?? 0;
    if (here < seq) found.push({ why: 'rollback', epoch, seq: here });
  }
  return found;
}

/** How many records a node lacks that stands at `heads`, of those up to `wanted`. */
export function missing(heads: Heads, wanted: Heads): number {
  return Object.entries(wanted).reduce(
    (sum, [epoch, [seq]]) => sum + Math.max(0, seq - (heads[epoch]?.[0] ?? 0)),
    0,
  );
}

/** Whether a node that stands at `heads` has all that `wanted` names. */
export function reaches(heads: Heads, wanted: Heads): boolean {
  return Object.entries(wanted).every(([epoch, [seq]]) => (heads[epoch]?.[0] ?? 0) >= seq);
}

/** What a node says that cannot prove its root key takes from what is known, and adds nothing. */
export function lower(heads: Heads, known: Heads): Heads {
  return Object.fromEntries(
    Object.entries(known).flatMap(([epoch, head]) => {
      const said = heads[epoch];
      if (said === undefined) return [];
      return [[epoch, said[0] < head[0] ? said : head] as const];
    }),
  );
}
