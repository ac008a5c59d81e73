import { CancellationResult, Operation } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import { byteString, enumeration, required, structure } from '../ttlv/structure.ts';
import { defineReading } from './operation.ts';
import { laterRequest } from './poll.ts';

/** Cancel (KMIP 1.4 §4.27) of an operation that is to be answered later. */
export const cancel = defineReading({
  operation: Operation.Cancel,
  since: 100,
  policy: { target: 'server' },
  request: laterRequest,
  response: structure({
    correlation: required(Tag.AsynchronousCorrelationValue, byteString),
    result: required(Tag.CancellationResult, enumeration(CancellationResult)),
  }),
  prepare:
    ({ correlation }, context) =>
    () => ({ correlation, result: context.pending.cancel(correlation) }),
});
