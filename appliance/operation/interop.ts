import { InteropFunction, Operation } from '../kmip/enumeration.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { enumeration, optional, required, structure } from '../ttlv/structure.ts';
import { defineReading } from './operation.ts';

/**
 * Interop (KMIP 2.0 §6.1.25): a test client says where its test begins and ends. Nothing depends on
 * it, and Reset takes nothing away: no word of a client destroys keys at large.
 */
export const interop = defineReading({
  operation: Operation.Interop,
  since: 200,
  policy: { target: 'server' },
  request: structure({
    interopFunction: required(Tag.InteropFunction, enumeration(InteropFunction)),
    interopIdentifier: optional(Tag.InteropIdentifier, identifier),
  }),
  response: structure({}),
  prepare: () => () => ({}),
});
