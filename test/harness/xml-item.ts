import * as enumerations from '../../appliance/kmip/enumeration.ts';
import { CryptographicUsageMask, StorageStatusMask } from '../../appliance/kmip/mask.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import type { Item, Value } from '../../appliance/ttlv/item.ts';

/** Reads the regular XML of the OASIS cases (KMIP XML profile §5.4): messages in order. */
export function messagesFromXml(text: string): Item[] {
  const plain = text.replace(/<!--[\s\S]*?-->/g, '').replace(/<\?[\s\S]*?\?>/g, '');
  const root: Item[] = [];
  const stack: { items: Item[]; attribute: string }[] = [{ items: root, attribute: '' }];
  const pattern = /<(\/?)(\w+)((?:\s+\w+="[^"]*")*)\s*(\/?)>/g;
  for (const [, closing, name = '', fields = '', empty] of plain.matchAll(pattern)) {
    if (name === 'KMIP' || name === 'KmipTestCase') continue;
    if (closing === '/') {
      stack.pop();
      continue;
    }
    const field = (key: string): string | undefined =>
      unescape(new RegExp(`\\b${key}="([^"]*)"`).exec(fields)?.[1]);
    const parent = stack.at(-1);
    if (parent === undefined) throw new Error('more ends than beginnings');
    const type = field('type') ?? 'Structure';
    const tag = tagOf(name, field('tag'));
    if (type === 'Structure') {
      const items: Item[] = [];
      parent.items.push({ tag, type, value: items });
      if (empty !== '/') stack.push({ items, attribute: parent.attribute });
      continue;
    }
    const value = field('value') ?? '';
    if (name === 'AttributeName') parent.attribute = value;
    const table = name === 'AttributeValue' ? parent.attribute.replace(/\W/g, '') : name;
    parent.items.push({ tag, ...valueOf(type, value, table) });
  }
  return root;
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
    case 'Interval':
      return { type, value: Number(text) };
    default:
      throw new Error(`no type ${type}`);
  }
}

function integer(text: string, table: string): number {
  if (/^-?\d+$/.test(text)) return Number(text);
  if (text.startsWith('0x')) return Number(text) | 0;
  const masks: Readonly<Record<string, number>> =
    table === 'StorageStatusMask' ? StorageStatusMask : CryptographicUsageMask;
  return text.split(' ').reduce((sum, name) => {
    const bit = masks[name];
    if (bit === undefined) throw new Error(`no bit ${name}`);
    return sum | bit;
  }, 0);
}

const tableOfTag: Readonly<Record<string, string>> = {
  MaskGeneratorHashingAlgorithm: 'HashingAlgorithm',
};

function enumerated(text: string, table: string): number {
  if (text.startsWith('0x')) return Number(text);
  const name = tableOfTag[table] ?? table;
  const found = (enumerations as unknown as Record<string, Record<string, number>>)[name]?.[text];
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
