import { decryption } from '../cryptography/cipher.ts';
import type { Decryption } from '../cryptography/cipher.ts';
import { gathering } from '../cryptography/gathering.ts';
import { rsaDecrypt } from '../cryptography/rsa.ts';
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
  response: structure({ ...keyNamed, data: optional(Tag.Data, byteString), ...streamNamed }),
  prepare: (asked, context) =>
    passThroughKey(
      asked,
      {
        use: 'Decrypt',
        begin: (object) => beginning(object, asked, context),
        beforeEnd: (transformation) => {
          if (asked.tag !== undefined) transformation.setTag(asked.tag);
        },
        answer: ({ data }) => ({ data }),
      },
      context,
    ),
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
