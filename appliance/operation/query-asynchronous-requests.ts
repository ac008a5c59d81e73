import { Operation, ProcessingStage } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import { byteString, dateTime, enumeration, optional } from '../ttlv/structure.ts';
import { repeated, required, structure } from '../ttlv/structure.ts';
import { defineReading } from './operation.ts';

/**
 * Query Asynchronous Requests (KMIP 2.1 §6.1.38): what the client asked to be answered later and
 * did not fetch yet; of these correlation values, or of these operations, where it names any.
 */
export const queryAsynchronousRequests = defineReading({
  operation: Operation.QueryAsynchronousRequests,
  since: 201,
  policy: { target: 'server' },
  request: structure({
    correlations: optional(
      Tag.AsynchronousCorrelationValues,
      structure({ each: repeated(Tag.AsynchronousCorrelationValue, byteString) }),
    ),
    operations: optional(
      Tag.Operations,
      structure({ each: repeated(Tag.Operation, enumeration(Operation)) }),
    ),
  }),
  response: structure({
    requests: repeated(
      Tag.AsynchronousRequest,
      structure({
        correlation: required(Tag.AsynchronousCorrelationValue, byteString),
        operation: required(Tag.Operation, enumeration(Operation)),
        submitted: required(Tag.SubmissionDate, dateTime),
        stage: required(Tag.ProcessingStage, enumeration(ProcessingStage)),
      }),
    ),
  }),
  prepare:
    ({ correlations, operations }, context) =>
    () => {
      const named = correlations?.each.map((value) => Buffer.from(value));
      const requests = context.pending
        .list()
        .filter(
          ({ correlation, operation }) =>
            (named === undefined || named.some((value) => value.equals(correlation))) &&
            (operations === undefined || operations.each.includes(operation)),
        );
      return { requests };
    },
});
