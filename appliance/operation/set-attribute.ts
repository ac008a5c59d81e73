import { Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { optional, required, structure } from '../ttlv/structure.ts';
import { soleAttribute, valueOf } from './attribute-codec.ts';
import { isDate, putInstance, refuseLate, settableRule } from './attribute-change.ts';
import { attributesOf, sameValue } from './object-attribute.ts';
import { defineChange } from './operation.ts';

/** Set Attribute (KMIP 2.1 §6.1.56): the value of an attribute that has one, new or anew. */
export const setAttribute = defineChange({
  operation: Operation.SetAttribute,
  since: 200,
  policy: { target: 'object', right: 'modify' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    attribute: required(Tag.NewAttribute, soleAttribute),
  }),
  response: structure({ uniqueIdentifier: required(Tag.UniqueIdentifier, identifier) }),
  prepare: (request, context) => (draft) => {
    const object = context.target(draft, request.uniqueIdentifier);
    const { uniqueIdentifier } = object;
    const { attributeName: name } = request.attribute;
    const value = valueOf(request.attribute);
    const rule = settableRule(name, value, context);
    if (rule.multiple) {
      throw new KmipError(ResultReason.MultiValuedAttribute, 'The attribute may have many values');
    }
    const present = attributesOf(object, context.version).find((each) => each.name === name);
    if (isDate(name) || present !== undefined) refuseLate(name, rule, object, context);
    context.place(uniqueIdentifier);
    if (present === undefined || !sameValue(present.value, value)) {
      const mode = present === undefined ? 'add' : 'modify';
      putInstance(draft, object, { name, index: 0, value }, mode, context);
    }
    return { uniqueIdentifier };
  },
});
