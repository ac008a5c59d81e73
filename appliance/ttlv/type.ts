import type { Value } from './item.ts';

/** The type byte of an item (KMIP 1.4 §9.1.1.2, KMIP 2.1 §9.1). */
export const typeByte = {
  Structure: 0x01,
  Integer: 0x02,
  LongInteger: 0x03,
  BigInteger: 0x04,
  Enumeration: 0x05,
  Boolean: 0x06,
  TextString: 0x07,
  ByteString: 0x08,
  DateTime: 0x09,
  Interval: 0x0a,
  DateTimeExtended: 0x0b, // 2.0
} as const satisfies Record<Value['type'], number>;
