import { hashing } from '../cryptography/hash.ts';
import { badParameters, failed } from '../cryptography/parameters.ts';
import { cryptographicParameters } from '../kmip/attribute-structure.ts';
import { Operation } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import { byteString, optional, required, structure } from '../ttlv/structure.ts';
import { defineReading } from './operation.ts';
import { pass, streamFields } from './stream.ts';

/** Hash (KMIP 1.4 §4.37): no object is involved. */
export const hash = defineReading({
  operation: Operation.Hash,
  since: 102,
  policy: { target: 'server' },
  request: structure({
    cryptographicParameters: required(Tag.CryptographicParameters, cryptographicParameters),
    data: optional(Tag.Data, byteString),
    ...streamFields,
  }),
  response: structure({
    data: optional(Tag.Data, byteString),
    correlationValue: optional(Tag.CorrelationValue, byteString, { since: 103 }),
  }),
  prepare: (asked, context) => async () => {
    const { hashingAlgorithm } = asked.cryptographicParameters;
    if (hashingAlgorithm === undefined) throw badParameters('A hashing algorithm is required');
    const data = asked.data ?? Buffer.alloc(0);
    const begin = (): ReturnType<typeof hashing> => {
      try {
        return hashing(hashingAlgorithm);
      } catch (cause) {
        // The only reason that this operation has for it (KMIP 2.1 §6.1.23).
        throw failed(cause);
      }
    };
    const what = { operation: 'hash' };
    const passed = await pass(asked, data, what, begin, () => undefined, context);
    const { correlationValue } = passed;
    return {
      ...(passed.ended ? { data: passed.data } : {}),
      ...(correlationValue === undefined ? {} : { correlationValue }),
    };
  },
});
