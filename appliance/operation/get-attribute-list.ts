import { Operation } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import { optional, repeated, required, structure, textString } from '../ttlv/structure.ts';
import { attributesOf } from './object-attribute.ts';
import { defineReading } from './operation.ts';

/** Get Attribute List (KMIP 1.4 §4.13): each name once, however many instances it has. */
export const getAttributeList = defineReading({
  operation: Operation.GetAttributeList,
  since: 100,
  policy: { target: 'object', right: 'read' },
  request: structure({ uniqueIdentifier: optional(Tag.UniqueIdentifier, textString) }),
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, textString),
    attributeNames: repeated(Tag.AttributeName, textString),
  }),
  prepare: (request, context) => (view) => {
    const object = context.target(view, request.uniqueIdentifier);
    context.place(object.uniqueIdentifier);
    const names = new Set(attributesOf(object, context.version).map(({ name }) => name));
    return { uniqueIdentifier: object.uniqueIdentifier, attributeNames: [...names] };
  },
});
