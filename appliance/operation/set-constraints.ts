import { ObjectType, Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { Tag } from '../kmip/tag.ts';
import { anyItem, required, structure } from '../ttlv/structure.ts';
import { checkNew } from './new-object.ts';
import { valueOf } from './attribute-codec.ts';
import { constraints } from './object-rule.ts';
import { defineChange } from './operation.ts';

/**
 * Set Constraints (KMIP 2.1 §6.1.52): what objects may be made in the client's key group from now
 * on. They take the place of those that were set; an empty structure takes them away.
 */
export const setConstraints = defineChange({
  operation: Operation.SetConstraints,
  since: 201,
  policy: { target: 'group', right: 'configure' },
  request: structure({ constraints: required(Tag.Constraints, anyItem) }),
  response: structure({}),
  prepare: ({ constraints: value }, context) => {
    for (const { attributes, objectTypes } of constraints.read(value, context.version).each) {
      for (const each of attributes?.attributes ?? []) {
        checkNew(each.attributeName, valueOf(each), context);
      }
      if (objectTypes?.each.includes(ObjectType.Template) === true) {
        throw new KmipError(ResultReason.InvalidObjectType, 'Templates have no constraints');
      }
    }
    const { group } = context.client;
    return (draft) => {
      draft.append({ kind: 'group-rule-set', group, rule: 'constraints', value });
      return {};
    };
  },
});
