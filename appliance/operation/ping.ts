import { Operation } from '../kmip/enumeration.ts';
import { structure } from '../ttlv/structure.ts';
import { defineReading } from './operation.ts';

/** Ping (KMIP 2.1 §6.1.34): the server is there, and the keystore can be read. */
export const ping = defineReading({
  operation: Operation.Ping,
  since: 201,
  policy: { target: 'server' },
  request: structure({}),
  response: structure({}),
  prepare: () => () => ({}),
});
