import { Tag } from '../../appliance/kmip/tag.ts';
import { nameOf } from '../../appliance/kmip/enumeration.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { sameValue } from '../../appliance/operation/object-attribute.ts';
import { itemFromNode } from '../harness/xml-item.ts';
import type { XmlNode } from '../harness/xml-item.ts';
import { textOf } from './scene.ts';
import { isBeyondProfile, isFree, isOpen, isUnordered, variationOf } from './variation.ts';
import type { Place } from './variation.ts';

/** What is not as the case says, with where. */
export type Difference = string;

/** Compares an answer with the one expected; the scene learns what placeholders stand for. */
export function differences(expected: XmlNode, actual: Item, place: Place): Difference[] {
  const at = [...place.path, nameIn(expected)];
  if (expected.tag !== actual.tag) {
    return [`${at.join('/')}: expected, came ${nameOf(Tag, actual.tag)}`];
  }
  if (expected.type !== actual.type) {
    return [`${at.join('/')}: expected type ${expected.type}, came ${actual.type}`];
  }
  if (actual.type === 'Structure') {
    return inStructure(expected.items, actual.value, { ...place, path: at });
  }
  if (isSame(expected, actual, place)) return [];
  if (variationOf(expected, actual, place) !== undefined) return [];
  return [`${at.join('/')}: expected ${shown(expected, place)}, came ${textOf(actual)}`];
}

function isSame(expected: XmlNode, actual: Item, { scene }: Place): boolean {
  const unbound = expected.value.startsWith('$') && scene.moment(expected.value) === undefined;
  if (unbound) return false;
  const wanted = itemFromNode(expected, (node) => scene.moment(node.value) ?? node.value);
  if (!sameValue(wanted, actual)) return false;
  // A literal that names an object has to be bound, too.
  return !(expected.name === 'UniqueIdentifier' && scene.bindings.has(expected.value));
}

function shown(expected: XmlNode, { scene }: Place): string {
  const meaning = scene.moment(expected.value) ?? scene.bindings.get(expected.value);
  if (meaning !== undefined) return `${expected.value} (${meaning})`;
  if (expected.type !== 'Enumeration') return expected.value;
  return `${expected.value} (${textOf(itemFromNode(expected))})`;
}

/** An attribute of 1.x is known by its name, not by its place. */
function nameIn(node: XmlNode): string {
  if (node.name !== 'Attribute') return node.name;
  const name = node.items.find((each) => each.name === 'AttributeName')?.value ?? '';
  return `Attribute:${name}`;
}

function inStructure(
  expected: readonly XmlNode[],
  actual: readonly Item[],
  place: Place,
): Difference[] {
  if (place.path.at(-1) === 'ServerInformation') return [];
  const wanted = expected.filter(
    (node) => !isFree(node.name, node.value) && !isBeyondProfile(node, place),
  );
  const came = actual.filter((item) => !isFree(nameOf(Tag, item.tag), textOf(item)));
  const loose = (name: string): boolean => isUnordered(name, place);
  const found = [
    ...inOrder(
      wanted.filter(({ name }) => !loose(name)),
      came.filter(({ tag }) => !loose(nameOf(Tag, tag))),
      place,
    ),
    ...inAnyOrder(
      wanted.filter(({ name }) => loose(name)),
      came.filter(({ tag }) => loose(nameOf(Tag, tag))),
      place,
    ),
  ];
  return found;
}

function inOrder(
  expected: readonly XmlNode[],
  actual: readonly Item[],
  place: Place,
): Difference[] {
  const at = place.path.join('/');
  const names = expected.map(({ name }) => name).join(' ');
  const came = actual.map(({ tag }) => nameOf(Tag, tag)).join(' ');
  if (names !== came) return [`${at}: expected ${names || 'nothing'}, came ${came || 'nothing'}`];
  return expected.flatMap((node, i) => {
    const item = actual[i];
    return item === undefined ? [] : differences(node, item, place);
  });
}

function inAnyOrder(
  expected: readonly XmlNode[],
  actual: readonly Item[],
  place: Place,
): Difference[] {
  const { scene } = place;
  const left = [...actual];
  const found: Difference[] = [];
  const isBound = ({ value }: XmlNode): boolean => scene.bindings.has(value);
  for (const node of [...expected].sort((a, b) => Number(isBound(b)) - Number(isBound(a)))) {
    const tries: Difference[][] = [];
    const fitting = left.findIndex((item) => {
      const before = new Map(scene.bindings);
      const result = differences(node, item, place);
      if (result.length > 0) restore(scene.bindings, before);
      tries.push(result);
      return result.length === 0;
    });
    if (fitting >= 0) {
      left.splice(fitting, 1);
      continue;
    }
    found.push(nearest(node, left, tries, place));
  }
  const more = left.filter(({ tag }) => !isOpen(nameOf(Tag, tag), place));
  return [...found, ...more.map((item) => `${place.path.join('/')}: came too: ${said(item)}`)];
}

function nearest(
  node: XmlNode,
  left: readonly Item[],
  tries: readonly Difference[][],
  { path }: Place,
): Difference {
  const alike = left.findIndex((item) => nameOfItem(item) === nameIn(node));
  const close = node.type === 'Structure' ? tries[alike] : undefined;
  if (close !== undefined) return close.join('; ');
  const text = node.type === 'Structure' ? '' : ` ${node.value}`;
  return `${path.join('/')}: missing ${nameIn(node)}${text}`;
}

function nameOfItem(item: Item): string {
  const name = nameOf(Tag, item.tag);
  if (name !== 'Attribute' || item.type !== 'Structure') return name;
  const inside = item.value.find(({ tag }) => tag === Tag.AttributeName);
  return `Attribute:${inside === undefined ? '' : textOf(inside)}`;
}

function said(item: Item): string {
  const text = textOf(item);
  return text === '' ? nameOfItem(item) : `${nameOfItem(item)} ${text}`;
}

function restore(bindings: Map<string, string>, before: ReadonlyMap<string, string>): void {
  bindings.clear();
  for (const [name, value] of before) bindings.set(name, value);
}
