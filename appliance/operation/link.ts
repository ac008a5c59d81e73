import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import type { LinkType } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import type { Draft } from '../keystore/keystore.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import type { Value } from '../ttlv/item.ts';

/** A Link attribute's value (KMIP 1.4 §3.35). */
export function linkValue(type: LinkType, identifier: string): Value {
  return {
    type: 'Structure',
    value: [
      { tag: Tag.LinkType, type: 'Enumeration', value: type },
      { tag: Tag.LinkedObjectIdentifier, type: 'TextString', value: identifier },
    ],
  };
}

interface Link {
  readonly index: number;
  readonly type: unknown;
  readonly identifier: unknown;
}

/** The links among attributes. */
export function linksOf(attributes: readonly AttributeInstance[]): Link[] {
  return attributes
    .filter(({ name }) => name === 'Link')
    .map(({ index, value }) => {
      const items = value.type === 'Structure' ? value.value : [];
      const field = (tag: number): unknown => items.find((item) => item.tag === tag)?.value;
      return { index, type: field(Tag.LinkType), identifier: field(Tag.LinkedObjectIdentifier) };
    });
}

/** The identifier that an object's link of a type names; undefined where it has none. */
export function linked(
  { attributes }: { readonly attributes: readonly AttributeInstance[] },
  type: LinkType,
): string | undefined {
  const found = linksOf(attributes).find((link) => link.type === type)?.identifier;
  return typeof found === 'string' ? found : undefined;
}

/** Sets a link that an object has once: in the place of the one it has, or as a new one. */
export function setLink(
  draft: Draft,
  object: ManagedObject,
  type: LinkType,
  identifier: string,
): void {
  const links = linksOf(object.attributes);
  const present = links.find((link) => link.type === type);
  const next = links.reduce((most, { index }) => Math.max(most, index + 1), 0);
  draft.append({
    kind: 'attribute-set',
    object: object.uniqueIdentifier,
    attribute: { name: 'Link', index: present?.index ?? next, value: linkValue(type, identifier) },
    mode: present === undefined ? 'add' : 'modify',
  });
}
