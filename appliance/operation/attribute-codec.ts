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
import type { Codec } from '../ttlv/structure.ts';
import { name } from '../kmip/attribute-structure.ts';
import { Tag } from '../kmip/tag.ts';

/** An attribute as 1.x messages carry it (KMIP 1.4 §2.1.1). */
export interface WireAttribute {
  readonly attributeName: string;
  readonly attributeIndex?: number;
  readonly attributeValue?: Item;
}

export const attribute: Codec<WireAttribute> = structure({
  attributeName: required(Tag.AttributeName, textString),
  attributeIndex: optional(Tag.AttributeIndex, integer),
  attributeValue: optional(Tag.AttributeValue, anyItem),
});

/** Template-Attribute (KMIP 1.4 §2.1.8): names of templates and attributes. */
export const templateAttribute = structure({
  names: repeated(Tag.Name, name),
  attributes: repeated(Tag.Attribute, attribute),
});

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
