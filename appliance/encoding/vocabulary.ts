import * as enumerations from '../kmip/enumeration.ts';
import * as masks from '../kmip/mask.ts';
import { Tag } from '../kmip/tag.ts';
import { EncodingError } from './error.ts';

type Table = Readonly<Record<string, number>>;

const tags: Table = Tag;
const nameByTag = new Map(Object.entries(tags).map(([name, tag]) => [tag, name]));

/** The name that XML and JSON give a tag; undefined for a tag of no table. */
export function tagName(tag: number): string | undefined {
  return nameByTag.get(tag);
}

/** A tag from its name, or from the hexadecimal of one that has none. */
export function tagFrom(text: string): number {
  const tag = Object.hasOwn(tags, text) ? tags[text] : undefined;
  if (tag !== undefined) return tag;
  if (/^0x(42|54)[\da-f]{4}$/i.test(text)) return Number(text);
  throw new EncodingError('no such tag');
}

/** Tables that are not called as the tag is. */
const otherTables: Readonly<Record<string, string>> = {
  Data: 'DataEnumeration',
  MaskGeneratorHashingAlgorithm: 'HashingAlgorithm',
  LinkedObjectIdentifier: 'UniqueIdentifierEnumeration',
  PrivateKeyUniqueIdentifier: 'UniqueIdentifierEnumeration',
  PublicKeyUniqueIdentifier: 'UniqueIdentifierEnumeration',
  UniqueIdentifier: 'UniqueIdentifierEnumeration',
};

const tables = enumerations as unknown as Readonly<Record<string, unknown>>;
const maskTables = masks as unknown as Readonly<Record<string, Table>>;

function tableOf(name: string): Table | undefined {
  if (name === 'AttributeReference' || name === 'Tag') return tags;
  const own = otherTables[name] ?? name;
  const found = Object.hasOwn(tables, own) ? tables[own] : undefined;
  return typeof found === 'object' ? (found as Table) : undefined;
}

/**
 * `table`: the name of the value's tag, or of the attribute that an Attribute Value belongs to
 * ("Cryptographic Algorithm").
 */
export function enumerationText(value: number, table: string): string {
  const found = tableOf(plain(table));
  const name = Object.entries(found ?? {}).find(([, number]) => number === value)?.[0];
  return name ?? hexadecimal(value);
}

export function enumerationFrom(text: string, table: string): number {
  if (/^0x[\da-f]{1,8}$/i.test(text)) return Number(text);
  const found = tableOf(plain(table));
  const value = found !== undefined && Object.hasOwn(found, text) ? found[text] : undefined;
  if (value === undefined) throw new EncodingError('no such value of the enumeration');
  return value;
}

/** The bits of a mask by name; undefined for an integer that is no mask. */
export function maskFrom(text: string, table: string, separator: RegExp): number | undefined {
  const name = plain(table);
  const bits = Object.hasOwn(maskTables, name) ? maskTables[name] : undefined;
  if (bits === undefined) return undefined;
  return text
    .split(separator)
    .filter((each) => each !== '')
    .reduce((sum, each) => {
      const bit = Object.hasOwn(bits, each) ? bits[each] : undefined;
      if (bit === undefined) throw new EncodingError('no such bit of the mask');
      return sum | bit;
    }, 0);
}

function plain(name: string): string {
  return name.replace(/\W/g, '');
}

export function hexadecimal(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
