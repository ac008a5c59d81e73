import { encryption } from '../cryptography/cipher.ts';
import type { Encryption } from '../cryptography/cipher.ts';
import { gathering } from '../cryptography/gathering.ts';
import { rsaEncrypt } from '../cryptography/rsa.ts';
import { ObjectType, Operation } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { byteString, optional, structure } from '../ttlv/structure.ts';
import type { Decoded } from '../ttlv/structure.ts';
import { cipherKey } from './cipher-key.ts';
import { openKey, parametersFor, wrongType } from './key-use.ts';
import { keyedFields, keyNamed, passThroughKey, streamNamed } from './keyed-pass.ts';
import { defineReading } from './operation.ts';
import type { Context } from './operation.ts';

const request = structure({
  ...keyedFields,
  ivCounterNonce: optional(Tag.IVCounterNonce, byteString),
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
    ...keyNamed,
    data: optional(Tag.Data, byteString),
    ivCounterNonce: optional(Tag.IVCounterNonce, byteString),
    ...streamNamed,
    tag: optional(Tag.AuthenticatedEncryptionTag, byteString, { since: 104 }),
  }),
  prepare: (asked, context) =>
    passThroughKey(
      asked,
      {
        use: 'Encrypt',
        spends: true,
        begin: (object) => beginning(object, asked, context),
        answer: ({ began, data, ended, transformation }) => {
          const tag = ended ? transformation.tag() : undefined;
          const behind = tag !== undefined && context.version < 104;
          return {
            data: behind ? Buffer.concat([data, tag]) : data,
            ...(began && transformation.iv !== undefined
              ? { ivCounterNonce: transformation.iv }
              : {}),
            ...(tag === undefined ? {} : { tag }),
          };
        },
      },
      context,
    ),
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
