import { Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { Tag } from '../kmip/tag.ts';
import { byteString, integer, required, structure } from '../ttlv/structure.ts';
import { defineReading } from './operation.ts';

const bytesMost = 1024 * 1024;

/** RNG Retrieve (KMIP 1.4 §4.35): random bytes. */
export const rngRetrieve = defineReading({
  operation: Operation.RNGRetrieve,
  since: 102,
  policy: { target: 'server' },
  request: structure({ dataLength: required(Tag.DataLength, integer) }),
  response: structure({ data: required(Tag.Data, byteString) }),
  prepare:
    ({ dataLength }, context) =>
    () => {
      if (dataLength < 0 || dataLength > bytesMost) {
        throw new KmipError(ResultReason.InvalidField, 'No so many bytes are given at once');
      }
      return { data: context.random(dataLength) };
    },
});
