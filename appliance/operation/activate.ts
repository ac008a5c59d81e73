import { Operation, ResultReason, State } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { optional, required, structure } from '../ttlv/structure.ts';
import { requireLife } from './attribute-change.ts';
import { defineChange } from './operation.ts';

/** Activate (KMIP 1.4 §4.19): a Pre-Active object becomes Active now. */
export const activate = defineChange({
  operation: Operation.Activate,
  since: 100,
  policy: { target: 'object', right: 'modify' },
  request: structure({ uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier) }),
  response: structure({ uniqueIdentifier: required(Tag.UniqueIdentifier, identifier) }),
  prepare: (request, context) => (draft) => {
    const object = context.target(draft, request.uniqueIdentifier);
    requireLife(object);
    if (object.state !== State.PreActive) {
      throw new KmipError(ResultReason.WrongKeyLifecycleState, 'The object is not Pre-Active');
    }
    const { uniqueIdentifier } = object;
    context.place(uniqueIdentifier);
    draft.append({ kind: 'object-activated', object: uniqueIdentifier, date: context.now() });
    return { uniqueIdentifier };
  },
});
