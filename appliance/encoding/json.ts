import { Tag } from '../kmip/tag.ts';
import type { Item } from '../ttlv/item.ts';
import type { Limits } from '../ttlv/limit.ts';
import { EncodingError } from './error.ts';
import { primitiveFrom, textOf, typeFrom } from './primitive.ts';
import type { Primitive } from './primitive.ts';
import { tagFrom, tagName } from './vocabulary.ts';

/** The JSON profile's encoding (KMIP Profiles 1.4 §5.5): an item is tag, type and value. */
export function toJson(item: Item): string {
  return JSON.stringify(plain(item, tagName(item.tag) ?? ''), undefined, 1);
}

function plain(item: Item, table: string): object {
  const tag = tagName(item.tag) ?? `0x${item.tag.toString(16)}`;
  if (item.type !== 'Structure') return { tag, type: item.type, value: valueOf(item, table) };
  let attribute = '';
  const value = item.value.map((child) => {
    if (child.tag === Tag.AttributeName && child.type === 'TextString') attribute = child.value;
    return plain(child, child.tag === Tag.AttributeValue ? attribute : (tagName(child.tag) ?? ''));
  });
  return { tag, value };
}

const widest = 2n ** 52n;

function valueOf(item: Primitive, table: string): string | number | boolean {
  switch (item.type) {
    case 'Integer':
    case 'Interval':
    case 'Boolean':
      return item.value;
    case 'LongInteger':
    case 'DateTimeExtended': {
      const { value } = item;
      const small = value < widest && value > -widest;
      return small ? Number(value) : `0x${BigInt.asUintN(64, value).toString(16)}`;
    }
    case 'BigInteger':
      return `0x${textOf(item, table)}`;
    default:
      return textOf(item, table);
  }
}

/** Reads one message. Throws EncodingError for what the profile does not allow, or past a limit. */
export function fromJson(text: string, limits: Limits): Item {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new EncodingError('not JSON', { cause });
  }
  return new Reader(limits).item(parsed, '', 0);
}

class Reader {
  readonly #limits: Limits;
  #items = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  item(object: unknown, attribute: string, depth: number): Item {
    if (++this.#items > this.#limits.items) throw new EncodingError('too many items');
    if (depth > this.#limits.depth) throw new EncodingError('too deep');
    if (typeof object !== 'object' || object === null) throw new EncodingError('not an item');
    const fields = object as Readonly<Record<string, unknown>>;
    const name = fields['tag'];
    const typeText = fields['type'] ?? 'Structure';
    if (typeof name !== 'string' || typeof typeText !== 'string') {
      throw new EncodingError('an item has a tag and a type');
    }
    const tag = tagFrom(name);
    const type = typeFrom(typeText);
    const value = fields['value'];
    if (type === 'Structure') return { tag, type, value: this.#children(value, depth) };
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw new EncodingError('an item has a value');
    }
    const table = tag === Tag.AttributeValue ? attribute : (tagName(tag) ?? name);
    return primitiveFrom(tag, type, String(value), table);
  }

  #children(value: unknown, depth: number): Item[] {
    if (!Array.isArray(value)) throw new EncodingError('a structure has a list of items');
    let attribute = '';
    return value.map((each: unknown) => {
      const child = this.item(each, attribute, depth + 1);
      if (child.tag === Tag.AttributeName && child.type === 'TextString') attribute = child.value;
      return child;
    });
  }
}
