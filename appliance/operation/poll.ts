import { Operation } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import { byteString, required, structure } from '../ttlv/structure.ts';
import { defineReading } from './operation.ts';

/** What names an operation that is to be answered later. */
export const laterRequest = structure({
  correlation: required(Tag.AsynchronousCorrelationValue, byteString),
});

/**
 * Poll (KMIP 1.4 §4.28): asks for the answer to an operation that was to be answered later. What
 * comes back is that operation's own answer, so the dispatcher gives it; here is what is asked.
 */
export const poll = defineReading({
  operation: Operation.Poll,
  since: 100,
  policy: { target: 'server' },
  request: laterRequest,
  response: structure({}),
  prepare:
    ({ correlation }, context) =>
    () => {
      context.pending.poll(correlation);
      return {};
    },
});
