import { Operation } from '../kmip/enumeration.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { optional, repeated, required, structure } from '../ttlv/structure.ts';
import { asReference, attributeReference } from './attribute-codec.ts';
import { attributesOf } from './object-attribute.ts';
import { defineReading } from './operation.ts';

/** Get Attribute List (KMIP 1.4 §4.13): each name once, however many instances it has. */
export const getAttributeList = defineReading({
  operation: Operation.GetAttributeList,
  since: 100,
  policy: { target: 'object', right: 'read' },
  request: structure({ uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier) }),
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
    attributeNames: repeated(Tag.AttributeName, attributeReference, asReference),
  }),
  prepare: (request, context) => (view) => {
    const object = context.target(view, request.uniqueIdentifier);
    context.place(object.uniqueIdentifier);
    const names = new Set(attributesOf(object, context.version).map(({ name }) => name));
    return { uniqueIdentifier: object.uniqueIdentifier, attributeNames: [...names] };
  },
});
