import { checkAttribute } from '../kmip/attribute.ts';
import { Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { Tag } from '../kmip/tag.ts';
import { optional, required, structure, textString } from '../ttlv/structure.ts';
import { attribute, toWire, valueOf } from './attribute-codec.ts';
import { isDate, refuseLate } from './attribute-change.ts';
import { refuseTakenName } from './new-object.ts';
import { attributesOf, sameValue } from './object-attribute.ts';
import { defineChange } from './operation.ts';

/** Modify Attribute (KMIP 1.4 §4.15): a new value for an instance that is there. */
export const modifyAttribute = defineChange({
  operation: Operation.ModifyAttribute,
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
    const { attributeName: name, attributeIndex: index = 0 } = request.attribute;
    const value = valueOf(request.attribute);
    const rule = checkAttribute(name, value, context.version);
    const present = attributesOf(object, context.version).find(
      (each) => each.name === name && each.index === index,
    );
    if (present === undefined) {
      throw new KmipError(ResultReason.ItemNotFound, 'The object has no such attribute');
    }
    refuseLate(rule, object);
    context.place(uniqueIdentifier);
    if (isDate(name)) {
      const date = Number(value.value);
      draft.append({ kind: 'date-set', object: uniqueIdentifier, name, value: date });
    } else {
      if (name === 'Name' && !sameValue(present.value, value)) {
        refuseTakenName(value, draft, context);
      }
      draft.append({
        kind: 'attribute-set',
        object: uniqueIdentifier,
        attribute: { name, index, value },
        mode: 'modify',
      });
    }
    return { uniqueIdentifier, attribute: toWire({ name, index, value }) };
  },
});
