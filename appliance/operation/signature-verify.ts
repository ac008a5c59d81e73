import { X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { gathering } from '../cryptography/gathering.ts';
import type { Transformation } from '../cryptography/parameters.ts';
import { isSignature } from '../cryptography/signature.ts';
import { cryptographicParameters } from '../kmip/attribute-structure.ts';
import { ObjectType, Operation, ResultReason, ValidityIndicator } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { byteString, enumeration, optional, required } from '../ttlv/structure.ts';
import { structure } from '../ttlv/structure.ts';
import { certificateBytes } from './certificate.ts';
import { openKey, parametersFor, requireUse, wrongType } from './key-use.ts';
import { defineReading } from './operation.ts';
import type { Context } from './operation.ts';
import { pass, streamFields, streamObject } from './stream.ts';

/** Signature Verify (KMIP 1.4 §4.32): with a public key, or that of a certificate. */
export const signatureVerify = defineReading({
  operation: Operation.SignatureVerify,
  since: 102,
  policy: { target: 'object', right: 'use' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    cryptographicParameters: optional(Tag.CryptographicParameters, cryptographicParameters),
    data: optional(Tag.Data, byteString),
    digestedData: optional(Tag.DigestedData, byteString, { since: 104 }),
    signatureData: optional(Tag.SignatureData, byteString),
    ...streamFields,
  }),
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
    validityIndicator: optional(Tag.ValidityIndicator, enumeration(ValidityIndicator)),
    correlationValue: optional(Tag.CorrelationValue, byteString, { since: 103 }),
  }),
  prepare: (asked, context) => (view) => {
    const named = asked.uniqueIdentifier ?? streamObject(asked, 'verify', context);
    const object = context.target(view, named);
    const { uniqueIdentifier } = object;
    requireUse(object, 'Verify', context);
    context.place(uniqueIdentifier);
    return (async () => {
      const digest = asked.digestedData;
      const begin = async (): Promise<Verification> => {
        const key = await publicKey(object, context);
        const parameters = parametersFor(object, asked.cryptographicParameters, context);
        return verification((whole, given) => {
          const signed = digest === undefined ? { data: whole } : { digest: whole };
          return isSignature(key, parameters, signed, given);
        });
      };
      const beforeEnd = (begun: Verification): void => {
        if (asked.signatureData === undefined) {
          throw new KmipError(ResultReason.InvalidMessage, 'Signature Data is required');
        }
        begun.given(asked.signatureData);
      };
      const what = { operation: 'verify', object: uniqueIdentifier };
      const data = digest ?? asked.data ?? Buffer.alloc(0);
      const passed = await pass(asked, data, what, begin, beforeEnd, context);
      const { correlationValue, ended } = passed;
      const { Valid, Invalid } = ValidityIndicator;
      return {
        uniqueIdentifier,
        ...(ended ? { validityIndicator: passed.data[0] === 1 ? Valid : Invalid } : {}),
        ...(correlationValue === undefined ? {} : { correlationValue }),
      };
    })();
  },
});

/** Gives one byte at its end: 1 where what was given fits what was fed. */
export interface Verification extends Transformation {
  given(value: Uint8Array): void;
}

export function verification(isRight: (whole: Buffer, given: Uint8Array) => boolean): Verification {
  let value: Uint8Array = Buffer.alloc(0);
  return {
    given(bytes) {
      value = Buffer.from(bytes);
    },
    ...gathering((whole) => Buffer.from([isRight(whole, value) ? 1 : 0])),
  };
}

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
