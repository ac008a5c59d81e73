import { Operation } from '../kmip/enumeration.ts';
import { structure } from '../ttlv/structure.ts';
import { defineReading } from './operation.ts';
import { laterRequest } from './poll.ts';

/**
 * Process (KMIP 2.1 §6.1.39): answered once an operation that was to be answered later is done, so
 * that the next Poll gives its answer.
 */
export const process = defineReading({
  operation: Operation.Process,
  since: 201,
  policy: { target: 'server' },
  request: laterRequest,
  response: structure({}),
  prepare:
    ({ correlation }, context) =>
    async () => {
      await context.pending.finish(correlation);
      return {};
    },
});
