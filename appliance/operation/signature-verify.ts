import { X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isSignature } from '../cryptography/signature.ts';
import { ObjectType, Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { byteString, optional, structure } from '../ttlv/structure.ts';
import { certificateBytes } from './certificate.ts';
import { openKey, parametersFor, wrongType } from './key-use.ts';
import { compared, keyedFields, passThroughKey } from './keyed-pass.ts';
import { verdict, verdictFields, verification } from './keyed-pass.ts';
import { defineReading } from './operation.ts';
import type { Context } from './operation.ts';

/** Signature Verify (KMIP 1.4 §4.32): with a public key, or that of a certificate. */
export const signatureVerify = defineReading({
  operation: Operation.SignatureVerify,
  since: 102,
  policy: { target: 'object', right: 'use' },
  request: structure({
    ...keyedFields,
    digestedData: optional(Tag.DigestedData, byteString, { since: 104 }),
    signatureData: optional(Tag.SignatureData, byteString),
  }),
  response: structure(verdictFields),
  prepare: (asked, context) => {
    const digest = asked.digestedData;
    return passThroughKey(
      asked,
      {
        use: 'Verify',
        data: digest ?? asked.data,
        async begin(object) {
          const key = await publicKey(object, context);
          const parameters = parametersFor(object, asked.cryptographicParameters, context);
          return verification((whole, given) => {
            const signed = digest === undefined ? { data: whole } : { digest: whole };
            return isSignature(key, parameters, signed, given);
          });
        },
        beforeEnd: compared(asked.signatureData, 'Signature Data'),
        answer: verdict,
      },
      context,
    );
  },
});

async function publicKey(object: ManagedObject, context: Context): Promise<KeyObject> {
  const { Certificate, PublicKey } = ObjectType;
  if (object.objectType === Certificate) {
    const der = await certificateBytes(object, context);
    try {
      return new X509Certificate(der).publicKey;
    } catch (cause) {
      const message = 'The certificate has no key that can be used';
      throw new KmipError(ResultReason.CryptographicFailure, message, { cause });
    }
  }
  if (object.objectType !== PublicKey) throw wrongType();
  using opened = await openKey(object, context);
  return opened.asymmetric();
}
