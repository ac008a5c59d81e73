import { mac as macOf } from '../cryptography/mac.ts';
import type { Transformation } from '../cryptography/parameters.ts';
import { cryptographicParameters } from '../kmip/attribute-structure.ts';
import { ObjectType, Operation } from '../kmip/enumeration.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { byteString, optional, required, structure } from '../ttlv/structure.ts';
import { openKey, parametersFor, requireUse, spendUse, wrongType } from './key-use.ts';
import { defineReading } from './operation.ts';
import { pass, streamFields, streamObject } from './stream.ts';

/** MAC (KMIP 1.4 §4.33): a message authentication code over data, whole or in pieces. */
export const mac = defineReading({
  operation: Operation.MAC,
  since: 102,
  policy: { target: 'object', right: 'use' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    cryptographicParameters: optional(Tag.CryptographicParameters, cryptographicParameters),
    data: optional(Tag.Data, byteString),
    ...streamFields,
  }),
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
    macData: optional(Tag.MACData, byteString),
    correlationValue: optional(Tag.CorrelationValue, byteString, { since: 103 }),
  }),
  prepare: (asked, context) => (view) => {
    const named = asked.uniqueIdentifier ?? streamObject(asked, 'mac', context);
    const object = context.target(view, named);
    const { uniqueIdentifier } = object;
    requireUse(object, 'MACGenerate', context);
    const { SymmetricKey, SecretData } = ObjectType;
    if (![SymmetricKey, SecretData].some((type) => type === object.objectType)) {
      throw wrongType();
    }
    context.place(uniqueIdentifier);
    return (async () => {
      const data = asked.data ?? Buffer.alloc(0);
      await spendUse(object, data.length, asked.correlationValue === undefined ? 1 : 0, context);
      const begin = async (): Promise<Transformation> => {
        const parameters = parametersFor(object, asked.cryptographicParameters, context);
        using key = await openKey(object, context);
        return macOf({ algorithm: key.algorithm, key: key.bytes(), parameters });
      };
      const what = { operation: 'mac', object: uniqueIdentifier };
      const passed = await pass(asked, data, what, begin, () => undefined, context);
      const { correlationValue } = passed;
      return {
        uniqueIdentifier,
        ...(passed.ended ? { macData: passed.data } : {}),
        ...(correlationValue === undefined ? {} : { correlationValue }),
      };
    })();
  },
});
