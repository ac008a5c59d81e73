import { mac as macOf } from '../cryptography/mac.ts';
import { ObjectType, Operation } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import { byteString, optional, structure } from '../ttlv/structure.ts';
import { openKey, parametersFor } from './key-use.ts';
import { keyedFields, keyNamed, passThroughKey, streamNamed } from './keyed-pass.ts';
import { defineReading } from './operation.ts';

/** MAC (KMIP 1.4 §4.33): a message authentication code over data, whole or in pieces. */
export const mac = defineReading({
  operation: Operation.MAC,
  since: 102,
  policy: { target: 'object', right: 'use' },
  request: structure(keyedFields),
  response: structure({
    ...keyNamed,
    macData: optional(Tag.MACData, byteString),
    ...streamNamed,
  }),
  prepare: (asked, context) =>
    passThroughKey(
      asked,
      {
        use: 'MACGenerate',
        types: [ObjectType.SymmetricKey, ObjectType.SecretData],
        spends: true,
        async begin(object) {
          const parameters = parametersFor(object, asked.cryptographicParameters, context);
          using key = await openKey(object, context);
          return macOf({ algorithm: key.algorithm, key: key.bytes(), parameters });
        },
        answer: ({ ended, data }) => (ended ? { macData: data } : {}),
      },
      context,
    ),
});
