import { usageLimits } from '../kmip/attribute-structure.ts';
import { Operation, ResultReason, UsageLimitsUnit } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { Item } from '../ttlv/item.ts';
import { anyItem, enumeration, integer, optional, repeated } from '../ttlv/structure.ts';
import { structure, textString } from '../ttlv/structure.ts';
import type { Decoded } from '../ttlv/structure.ts';

/** A right of a ticket: what is left out is not restricted (KMIP 2.1 §7.34). */
const right = structure({
  usageLimits: optional(Tag.UsageLimits, usageLimits),
  operations: optional(
    Tag.Operations,
    structure({ each: repeated(Tag.Operation, enumeration(Operation)) }),
  ),
  objects: optional(Tag.Objects, structure({ each: repeated(Tag.UniqueIdentifier, identifier) })),
  objectGroups: optional(
    Tag.ObjectGroups,
    structure({ each: repeated(Tag.ObjectGroup, textString) }),
  ),
});

export const rights = structure({ each: repeated(Tag.Right, right) });

/** The terms of a ticket as Login and Delegated Login ask for them (KMIP 2.1 §6.1.12, §6.1.30). */
export const termFields = {
  leaseTime: optional(Tag.LeaseTime, anyItem),
  requestCount: optional(Tag.RequestCount, integer),
  usageLimits: optional(Tag.UsageLimits, usageLimits),
} as const;

/** What one ticket lets its bearer do, at most; counts go down as it is used. */
export interface Terms {
  /** Seconds since 1970. */
  readonly expires: number;
  /** Requests that it may still be in. */
  readonly requests: number;
  /** Operations that may still be performed under it. */
  readonly operations: bigint;
  /** What may be done; undefined for all that the bearer's certificate allows. */
  readonly rights?: readonly RightTerms[];
}

export interface RightTerms {
  readonly operations?: readonly Operation[];
  readonly objects?: readonly string[];
  readonly objectGroups?: readonly string[];
  readonly uses: bigint;
}

/** The longest that a ticket is good for, in seconds. */
export const ticketSeconds = 86_400;

const unlimited = 1n << 62n;

interface Asked {
  readonly leaseTime?: Item;
  readonly requestCount?: number;
  readonly usageLimits?: Decoded<typeof usageLimits>;
}

/** Throws KmipError Invalid Field for terms that nothing could be done under. */
export function termsOf(
  { leaseTime, requestCount = Infinity, usageLimits: limits }: Asked,
  asked: Decoded<typeof rights> | undefined,
  now: number,
): Terms {
  const expires = Math.min(
    leaseTime === undefined ? Infinity : endOf(leaseTime, now),
    now + ticketSeconds,
  );
  if (expires <= now || requestCount <= 0) {
    throw new KmipError(ResultReason.InvalidField, 'The ticket would be good for nothing');
  }
  return {
    expires,
    requests: requestCount,
    operations: usesOf(limits),
    ...(asked === undefined ? {} : { rights: asked.each.map(rightTerms) }),
  };
}

function endOf(leaseTime: Item, now: number): number {
  if (leaseTime.type === 'Interval') return now + leaseTime.value;
  if (leaseTime.type === 'DateTime') return Number(leaseTime.value);
  throw new KmipError(ResultReason.InvalidField, 'Lease Time is an interval or a date');
}

/** A limit counts operations: an operation has no number of bytes. */
function usesOf(limits: Asked['usageLimits']): bigint {
  if (limits === undefined) return unlimited;
  if (limits.unit !== UsageLimitsUnit.Object) {
    throw new KmipError(ResultReason.FeatureNotSupported, 'A ticket’s limits count operations');
  }
  return limits.count ?? limits.total;
}

function rightTerms({
  usageLimits: limits,
  operations,
  objects,
  objectGroups,
}: Decoded<typeof right>): RightTerms {
  return {
    uses: usesOf(limits),
    ...(operations === undefined ? {} : { operations: operations.each }),
    ...(objects === undefined ? {} : { objects: objects.each }),
    ...(objectGroups === undefined ? {} : { objectGroups: objectGroups.each }),
  };
}
