import { ObjectType, Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { Tag } from '../kmip/tag.ts';
import { anyItem, optional, structure } from '../ttlv/structure.ts';
import { requestedAttributes } from './new-object.ts';
import { defaultsInformation } from './object-rule.ts';
import { defineChange } from './operation.ts';

/**
 * Set Defaults (KMIP 2.1 §6.1.53): what objects of the client's key group are given where a request
 * leaves it out. Without Defaults Information all that was set is taken away.
 */
export const setDefaults = defineChange({
  operation: Operation.SetDefaults,
  since: 201,
  policy: { target: 'group', right: 'configure' },
  request: structure({ information: optional(Tag.DefaultsInformation, anyItem) }),
  response: structure({}),
  prepare: ({ information: value }, context) => {
    const said = value === undefined ? [] : defaultsInformation.read(value, context.version).each;
    for (const { attributes, objectType, objectTypes } of said) {
      requestedAttributes(attributes, context);
      const types = objectTypes?.each ?? (objectType === undefined ? [] : [objectType]);
      if (types.length === 0) {
        throw new KmipError(ResultReason.InvalidField, 'Defaults are those of an object type');
      }
      if (types.includes(ObjectType.Template)) {
        throw new KmipError(ResultReason.InvalidObjectType, 'Templates have no defaults');
      }
    }
    const { group } = context.client;
    return (draft) => {
      draft.append({ kind: 'group-rule-set', group, rule: 'defaults', value });
      return {};
    };
  },
});
