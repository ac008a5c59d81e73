import { checkAttribute } from '../kmip/attribute.ts';
import { Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { Tag } from '../kmip/tag.ts';
import { optional, required, structure, textString } from '../ttlv/structure.ts';
import { attribute, toWire, valueOf } from './attribute-codec.ts';
import { isDate, refuseLate } from './attribute-change.ts';
import { refuseTakenName } from './new-object.ts';
import { attributesOf } from './object-attribute.ts';
import { defineChange } from './operation.ts';

/**
 * Add Attribute (KMIP 1.4 §4.14): a further instance of an attribute that may have many, or the
 * first of one that may have one. The response repeats it with its index, as vCenter expects.
 */
export const addAttribute = defineChange({
  operation: Operation.AddAttribute,
  since: 100,
  policy: { target: 'object', right: 'modify' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, textString),
    attribute: required(Tag.Attribute, attribute),
  }),
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, textString),
    attribute: required(Tag.Attribute, attribute),
  }),
  prepare: (request, context) => (draft) => {
    const object = context.target(draft, request.uniqueIdentifier);
    const { uniqueIdentifier } = object;
    const { attributeName: name, attributeIndex } = request.attribute;
    const value = valueOf(request.attribute);
    const rule = checkAttribute(name, value, context.version);
    if (rule.setBy === 'server') {
      throw new KmipError(ResultReason.PermissionDenied, 'Only the server sets this attribute');
    }
    if (attributeIndex !== undefined && attributeIndex !== 0) {
      throw new KmipError(ResultReason.InvalidField, 'The server chooses the index');
    }
    const present = attributesOf(object, context.version).filter((each) => each.name === name);
    if (present.length > 0 && !rule.multiple) {
      throw new KmipError(ResultReason.IndexOutOfBounds, 'The attribute has its only value');
    }
    context.place(uniqueIdentifier);
    if (isDate(name)) {
      refuseLate(rule, object);
      const date = Number(value.value);
      draft.append({ kind: 'date-set', object: uniqueIdentifier, name, value: date });
      return { uniqueIdentifier, attribute: toWire({ name, index: 0, value }) };
    }
    if (name === 'Name') refuseTakenName(value, draft, context);
    const index = present.reduce((next, each) => Math.max(next, each.index + 1), 0);
    const instance = { name, index, value };
    draft.append({
      kind: 'attribute-set',
      object: uniqueIdentifier,
      attribute: instance,
      mode: 'add',
    });
    return { uniqueIdentifier, attribute: toWire(instance) };
  },
});
