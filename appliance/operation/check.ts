import { Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { integer, interval, longInteger, optional, required } from '../ttlv/structure.ts';
import { structure } from '../ttlv/structure.ts';
import { numberOf } from './new-object.ts';
import { defineReading } from './operation.ts';

/**
 * Check (KMIP 1.4 §4.10): whether a use that the client has in mind is allowed. What is not comes
 * back in the response with the value that stands against it.
 */
export const check = defineReading({
  operation: Operation.Check,
  since: 100,
  policy: { target: 'object', right: 'read' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    usageLimitsCount: optional(Tag.UsageLimitsCount, longInteger),
    cryptographicUsageMask: optional(Tag.CryptographicUsageMask, integer),
    leaseTime: optional(Tag.LeaseTime, interval),
  }),
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
    usageLimitsCount: optional(Tag.UsageLimitsCount, longInteger),
    cryptographicUsageMask: optional(Tag.CryptographicUsageMask, integer),
    leaseTime: optional(Tag.LeaseTime, interval),
  }),
  prepare: (request, context) => (view) => {
    const object = context.target(view, request.uniqueIdentifier);
    const { uniqueIdentifier } = object;
    context.place(uniqueIdentifier);
    const allowed = numberOf(object.attributes, 'Cryptographic Usage Mask') ?? 0;
    const wanted = request.cryptographicUsageMask;
    if (request.leaseTime !== undefined) {
      throw new KmipError(ResultReason.IllegalOperation, 'No leases are given out');
    }
    if (wanted === undefined || (wanted & allowed) === wanted) return { uniqueIdentifier };
    return { uniqueIdentifier, cryptographicUsageMask: allowed };
  },
});
