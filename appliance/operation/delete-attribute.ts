import { Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { Tag } from '../kmip/tag.ts';
import { integer, optional, required, structure, textString } from '../ttlv/structure.ts';
import { attribute, toWire } from './attribute-codec.ts';
import { existingRule } from './attribute-change.ts';
import { attributesOf } from './object-attribute.ts';
import { defineChange } from './operation.ts';

/** Delete Attribute (KMIP 1.4 §4.16): removes one instance; its index is not used again. */
export const deleteAttribute = defineChange({
  operation: Operation.DeleteAttribute,
  since: 100,
  policy: { target: 'object', right: 'modify' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, textString),
    attributeName: required(Tag.AttributeName, textString),
    attributeIndex: optional(Tag.AttributeIndex, integer),
  }),
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, textString),
    attribute: required(Tag.Attribute, attribute),
  }),
  prepare: (request, context) => (draft) => {
    const object = context.target(draft, request.uniqueIdentifier);
    const { uniqueIdentifier } = object;
    const { attributeName: name, attributeIndex: index = 0 } = request;
    const rule = existingRule(name, context.version);
    const present = attributesOf(object, context.version).find(
      (each) => each.name === name && each.index === index,
    );
    if (present === undefined) {
      throw new KmipError(ResultReason.ItemNotFound, 'The object has no such attribute');
    }
    if (!rule.deletable) {
      throw new KmipError(ResultReason.PermissionDenied, 'The attribute cannot be deleted');
    }
    context.place(uniqueIdentifier);
    draft.append({ kind: 'attribute-deleted', object: uniqueIdentifier, name, index });
    return { uniqueIdentifier, attribute: toWire(present) };
  },
});
