import { TtlvError } from '../ttlv/error.ts';
import type { Item, Value } from '../ttlv/item.ts';
import {
  anyItem,
  integer,
  optional,
  repeated,
  required,
  structure,
  textString,
} from '../ttlv/structure.ts';
import type { Codec, Decoded } from '../ttlv/structure.ts';
import { attributeNameOf, attributeRule, nameOfVendor, vendorNameOf } from '../kmip/attribute.ts';
import { identifier } from '../kmip/identifier.ts';
import { name } from '../kmip/attribute-structure.ts';
import { Tag } from '../kmip/tag.ts';

/** An attribute as 1.x messages carry it (KMIP 1.4 §2.1.1). */
export interface WireAttribute {
  readonly attributeName: string;
  readonly attributeIndex?: number;
  readonly attributeValue?: Item;
}

const attributeOf1: Codec<WireAttribute> = structure({
  attributeName: required(Tag.AttributeName, textString),
  attributeIndex: optional(Tag.AttributeIndex, integer),
  attributeValue: optional(Tag.AttributeValue, anyItem),
});

const vendorAttribute = structure({
  vendor: required(Tag.VendorIdentification, textString),
  name: required(Tag.AttributeName, textString),
  value: optional(Tag.AttributeValue, anyItem),
});

/**
 * One attribute: in 1.x a structure of name, index and value under the field's tag, in 2.x an item
 * under the attribute's own tag, or a vendor's structure (KMIP 2.1 §4).
 */
export const attribute: Codec<WireAttribute> = {
  read(item, version) {
    if (version < 200) return attributeOf1.read(item, version);
    if (item.tag === Tag.Attribute) {
      const { vendor, name, value } = vendorAttribute.read(item, version);
      const attributeName = nameOfVendor({ vendor, name });
      return { attributeName, ...(value === undefined ? {} : { attributeValue: value }) };
    }
    const attributeName = attributeNameOf(item.tag);
    if (attributeName === undefined) throw new TtlvError('unexpected-item', item.tag);
    return { attributeName, attributeValue: asText(item) };
  },
  write(writer, tag, value, version) {
    if (version < 200) {
      attributeOf1.write(writer, tag, value, version);
      return;
    }
    const { attributeName, attributeValue } = value;
    const vendor = vendorNameOf(attributeName);
    if (vendor !== undefined) {
      const wire = attributeValue === undefined ? vendor : { ...vendor, value: attributeValue };
      vendorAttribute.write(writer, Tag.Attribute, wire, version);
    } else if (attributeValue !== undefined) {
      const own = attributeRule(attributeName, version)?.tag;
      if (own !== undefined) writer.item({ ...attributeValue, tag: own });
    }
  },
};

/** The one attribute of New Attribute and Current Attribute (KMIP 2.1 §7.23, §7.9). */
export const soleAttribute: Codec<WireAttribute> = {
  read(item, version) {
    if (version < 200) return attributeOf1.read(item, version);
    if (item.type !== 'Structure') throw new TtlvError('bad-type', item.tag);
    const [only, ...others] = item.value;
    if (only === undefined) throw new TtlvError('missing-item', item.tag);
    if (others.length > 0) throw new TtlvError('repeated-item', item.tag);
    return attribute.read(only, version);
  },
  write(writer, tag, value, version) {
    if (version < 200) attributeOf1.write(writer, tag, value, version);
    else {
      writer.structure(tag, () => {
        attribute.write(writer, tag, value, version);
      });
    }
  },
};

const vendorReference = structure({
  vendor: required(Tag.VendorIdentification, textString),
  name: required(Tag.AttributeName, textString),
});

/**
 * What names an attribute: its name in 1.x, in 2.x its tag as an enumeration, or vendor and name
 * (KMIP 2.1 §7.3).
 */
export const attributeReference: Codec<string> = {
  read(item, version) {
    if (version < 200) return textString.read(item, version);
    if (item.type === 'Structure') return nameOfVendor(vendorReference.read(item, version));
    if (item.type !== 'Enumeration') throw new TtlvError('bad-type', item.tag);
    // A tag that names no attribute is one that no object has.
    return attributeNameOf(item.value) ?? `tag ${item.value.toString(16)}`;
  },
  write(writer, tag, value, version) {
    if (version < 200) {
      textString.write(writer, tag, value, version);
      return;
    }
    const vendor = vendorNameOf(value);
    const own = attributeRule(value, version)?.tag;
    if (vendor !== undefined) vendorReference.write(writer, tag, vendor, version);
    else if (own !== undefined) writer.item({ tag, type: 'Enumeration', value: own });
  },
};

/** Attributes and references as fields: a list of either changes its tag with 2.0. */
export const inAttributes = { gathered: { since: 200, tag: Tag.Attributes } } as const;
export const asNewAttribute = { renamed: { since: 200, tag: Tag.NewAttribute } } as const;
export const asReference = { renamed: { since: 200, tag: Tag.AttributeReference } } as const;

const template = structure({
  names: repeated(Tag.Name, name),
  attributes: repeated(Tag.Attribute, attribute),
});

interface TemplateAttribute {
  readonly names: Decoded<typeof template>['names'];
  readonly attributes: readonly WireAttribute[];
}

/**
 * What a new object is to have: a Template-Attribute of names and attributes in 1.x (KMIP 1.4
 * §2.1.8), a structure of attributes alone in 2.x (KMIP 2.1 §7.4). The field is renamed with it.
 */
export const templateAttribute: Codec<TemplateAttribute> = {
  read(item, version) {
    if (version < 200) return template.read(item, version);
    if (item.type !== 'Structure') throw new TtlvError('bad-type', item.tag);
    return { names: [], attributes: item.value.map((each) => attribute.read(each, version)) };
  },
  write(writer, tag, value, version) {
    if (version < 200) template.write(writer, tag, value, version);
    else {
      writer.structure(tag, () => {
        for (const each of value.attributes) attribute.write(writer, tag, each, version);
      });
    }
  },
};

const toAttributes = (tag: number): { readonly renamed: { since: number; tag: number } } => ({
  renamed: { since: 200, tag },
});
export const asAttributes = toAttributes(Tag.Attributes);
export const asCommonAttributes = toAttributes(Tag.CommonAttributes);
export const asPrivateKeyAttributes = toAttributes(Tag.PrivateKeyAttributes);
export const asPublicKeyAttributes = toAttributes(Tag.PublicKeyAttributes);

/** Links name objects by text here, whatever form 2.x gave the identifier. */
function asText(item: Item): Item {
  if (item.tag !== Tag.Link || item.type !== 'Structure') return item;
  const value = item.value.map((each): Item => {
    if (each.tag !== Tag.LinkedObjectIdentifier || each.type === 'TextString') return each;
    return { tag: each.tag, type: 'TextString', value: identifier.read(each, 200) };
  });
  return { ...item, value };
}

/** The value of an attribute that has to have one. Throws TtlvError `missing-item`. */
export function valueOf(wire: WireAttribute): Value {
  if (wire.attributeValue === undefined) throw new TtlvError('missing-item', Tag.AttributeValue);
  const { tag: _tag, ...value } = wire.attributeValue;
  return value;
}

export function toWire(instance: {
  readonly name: string;
  readonly index: number;
  readonly value: Value;
}): WireAttribute {
  return {
    attributeName: instance.name,
    // An index of 0 may be left out, and vCenter's captures have none (KMIP 1.4 §2.1.1).
    ...(instance.index === 0 ? {} : { attributeIndex: instance.index }),
    attributeValue: { tag: Tag.AttributeValue, ...instance.value },
  };
}
