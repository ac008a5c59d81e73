import { Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { Tag } from '../kmip/tag.ts';
import { required, structure, textString } from '../ttlv/structure.ts';
import { defineReading } from './operation.ts';

const lettersMost = 1024;

/** Log (KMIP 2.0 §6.1.28): a client's own words, into the audit trail beside what it does. */
export const log = defineReading({
  operation: Operation.Log,
  since: 200,
  policy: { target: 'server' },
  request: structure({ logMessage: required(Tag.LogMessage, textString) }),
  response: structure({}),
  prepare:
    ({ logMessage }, context) =>
    () => {
      if (logMessage.length > lettersMost) {
        throw new KmipError(ResultReason.InvalidField, 'The message is too long');
      }
      const actor = `client:${context.client.name}`;
      const act = 'client log';
      context.keystore.note({ request: '', actor, act, outcome: 'success', reason: logMessage });
      return {};
    },
});
