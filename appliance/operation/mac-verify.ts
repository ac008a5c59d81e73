import { mac, sameMac } from '../cryptography/mac.ts';
import { cryptographicParameters } from '../kmip/attribute-structure.ts';
import { Operation, ResultReason, ValidityIndicator } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { byteString, enumeration, optional, required } from '../ttlv/structure.ts';
import { structure } from '../ttlv/structure.ts';
import { openKey, parametersFor, requireUse } from './key-use.ts';
import { defineReading } from './operation.ts';
import type { Verification } from './signature-verify.ts';
import { pass, streamFields, streamObject } from './stream.ts';

/** MAC Verify (KMIP 1.4 §4.34). */
export const macVerify = defineReading({
  operation: Operation.MACVerify,
  since: 102,
  policy: { target: 'object', right: 'use' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    cryptographicParameters: optional(Tag.CryptographicParameters, cryptographicParameters),
    data: optional(Tag.Data, byteString),
    macData: optional(Tag.MACData, byteString),
    ...streamFields,
  }),
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
    validityIndicator: optional(Tag.ValidityIndicator, enumeration(ValidityIndicator)),
    correlationValue: optional(Tag.CorrelationValue, byteString, { since: 103 }),
  }),
  prepare: (asked, context) => (view) => {
    const named = asked.uniqueIdentifier ?? streamObject(asked, 'mac verify', context);
    const object = context.target(view, named);
    const { uniqueIdentifier } = object;
    requireUse(object, 'MACVerify', context);
    context.place(uniqueIdentifier);
    return (async () => {
      const begin = async (): Promise<Verification> => {
        const parameters = parametersFor(object, asked.cryptographicParameters, context);
        using key = await openKey(object, context);
        return verifying(mac({ algorithm: key.algorithm, key: key.bytes(), parameters }));
      };
      const beforeEnd = (begun: Verification): void => {
        if (asked.macData === undefined) {
          throw new KmipError(ResultReason.InvalidMessage, 'MAC Data is required');
        }
        begun.given(asked.macData);
      };
      const what = { operation: 'mac verify', object: uniqueIdentifier };
      const data = asked.data ?? Buffer.alloc(0);
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

function verifying(code: ReturnType<typeof mac>): Verification {
  let value: Uint8Array = Buffer.alloc(0);
  return {
    given(bytes) {
      value = Buffer.from(bytes);
    },
    update: (data) => code.update(data),
    final: () => Buffer.from([sameMac(code.final(), value) ? 1 : 0]),
  };
}
