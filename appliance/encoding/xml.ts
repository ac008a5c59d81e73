import { Tag } from '../kmip/tag.ts';
import type { Item } from '../ttlv/item.ts';
import type { Limits } from '../ttlv/limit.ts';
import { EncodingError } from './error.ts';
import { primitiveFrom, textOf, typeFrom } from './primitive.ts';
import { tagFrom, tagName } from './vocabulary.ts';

/**
 * The XML profile's encoding (KMIP Profiles 1.4 §5.4): an element a tag, with type and value as
 * attributes; a tag without a name is an element TTLV. No more of XML than that is read: no
 * document type, no entity but the five, no text between elements.
 */
export function toXml(item: Item): string {
  const lines: string[] = ['<?xml version="1.0" encoding="UTF-8"?>'];
  write(item, '', tagName(item.tag) ?? '', lines);
  return `${lines.join('\n')}\n`;
}

function write(item: Item, indent: string, table: string, lines: string[]): void {
  const name = tagName(item.tag);
  const head = name ?? `TTLV tag="0x${item.tag.toString(16)}"`;
  if (item.type !== 'Structure') {
    const value = escaped(textOf(item, table));
    lines.push(`${indent}<${head} type="${item.type}" value="${value}"/>`);
    return;
  }
  lines.push(`${indent}<${head}>`);
  let attribute = '';
  for (const child of item.value) {
    if (child.tag === Tag.AttributeName && child.type === 'TextString') attribute = child.value;
    const own = child.tag === Tag.AttributeValue ? attribute : (tagName(child.tag) ?? '');
    write(child, `${indent}  `, own, lines);
  }
  lines.push(`${indent}</${name ?? 'TTLV'}>`);
}

interface Open {
  readonly name: string;
  /** Undefined within a primitive, which holds nothing. */
  readonly items: Item[] | undefined;
  /** The Attribute Name that came last, which names the table of the value behind it. */
  attribute: string;
}

const element = /<(\/?)([A-Za-z_][\w.-]*)((?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y;
const between = /(?:\s+|<!--(?:[^-]|-(?!-))*-->)*/y;
const declaration = /^\uFEFF?\s*<\?xml [^?<>]*\?>/;

/** Reads one message. Throws EncodingError for what the profile does not allow, or past a limit. */
export function fromXml(text: string, limits: Limits): Item {
  const messages: Item[] = [];
  const root: Open = { name: '', items: messages, attribute: '' };
  const stack: Open[] = [root];
  let at = declaration.exec(text)?.[0].length ?? 0;
  let items = 0;
  for (;;) {
    between.lastIndex = at;
    at += between.exec(text)?.[0].length ?? 0;
    if (at === text.length) break;
    element.lastIndex = at;
    const match = element.exec(text);
    if (match === null || ++items > limits.items * 2) throw new EncodingError('not such XML');
    at += match[0].length;
    const [, closing, name = '', fields = '', empty] = match;
    if (closing === '/') {
      const ended = stack.pop();
      if (ended === undefined || ended.name !== name || fields !== '' || empty === '/') {
        throw new EncodingError('an element ends that did not begin');
      }
      continue;
    }
    const parent = stack.at(-1);
    if (parent === undefined) throw new EncodingError('more than one message');
    const opened = begin(name, fieldsOf(fields), parent);
    if (empty !== '/') stack.push(opened);
    if (stack.length > limits.depth + 1) throw new EncodingError('too deep');
  }
  const [message, ...more] = messages;
  if (stack.length !== 1 || message === undefined || more.length > 0) {
    throw new EncodingError('not one whole message');
  }
  return message;
}

function begin(name: string, fields: ReadonlyMap<string, string>, parent: Open): Open {
  if (parent.items === undefined) throw new EncodingError('a primitive holds nothing');
  const tag = tagFrom(name === 'TTLV' ? (fields.get('tag') ?? '') : name);
  const type = typeFrom(fields.get('type') ?? 'Structure');
  const items: Item[] = [];
  if (type === 'Structure') {
    if (fields.has('value')) throw new EncodingError('a structure has no value');
    parent.items.push({ tag, type, value: items });
    return { name, items, attribute: '' };
  }
  const text = fields.get('value');
  if (text === undefined) throw new EncodingError('a value is missing');
  if (tag === Tag.AttributeName) parent.attribute = text;
  const table = tag === Tag.AttributeValue ? parent.attribute : (tagName(tag) ?? name);
  parent.items.push(primitiveFrom(tag, type, text, table));
  return { name, items: undefined, attribute: '' };
}

function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const [, name = '', double, single] of text.matchAll(
    /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g,
  )) {
    if (fields.has(name)) throw new EncodingError('an attribute comes twice');
    fields.set(name, plain(double ?? single ?? ''));
  }
  return fields;
}

const entities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
};

function plain(text: string): string {
  return text.replace(/&([^;&]{0,10});?/g, (_whole, name: string) => {
    const numeric = /^#(?:x([\da-f]{1,6})|(\d{1,7}))$/i.exec(name);
    const code = numeric === null ? NaN : Number(numeric[1] ? `0x${numeric[1]}` : numeric[2]);
    if (code > 0 && code <= 0x10ffff) return String.fromCodePoint(code);
    const entity = Object.hasOwn(entities, name) ? entities[name] : undefined;
    if (entity === undefined) throw new EncodingError('no such entity');
    return entity;
  });
}

function escaped(text: string): string {
  const named: Readonly<Record<string, string>> = {
    '<': '&lt;',
    '>': '&gt;',
    '&': '&amp;',
    '"': '&quot;',
  };
  return text.replace(
    /[<>&"\t\n\r]/g,
    (character) => named[character] ?? `&#${character.charCodeAt(0)};`,
  );
}
