import * as enumerations from '../../appliance/kmip/enumeration.ts';
import * as masks from '../../appliance/kmip/mask.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import type { Item, Value } from '../../appliance/ttlv/item.ts';

/** One element of the regular XML of the OASIS cases (KMIP XML profile §5.4), as it is written. */
export interface XmlNode {
  readonly name: string;
  readonly tag: number;
  readonly type: string;
  /** The text of a primitive, placeholders and all; empty for a structure. */
  readonly value: string;
  /** The enumeration or mask that names its value: mostly its own name, else its attribute's. */
  readonly table: string;
  readonly items: readonly XmlNode[];
}

/** Reads a file's messages in order. */
export function nodesFromXml(text: string): XmlNode[] {
  const plain = text.replace(/<!--[\s\S]*?-->/g, '').replace(/<\?[\s\S]*?\?>/g, '');
  const root: XmlNode[] = [];
  const stack: { items: XmlNode[]; attribute: string }[] = [{ items: root, attribute: '' }];
  const pattern = /<(\/?)(\w+)((?:\s+\w+\s*=\s*"[^"]*")*)\s*(\/?)>/g;
  for (const [, closing, name = '', fields = '', empty] of plain.matchAll(pattern)) {
    if (name === 'KMIP' || name === 'KmipTestCase') continue;
    if (closing === '/') {
      stack.pop();
      continue;
    }
    const field = (key: string): string | undefined =>
      unescape(new RegExp(`\\b${key}\\s*=\\s*"([^"]*)"`).exec(fields)?.[1]);
    const parent = stack.at(-1);
    if (parent === undefined) throw new Error('more ends than beginnings');
    const type = field('type') ?? 'Structure';
    const tag = tagOf(name, field('tag'));
    const value = field('value') ?? '';
    if (name === 'AttributeName') parent.attribute = value;
    const table = name === 'AttributeValue' ? parent.attribute.replace(/\W/g, '') : name;
    const items: XmlNode[] = [];
    parent.items.push({ name, tag, type, value, table, items });
    if (empty !== '/') stack.push({ items, attribute: parent.attribute });
  }
  return root;
}

/** The items of a file without placeholders. */
export function messagesFromXml(text: string): Item[] {
  return nodesFromXml(text).map((node) => itemFromNode(node));
}

/** What a node stands for; `resolve` gives the text that takes a value's place. */
export function itemFromNode(
  node: XmlNode,
  resolve: (node: XmlNode) => string = ({ value }) => value,
): Item {
  const { tag, type, items } = node;
  if (type === 'Structure') {
    return { tag, type, value: items.map((each) => itemFromNode(each, resolve)) };
  }
  return { tag, ...valueOf(type, resolve(node), node.table) };
}

function tagOf(name: string, hex: string | undefined): number {
  if (hex !== undefined) return Number(hex);
  const tag = (Tag as Readonly<Record<string, number>>)[name];
  if (tag === undefined) throw new Error(`no tag ${name}`);
  return tag;
}

function valueOf(type: string, text: string, table: string): Value {
  switch (type) {
    case 'Integer':
      return { type, value: integer(text, table) };
    case 'LongInteger':
      return { type, value: BigInt(text) };
    case 'BigInteger':
    case 'ByteString':
      return { type, value: Buffer.from(text, 'hex') };
    case 'Enumeration':
      return { type, value: enumerated(text, table) };
    case 'Boolean':
      return { type, value: text === 'true' };
    case 'TextString':
      return { type, value: text };
    case 'DateTime':
      return { type, value: BigInt(Date.parse(text) / 1000) };
    case 'DateTimeExtended':
      return { type, value: BigInt(text) };
    case 'Interval':
      return { type, value: Number(text) };
    default:
      throw new Error(`no type ${type}`);
  }
}

function integer(text: string, table: string): number {
  if (/^-?\d+$/.test(text)) return Number(text);
  if (text.startsWith('0x')) return Number(text) | 0;
  const known = masks as unknown as Readonly<Record<string, Readonly<Record<string, number>>>>;
  const bits = known[tableOfTag[table] ?? table] ?? masks.CryptographicUsageMask;
  return text.split(/[ |]+/).reduce((sum, name) => {
    const bit = (bits as Readonly<Record<string, number>>)[name];
    if (bit === undefined) throw new Error(`no bit ${name}`);
    return sum | bit;
  }, 0);
}

const tableOfTag: Readonly<Record<string, string>> = {
  MaskGeneratorHashingAlgorithm: 'HashingAlgorithm',
  UniqueIdentifier: 'UniqueIdentifierEnumeration',
  PrivateKeyUniqueIdentifier: 'UniqueIdentifierEnumeration',
  PublicKeyUniqueIdentifier: 'UniqueIdentifierEnumeration',
  ReplacedUniqueIdentifier: 'UniqueIdentifierEnumeration',
  LinkedObjectIdentifier: 'UniqueIdentifierEnumeration',
};

function enumerated(text: string, table: string): number {
  if (text.startsWith('0x')) return Number(text);
  const tables = enumerations as unknown as Record<string, Record<string, number>>;
  const found =
    table === 'AttributeReference'
      ? (Tag as Readonly<Record<string, number>>)[text]
      : tables[tableOfTag[table] ?? table]?.[text];
  if (found === undefined) throw new Error(`no ${text} in ${table}`);
  return found;
}

function unescape(text: string | undefined): string | undefined {
  const entities: Readonly<Record<string, string>> = {
    '&lt;': '<',
    '&gt;': '>',
    '&quot;': '"',
    '&apos;': "'",
    '&amp;': '&',
  };
  return text?.replace(/&(lt|gt|quot|apos|amp);/g, (entity) => entities[entity] ?? entity);
}
