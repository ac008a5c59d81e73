import { Operation } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import { byteString, integer, required, structure } from '../ttlv/structure.ts';
import { defineReading } from './operation.ts';

/**
 * RNG Seed (KMIP 1.4 §4.36): the answer says how many bytes were used, and the server may use none.
 * It never does: the generator is the system's, and a client has no hand in other clients' keys.
 */
export const rngSeed = defineReading({
  operation: Operation.RNGSeed,
  since: 102,
  policy: { target: 'server' },
  request: structure({ data: required(Tag.Data, byteString) }),
  response: structure({ dataLength: required(Tag.DataLength, integer) }),
  prepare: () => () => ({ dataLength: 0 }),
});
