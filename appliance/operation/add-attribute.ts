import { Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { optional, required, structure } from '../ttlv/structure.ts';
import { asNewAttribute, soleAttribute, toWire, valueOf } from './attribute-codec.ts';
import { isDate, putInstance, refuseLate, settableRule } from './attribute-change.ts';
import { refuseMore } from './new-object.ts';
import { attributesOf } from './object-attribute.ts';
import { defineChange } from './operation.ts';

/**
 * Add Attribute (KMIP 1.4 §4.14): a further instance of an attribute that may have many, or the
 * first of one that may have one. In 1.x the response repeats it with its index: vCenter wants it.
 */
export const addAttribute = defineChange({
  operation: Operation.AddAttribute,
  since: 100,
  policy: { target: 'object', right: 'modify' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    attribute: required(Tag.Attribute, soleAttribute, asNewAttribute),
  }),
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
    attribute: required(Tag.Attribute, soleAttribute, { until: 104 }),
  }),
  prepare: (request, context) => (draft) => {
    const object = context.target(draft, request.uniqueIdentifier);
    const { uniqueIdentifier } = object;
    const { attributeName: name, attributeIndex } = request.attribute;
    const value = valueOf(request.attribute);
    const rule = settableRule(name, value, context);
    if (attributeIndex !== undefined && attributeIndex !== 0) {
      throw new KmipError(ResultReason.InvalidField, 'The server chooses the index');
    }
    const present = attributesOf(object, context.version).filter((each) => each.name === name);
    if (present.length > 0 && !rule.multiple) {
      const message = 'The attribute has its only value';
      throw new KmipError(ResultReason.AttributeSingleValued, message);
    }
    refuseMore(present.length);
    context.place(uniqueIdentifier);
    if (isDate(name)) refuseLate(name, rule, object, context);
    const index = present.reduce((next, each) => Math.max(next, each.index + 1), 0);
    putInstance(draft, object, { name, index, value }, 'add', context);
    return { uniqueIdentifier, attribute: toWire({ name, index, value }) };
  },
});
