import { Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { integer, interval, longInteger, optional } from '../ttlv/structure.ts';
import { structure } from '../ttlv/structure.ts';
import { numberOf } from './new-object.ts';
import { leaseSeconds } from './object-attribute.ts';
import { defineReading, Denial } from './operation.ts';

const response = structure({
  uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
  usageLimitsCount: optional(Tag.UsageLimitsCount, longInteger),
  cryptographicUsageMask: optional(Tag.CryptographicUsageMask, integer),
  leaseTime: optional(Tag.LeaseTime, interval),
});

/**
 * Check (KMIP 1.4 §4.10): whether a use that the client has in mind is allowed; nothing is spent.
 * Where it is not, the answer is a failure with the values that stand against it.
 */
export const check = defineReading({
  operation: Operation.Check,
  since: 100,
  policy: { target: 'object', right: 'use' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    usageLimitsCount: optional(Tag.UsageLimitsCount, longInteger),
    cryptographicUsageMask: optional(Tag.CryptographicUsageMask, integer),
    leaseTime: optional(Tag.LeaseTime, interval),
  }),
  response,
  prepare: (request, context) => (view) => {
    const object = context.target(view, request.uniqueIdentifier);
    const { uniqueIdentifier } = object;
    context.place(uniqueIdentifier);
    const allowed = numberOf(object.attributes, 'Cryptographic Usage Mask') ?? 0;
    const { cryptographicUsageMask: mask, usageLimitsCount: count, leaseTime } = request;
    const left = leftOf(object);
    if (count !== undefined && left === undefined && !isProtecting(allowed)) {
      throw new KmipError(ResultReason.IllegalObjectType, 'The object protects nothing');
    }
    const short = count !== undefined && left !== undefined && count > left;
    const unfit = mask !== undefined && (mask & allowed) !== mask;
    const long = leaseTime !== undefined && leaseTime > leaseSeconds;
    if (!short && !unfit && !long) return { uniqueIdentifier };
    const against = {
      ...(short ? { usageLimitsCount: left } : {}),
      ...(unfit ? { cryptographicUsageMask: allowed } : {}),
      ...(long ? { leaseTime: leaseSeconds } : {}),
    };
    const { IncompatibleCryptographicUsageMask, UsageLimitExceeded, PermissionDenied } =
      ResultReason;
    const reason = unfit
      ? IncompatibleCryptographicUsageMask
      : short
        ? UsageLimitExceeded
        : PermissionDenied;
    throw new Denial(reason, 'The object may not be used so', (writer, version) => {
      response.write(writer, Tag.ResponsePayload, against, version);
    });
  },
});

/** Sign, Encrypt, Wrap Key or MAC Generate. */
function isProtecting(mask: number): boolean {
  return (mask & 0x95) !== 0;
}

/** What is left of the Usage Limits; undefined where there are none. */
function leftOf(object: ManagedObject): bigint | undefined {
  const value = object.attributes.find(({ name }) => name === 'Usage Limits')?.value;
  const items = value?.type === 'Structure' ? value.value : [];
  const count = items.find(({ tag }) => tag === Tag.UsageLimitsCount);
  return count?.type === 'LongInteger' ? count.value : undefined;
}
