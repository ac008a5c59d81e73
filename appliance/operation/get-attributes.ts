import { Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { optional, repeated, required, structure } from '../ttlv/structure.ts';
import { asReference, attribute, attributeReference } from './attribute-codec.ts';
import { inAttributes, toWire } from './attribute-codec.ts';
import { existingRule } from './attribute-change.ts';
import { attributesOf } from './object-attribute.ts';
import { defineReading } from './operation.ts';

/**
 * Get Attributes (KMIP 1.4 §4.12). An attribute that is not set is left out, and that is a success:
 * vCenter asks for its own attributes before it sets them.
 */
export const getAttributes = defineReading({
  operation: Operation.GetAttributes,
  since: 100,
  policy: { target: 'object', right: 'read' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    attributeNames: repeated(Tag.AttributeName, attributeReference, asReference),
  }),
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
    attributes: repeated(Tag.Attribute, attribute, inAttributes),
  }),
  prepare: (request, context) => (view) => {
    const object = context.target(view, request.uniqueIdentifier);
    context.place(object.uniqueIdentifier);
    const all = attributesOf(object, context.version);
    const wanted = new Set(request.attributeNames);
    if (wanted.size < request.attributeNames.length && context.version > 100) {
      throw new KmipError(ResultReason.InvalidMessage, 'An attribute is named twice');
    }
    // 1.x leaves out what it does not know; 2.x refuses what is no attribute (KMIP 2.1 §6.1.18).
    if (context.version >= 200) {
      for (const name of wanted) existingRule(name, context.version);
    }
    const chosen = wanted.size === 0 ? all : all.filter(({ name }) => wanted.has(name));
    return { uniqueIdentifier: object.uniqueIdentifier, attributes: chosen.map(toWire) };
  },
});
