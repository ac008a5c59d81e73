import type { Item } from '../ttlv/item.ts';
import { typeByte } from '../ttlv/type.ts';
import { EncodingError } from './error.ts';
import { enumerationFrom, enumerationText, maskFrom } from './vocabulary.ts';

export type Primitive = Exclude<Item, { readonly type: 'Structure' }>;

/** A type's name, or its number in hexadecimal. */
export function typeFrom(text: string): Item['type'] {
  const names = Object.keys(typeByte) as Item['type'][];
  const found = names.find(
    (name) => name === text || (text.startsWith('0x') && typeByte[name] === Number(text)),
  );
  if (found === undefined) throw new EncodingError('no such type');
  return found;
}

/** A primitive's value as text; that of XML, from which JSON's differs for numbers alone. */
export function textOf(item: Primitive, table: string): string {
  switch (item.type) {
    case 'Enumeration':
      return enumerationText(item.value, table);
    case 'ByteString':
    case 'BigInteger':
      return Buffer.from(item.value).toString('hex');
    case 'DateTime':
      return dateText(item.value);
    default:
      return String(item.value);
  }
}

function dateText(seconds: bigint): string {
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return String(seconds);
  return date.toISOString().replace('.000Z', '+00:00');
}

/** The value that a text stands for. Throws EncodingError. */
export function primitiveFrom(
  tag: number,
  type: Primitive['type'],
  text: string,
  table: string,
): Primitive {
  switch (type) {
    case 'Integer':
      return { tag, type, value: integer(text, table) };
    case 'Enumeration':
      return { tag, type, value: enumerationFrom(text, table) };
    case 'Interval':
      return { tag, type, value: Number(whole(text, 0n, 0xffff_ffffn)) };
    case 'LongInteger':
    case 'DateTimeExtended':
      return { tag, type, value: long(text) };
    case 'DateTime':
      return { tag, type, value: date(text) };
    case 'Boolean':
      return { tag, type, value: truth(text) };
    case 'TextString':
      return { tag, type, value: text };
    case 'ByteString':
      return { tag, type, value: bytes(text) };
    case 'BigInteger':
      return { tag, type, value: bigInteger(text) };
  }
}

function integer(text: string, table: string): number {
  if (/^-?\d+$/.test(text)) return Number(whole(text, -(2n ** 31n), 2n ** 31n - 1n));
  if (/^0x[\da-f]{1,8}$/i.test(text)) return Number(text) | 0;
  const mask = maskFrom(text, table, /[ |]+/);
  if (mask === undefined) throw new EncodingError('not an integer');
  return mask;
}

function long(text: string): bigint {
  if (/^0x[\da-f]{1,16}$/i.test(text)) return BigInt.asIntN(64, BigInt(text));
  return whole(text, -(2n ** 63n), 2n ** 63n - 1n);
}

function whole(text: string, least: bigint, most: bigint): bigint {
  if (!/^-?\d{1,20}$/.test(text) && !/^0x[\da-f]{1,16}$/i.test(text)) {
    throw new EncodingError('not a number');
  }
  const value = BigInt(text);
  if (value < least || value > most) throw new EncodingError('a number out of range');
  return value;
}

function date(text: string): bigint {
  if (/^(-?\d{1,18}|0x[\da-f]{1,16})$/i.test(text)) return long(text);
  const shape = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?$/;
  // Without a zone it is UTC, wherever the server stands.
  const zoned = /(Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`;
  const milliseconds = shape.test(text) ? Date.parse(zoned) : NaN;
  if (Number.isNaN(milliseconds)) throw new EncodingError('not a date');
  return BigInt(Math.floor(milliseconds / 1000));
}

function truth(text: string): boolean {
  if (text === 'true' || text === '1' || text === '0x1') return true;
  if (text === 'false' || text === '0' || text === '0x0') return false;
  throw new EncodingError('not a truth value');
}

function bytes(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[\da-f]*$/i.test(text))
    throw new EncodingError('not bytes in hexadecimal');
  return Buffer.from(text, 'hex');
}

/** Padded by its sign to a multiple of 8 bytes, as TTLV has it (KMIP 1.4 §9.1.1.4). */
function bigInteger(text: string): Uint8Array {
  const value = bytes(text.replace(/^0x/i, ''));
  if (value.length === 0) throw new EncodingError('not a number');
  const missing = (8 - (value.length % 8)) % 8;
  const sign = ((value[0] ?? 0) & 0x80) === 0 ? 0 : 0xff;
  return Buffer.concat([Buffer.alloc(missing, sign), value]);
}
