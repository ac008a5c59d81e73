import { encryption } from '../cryptography/cipher.ts';
import type { Encryption } from '../cryptography/cipher.ts';
import { gathering } from '../cryptography/gathering.ts';
import { rsaEncrypt } from '../cryptography/rsa.ts';
import { cryptographicParameters } from '../kmip/attribute-structure.ts';
import { ObjectType, Operation } from '../kmip/enumeration.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { byteString, optional, required, structure } from '../ttlv/structure.ts';
import type { Decoded } from '../ttlv/structure.ts';
import { cipherKey } from './cipher-key.ts';
import { openKey, parametersFor, requireUse, spendUse, wrongType } from './key-use.ts';
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
});

/**
 * Encrypt (KMIP 1.4 §4.29): with a symmetric or a public key, whole or in pieces. An IV that the
 * server made, and the tag of an AEAD, come back beside the data; before 1.4, which has no field
 * for a tag, behind it.
 */
export const encrypt = defineReading({
  operation: Operation.Encrypt,
  since: 102,
  policy: { target: 'object', right: 'use' },
  request,
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
    data: optional(Tag.Data, byteString),
    ivCounterNonce: optional(Tag.IVCounterNonce, byteString),
    correlationValue: optional(Tag.CorrelationValue, byteString, { since: 103 }),
    tag: optional(Tag.AuthenticatedEncryptionTag, byteString, { since: 104 }),
  }),
  prepare: (asked, context) => (view) => {
    const named = asked.uniqueIdentifier ?? streamObject(asked, 'encrypt', context);
    const object = context.target(view, named);
    const { uniqueIdentifier } = object;
    requireUse(object, 'Encrypt', context);
    context.place(uniqueIdentifier);
    return (async () => {
      const data = asked.data ?? Buffer.alloc(0);
      const begins = asked.correlationValue === undefined;
      await spendUse(object, data.length, begins ? 1 : 0, context);
      const what = { operation: 'encrypt', object: uniqueIdentifier };
      const begin = (): Promise<Encryption> => beginning(object, asked, context);
      const passed = await pass(asked, data, what, begin, () => undefined, context);
      const { transformation, correlationValue } = passed;
      const tag = passed.ended ? transformation.tag() : undefined;
      const behind = tag !== undefined && context.version < 104;
      return {
        uniqueIdentifier,
        data: behind ? Buffer.concat([passed.data, tag]) : passed.data,
        ...(passed.began && transformation.iv !== undefined
          ? { ivCounterNonce: transformation.iv }
          : {}),
        ...(correlationValue === undefined ? {} : { correlationValue }),
        ...(tag === undefined ? {} : { tag }),
      };
    })();
  },
});

async function beginning(
  object: ManagedObject,
  asked: Decoded<typeof request>,
  context: Context,
): Promise<Encryption> {
  const parameters = parametersFor(object, asked.cryptographicParameters, context);
  const { random } = context;
  if (object.objectType === ObjectType.PublicKey) {
    using opened = await openKey(object, context);
    const key = opened.asymmetric();
    const whole = gathering((data) => rsaEncrypt(key, parameters, data, random));
    return { ...whole, tag: () => undefined };
  }
  if (object.objectType !== ObjectType.SymmetricKey) throw wrongType();
  using key = await cipherKey(object, parameters, context);
  return encryption({
    algorithm: key.algorithm,
    key: key.bytes,
    parameters,
    random,
    ...(asked.ivCounterNonce === undefined ? {} : { iv: asked.ivCounterNonce }),
    ...(asked.additionalData === undefined ? {} : { additionalData: asked.additionalData }),
  });
}
