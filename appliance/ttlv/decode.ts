import { TtlvError } from './error.ts';
import type { Item } from './item.ts';
import { defaultLimits } from './limit.ts';
import type { Limits } from './limit.ts';
import { typeByte } from './type.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads exactly one item, with all that is in it, from a whole message.
 * Byte strings are views of `bytes`, not copies.
 * Throws TtlvError for anything KMIP 1.4 §9.1 does not allow, and past a limit.
 */
export function decode(bytes: Uint8Array, limits: Limits = defaultLimits): Item {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length > limits.messageBytes) throw new TtlvError('too-large', 0);
  const reader = new Reader(buffer, limits);
  const item = reader.item(buffer.length, 0);
  if (reader.offset !== buffer.length) throw new TtlvError('trailing-bytes', reader.offset);
  return item;
}

class Reader {
  offset = 0;
  #items = 0;
  readonly #bytes: Buffer;
  readonly #limits: Limits;

  constructor(bytes: Buffer, limits: Limits) {
    this.#bytes = bytes;
    this.#limits = limits;
  }

  item(end: number, depth: number): Item {
    const start = this.offset;
    if (end - start < 8) throw new TtlvError('truncated', start);
    if (++this.#items > this.#limits.items) throw new TtlvError('too-many-items', start);
    const tag = this.#bytes.readUIntBE(start, 3);
    const type = this.#bytes.readUInt8(start + 3);
    const length = this.#bytes.readUInt32BE(start + 4);
    const from = start + 8;
    const padded = (length + 7) & ~7;
    if (length > end - from || padded < 0 || padded > end - from) {
      throw new TtlvError('truncated', start);
    }
    this.offset = from;
    if (type === typeByte.Structure) {
      return { tag, type: 'Structure', value: this.#structure(from + length, depth + 1) };
    }
    for (let i = from + length; i < from + padded; i++) {
      if (this.#bytes[i] !== 0) throw new TtlvError('bad-padding', i);
    }
    this.offset = from + padded;
    return this.#primitive(tag, type, from, length);
  }

  #structure(end: number, depth: number): Item[] {
    if (depth > this.#limits.depth) throw new TtlvError('too-deep', this.offset);
    const items: Item[] = [];
    while (this.offset < end) items.push(this.item(end, depth));
    return items;
  }

  #primitive(tag: number, type: number, from: number, length: number): Item {
    const bytes = this.#bytes;
    const sized = (size: number): void => {
      if (length !== size) throw new TtlvError('bad-length', from - 4);
    };
    switch (type) {
      case typeByte.Integer:
        sized(4);
        return { tag, type: 'Integer', value: bytes.readInt32BE(from) };
      case typeByte.LongInteger:
        sized(8);
        return { tag, type: 'LongInteger', value: bytes.readBigInt64BE(from) };
      case typeByte.BigInteger:
        if (length === 0 || length % 8 !== 0) throw new TtlvError('bad-length', from - 4);
        return { tag, type: 'BigInteger', value: bytes.subarray(from, from + length) };
      case typeByte.Enumeration:
        sized(4);
        return { tag, type: 'Enumeration', value: bytes.readUInt32BE(from) };
      case typeByte.Boolean: {
        sized(8);
        const value = bytes.readBigUInt64BE(from);
        if (value > 1n) throw new TtlvError('bad-value', from);
        return { tag, type: 'Boolean', value: value === 1n };
      }
      case typeByte.TextString:
        return { tag, type: 'TextString', value: this.#text(from, length) };
      case typeByte.ByteString:
        return { tag, type: 'ByteString', value: bytes.subarray(from, from + length) };
      case typeByte.DateTime:
        sized(8);
        return { tag, type: 'DateTime', value: bytes.readBigInt64BE(from) };
      case typeByte.Interval:
        sized(4);
        return { tag, type: 'Interval', value: bytes.readUInt32BE(from) };
      case typeByte.DateTimeExtended:
        sized(8);
        return { tag, type: 'DateTimeExtended', value: bytes.readBigInt64BE(from) };
      default:
        throw new TtlvError('bad-type', from - 5);
    }
  }

  #text(from: number, length: number): string {
    try {
      return utf8.decode(this.#bytes.subarray(from, from + length));
    } catch {
      throw new TtlvError('bad-value', from);
    }
  }
}
