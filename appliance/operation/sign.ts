import { gathering } from '../cryptography/gathering.ts';
import { signature } from '../cryptography/signature.ts';
import { ObjectType, Operation } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import { byteString, optional, structure } from '../ttlv/structure.ts';
import { openKey, parametersFor } from './key-use.ts';
import { keyedFields, keyNamed, passThroughKey, streamNamed } from './keyed-pass.ts';
import { defineReading } from './operation.ts';

/** Sign (KMIP 1.4 §4.31): data, or a digest that the client made, with a private key. */
export const sign = defineReading({
  operation: Operation.Sign,
  since: 102,
  policy: { target: 'object', right: 'use' },
  request: structure({
    ...keyedFields,
    digestedData: optional(Tag.DigestedData, byteString, { since: 104 }),
  }),
  response: structure({
    ...keyNamed,
    signatureData: optional(Tag.SignatureData, byteString),
    ...streamNamed,
  }),
  prepare: (asked, context) => {
    const digest = asked.digestedData;
    return passThroughKey(
      asked,
      {
        use: 'Sign',
        types: [ObjectType.PrivateKey],
        spends: true,
        data: digest ?? asked.data,
        async begin(object) {
          const parameters = parametersFor(object, asked.cryptographicParameters, context);
          using opened = await openKey(object, context);
          const key = opened.asymmetric();
          return gathering((whole) =>
            signature(key, parameters, digest === undefined ? { data: whole } : { digest: whole }),
          );
        },
        answer: ({ ended, data }) => (ended ? { signatureData: data } : {}),
      },
      context,
    );
  },
});
