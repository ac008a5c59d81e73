import { decryption } from '../cryptography/cipher.ts';
import type { Decryption } from '../cryptography/cipher.ts';
import { gathering } from '../cryptography/gathering.ts';
import { rsaDecrypt } from '../cryptography/rsa.ts';
import { cryptographicParameters } from '../kmip/attribute-structure.ts';
import { ObjectType, Operation } from '../kmip/enumeration.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { byteString, optional, required, structure } from '../ttlv/structure.ts';
import type { Decoded } from '../ttlv/structure.ts';
import { cipherKey } from './cipher-key.ts';
import { openKey, parametersFor, requireUse, wrongType } from './key-use.ts';
import { defineReading } from './operation.ts';
import type { Context } from './operation.ts';
import { pass, streamFields, streamObject } from './stream.ts';

const request = structure({
  uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
  cryptographicParameters: optional(Tag.CryptographicParameters, cryptographicParameters),
  data: optional(Tag.Data, byteString),
  ivCounterNonce: optional(Tag.IVCounterNonce, byteString),
  ...streamFields,
  additionalData: optional(Tag.AuthenticatedEncryptionAdditionalData, byteString, { since: 104 }),
  tag: optional(Tag.AuthenticatedEncryptionTag, byteString, { since: 104 }),
});

/**
 * Decrypt (KMIP 1.4 §4.30): with a symmetric or a private key. What an AEAD protects is given out
 * at the end alone, once its tag is found right; before 1.4 the tag is the end of the data.
 */
export const decrypt = defineReading({
  operation: Operation.Decrypt,
  since: 102,
  policy: { target: 'object', right: 'use' },
  request,
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
    data: optional(Tag.Data, byteString),
    correlationValue: optional(Tag.CorrelationValue, byteString, { since: 103 }),
  }),
  prepare: (asked, context) => (view) => {
    const named = asked.uniqueIdentifier ?? streamObject(asked, 'decrypt', context);
    const object = context.target(view, named);
    const { uniqueIdentifier } = object;
    requireUse(object, 'Decrypt', context);
    context.place(uniqueIdentifier);
    return (async () => {
      const what = { operation: 'decrypt', object: uniqueIdentifier };
      const data = asked.data ?? Buffer.alloc(0);
      const begin = (): Promise<Decryption> => beginning(object, asked, context);
      const beforeEnd = (transformation: Decryption): void => {
        if (asked.tag !== undefined) transformation.setTag(asked.tag);
      };
      const passed = await pass(asked, data, what, begin, beforeEnd, context);
      const { correlationValue } = passed;
      return {
        uniqueIdentifier,
        data: passed.data,
        ...(correlationValue === undefined ? {} : { correlationValue }),
      };
    })();
  },
});

async function beginning(
  object: ManagedObject,
  asked: Decoded<typeof request>,
  context: Context,
): Promise<Decryption> {
  const parameters = parametersFor(object, asked.cryptographicParameters, context);
  if (object.objectType === ObjectType.PrivateKey) {
    using opened = await openKey(object, context);
    const key = opened.asymmetric();
    const whole = gathering((data) => rsaDecrypt(key, parameters, data));
    return { ...whole, setTag: () => undefined };
  }
  if (object.objectType !== ObjectType.SymmetricKey) throw wrongType();
  using key = await cipherKey(object, parameters, context);
  return decryption({
    algorithm: key.algorithm,
    key: key.bytes,
    parameters,
    random: context.random,
    tagBehind: context.version < 104,
    ...(asked.ivCounterNonce === undefined ? {} : { iv: asked.ivCounterNonce }),
    ...(asked.additionalData === undefined ? {} : { additionalData: asked.additionalData }),
  });
}
