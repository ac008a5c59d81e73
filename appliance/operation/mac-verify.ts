import { mac, sameMac } from '../cryptography/mac.ts';
import { Operation } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import { byteString, optional, structure } from '../ttlv/structure.ts';
import { openKey, parametersFor } from './key-use.ts';
import { compared, keyedFields, passThroughKey, verdict, verdictFields } from './keyed-pass.ts';
import type { Verification } from './keyed-pass.ts';
import { defineReading } from './operation.ts';

/** MAC Verify (KMIP 1.4 §4.34). */
export const macVerify = defineReading({
  operation: Operation.MACVerify,
  since: 102,
  policy: { target: 'object', right: 'use' },
  request: structure({ ...keyedFields, macData: optional(Tag.MACData, byteString) }),
  response: structure(verdictFields),
  prepare: (asked, context) =>
    passThroughKey(
      asked,
      {
        use: 'MACVerify',
        async begin(object) {
          const parameters = parametersFor(object, asked.cryptographicParameters, context);
          using key = await openKey(object, context);
          return verifying(mac({ algorithm: key.algorithm, key: key.bytes(), parameters }));
        },
        beforeEnd: compared(asked.macData, 'MAC Data'),
        answer: verdict,
      },
      context,
    ),
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
