/**
 * The little of DER (X.690) that the formats of keys are made of. Node reads and writes whole keys;
 * this takes their numbers apart, in buffers alone, since a secret must never become a string.
 */
export interface DerItem {
  readonly tag: number;
  readonly body: Buffer;
}

export const derTag = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  sequence: 0x30,
} as const;

export function derItem(tag: number, ...bodies: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(bodies);
  const { length } = body;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), body]);
  const size = length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;
  const head = Buffer.alloc(2 + size);
  head[0] = tag;
  head[1] = 0x80 | size;
  head.writeUIntBE(length, 2, size);
  return Buffer.concat([head, body]);
}

export const sequence = (...items: readonly Uint8Array[]): Buffer =>
  derItem(derTag.sequence, ...items);

/** A number that is not negative, from its bytes, most significant first. */
export function derInteger(value: Uint8Array): Buffer {
  const digits = trimmed(value);
  const sign = (digits[0] ?? 0) >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0);
  return derItem(derTag.integer, sign, digits.length === 0 ? Buffer.from([0]) : digits);
}

/** The bytes without zeros before them. */
export function trimmed(value: Uint8Array): Buffer {
  let start = 0;
  while (start < value.length && value[start] === 0) start++;
  return Buffer.from(value.buffer, value.byteOffset + start, value.length - start);
}

/** The items of a DER text, one after the other. Throws RangeError where it is cut off. */
export function derItems(bytes: Buffer): DerItem[] {
  const items: DerItem[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes.readUInt8(at);
    let length = bytes.readUInt8(at + 1);
    at += 2;
    if (length > 0x80) {
      const size = length & 0x7f;
      if (size > 3) throw new RangeError('a length of more than three bytes');
      length = bytes.readUIntBE(at, size);
      at += size;
    }
    if (at + length > bytes.length) throw new RangeError('an item that is cut off');
    items.push({ tag, body: bytes.subarray(at, at + length) });
    at += length;
  }
  return items;
}

/** The items inside a sequence that is all of a DER text. */
export function derSequence(bytes: Buffer): DerItem[] {
  const [only] = derItems(bytes);
  if (only?.tag !== derTag.sequence) throw new RangeError('not a sequence');
  return derItems(only.body);
}
