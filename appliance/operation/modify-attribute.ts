import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { optional, required, structure } from '../ttlv/structure.ts';
import { asNewAttribute, soleAttribute, toWire, valueOf } from './attribute-codec.ts';
import type { WireAttribute } from './attribute-codec.ts';
import { existingRule, putInstance, refuseLate } from './attribute-change.ts';
import { checkNew } from './new-object.ts';
import { attributesOf, sameValue } from './object-attribute.ts';
import { defineChange } from './operation.ts';

/**
 * Modify Attribute (KMIP 1.4 §4.15, KMIP 2.1 §6.1.29): a new value for an instance that is there,
 * which 1.x names by its index and 2.x by its value, or not at all where it is the only one.
 */
export const modifyAttribute = defineChange({
  operation: Operation.ModifyAttribute,
  since: 100,
  policy: { target: 'object', right: 'modify' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    current: optional(Tag.CurrentAttribute, soleAttribute, { since: 200 }),
    attribute: required(Tag.Attribute, soleAttribute, asNewAttribute),
  }),
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
    attribute: required(Tag.Attribute, soleAttribute, { until: 104 }),
  }),
  prepare: (request, context) => (draft) => {
    const object = context.target(draft, request.uniqueIdentifier);
    const { uniqueIdentifier } = object;
    const { attributeName: name } = request.attribute;
    const value = valueOf(request.attribute);
    const all = attributesOf(object, context.version).filter((each) => each.name === name);
    const present = chosen(all, request.attribute, request.current);
    const rule = existingRule(name, context.version);
    if (rule.modifiable === 'no') {
      throw new KmipError(ResultReason.AttributeReadOnly, 'The attribute cannot be changed');
    }
    checkNew(name, value, context);
    refuseLate(name, rule, object, context);
    context.place(uniqueIdentifier);
    const { index } = present;
    if (!sameValue(present.value, value)) {
      putInstance(draft, object, { name, index, value }, 'modify', context);
    }
    return { uniqueIdentifier, attribute: toWire({ name, index, value }) };
  },
});

/** Throws KmipError Attribute Not Found, or Multi Valued Attribute where it is not clear which. */
function chosen(
  all: readonly AttributeInstance[],
  { attributeName, attributeIndex }: WireAttribute,
  current: WireAttribute | undefined,
): AttributeInstance {
  if (all.length === 0) {
    const message = 'The object has no such attribute';
    throw new KmipError(ResultReason.AttributeNotFound, message);
  }
  if (current !== undefined) {
    const value = valueOf(current);
    const found = all.find((each) => sameValue(each.value, value));
    if (current.attributeName === attributeName && found !== undefined) return found;
    const message = 'The attribute has no such value';
    throw new KmipError(ResultReason.AttributeInstanceNotFound, message);
  }
  const [only, ...others] = all;
  // 1.x: without an index it is the one of index 0 (KMIP 1.4 §4.15); 2.x has no index.
  const found =
    attributeIndex === undefined && others.length === 0
      ? only
      : all.find(({ index }) => index === (attributeIndex ?? 0));
  if (found !== undefined) return found;
  const message = 'The attribute has no such instance';
  throw new KmipError(ResultReason.AttributeInstanceNotFound, message);
}
