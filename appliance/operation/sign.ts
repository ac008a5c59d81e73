import { gathering } from '../cryptography/gathering.ts';
import type { Transformation } from '../cryptography/parameters.ts';
import { signature } from '../cryptography/signature.ts';
import { cryptographicParameters } from '../kmip/attribute-structure.ts';
import { ObjectType, Operation } from '../kmip/enumeration.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { byteString, optional, required, structure } from '../ttlv/structure.ts';
import { openKey, parametersFor, requireUse, spendUse, wrongType } from './key-use.ts';
import { defineReading } from './operation.ts';
import { pass, streamFields, streamObject } from './stream.ts';

/** Sign (KMIP 1.4 §4.31): data, or a digest that the client made, with a private key. */
export const sign = defineReading({
  operation: Operation.Sign,
  since: 102,
  policy: { target: 'object', right: 'use' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    cryptographicParameters: optional(Tag.CryptographicParameters, cryptographicParameters),
    data: optional(Tag.Data, byteString),
    digestedData: optional(Tag.DigestedData, byteString, { since: 104 }),
    ...streamFields,
  }),
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
    signatureData: optional(Tag.SignatureData, byteString),
    correlationValue: optional(Tag.CorrelationValue, byteString, { since: 103 }),
  }),
  prepare: (asked, context) => (view) => {
    const named = asked.uniqueIdentifier ?? streamObject(asked, 'sign', context);
    const object = context.target(view, named);
    const { uniqueIdentifier } = object;
    requireUse(object, 'Sign', context);
    if (object.objectType !== ObjectType.PrivateKey) throw wrongType();
    context.place(uniqueIdentifier);
    return (async () => {
      const digest = asked.digestedData;
      const data = digest ?? asked.data ?? Buffer.alloc(0);
      await spendUse(object, data.length, asked.correlationValue === undefined ? 1 : 0, context);
      const begin = async (): Promise<Transformation> => {
        const parameters = parametersFor(object, asked.cryptographicParameters, context);
        using opened = await openKey(object, context);
        const key = opened.asymmetric();
        return gathering((whole) =>
          signature(key, parameters, digest === undefined ? { data: whole } : { digest: whole }),
        );
      };
      const what = { operation: 'sign', object: uniqueIdentifier };
      const passed = await pass(asked, data, what, begin, () => undefined, context);
      const { correlationValue } = passed;
      return {
        uniqueIdentifier,
        ...(passed.ended ? { signatureData: passed.data } : {}),
        ...(correlationValue === undefined ? {} : { correlationValue }),
      };
    })();
  },
});
