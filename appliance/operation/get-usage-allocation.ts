import { Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { longInteger, optional, required, structure } from '../ttlv/structure.ts';
import { refuseExcess } from './key-use.ts';
import { defineChange } from './operation.ts';

/**
 * Get Usage Allocation (KMIP 1.4 §4.18): a client that protects data itself takes its part of the
 * object's Usage Limits, in their unit. What was given out is gone, used or not.
 */
export const getUsageAllocation = defineChange({
  operation: Operation.GetUsageAllocation,
  since: 100,
  policy: { target: 'object', right: 'use' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    usageLimitsCount: required(Tag.UsageLimitsCount, longInteger),
  }),
  response: structure({ uniqueIdentifier: required(Tag.UniqueIdentifier, identifier) }),
  prepare: (request, context) => (draft) => {
    const { uniqueIdentifier } = context.target(draft, request.uniqueIdentifier);
    context.place(uniqueIdentifier);
    if (request.usageLimitsCount <= 0n) {
      throw new KmipError(ResultReason.InvalidField, 'No such amount');
    }
    const spending = draft.spend(uniqueIdentifier, request.usageLimitsCount);
    if (spending === 'unlimited') {
      throw new KmipError(ResultReason.AttributeNotFound, 'The object has no Usage Limits');
    }
    refuseExcess(spending);
    return { uniqueIdentifier };
  },
});
