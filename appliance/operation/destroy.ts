import { Operation, ResultReason, State } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { optional, required, structure } from '../ttlv/structure.ts';
import { defineChange } from './operation.ts';

/**
 * Destroy (KMIP 1.4 §4.21). For every client the object is destroyed at once; its material stays
 * sealed for the retention time, because a person's mistake must be undoable.
 */
export const destroy = defineChange({
  operation: Operation.Destroy,
  since: 100,
  policy: { target: 'object', right: 'destroy' },
  request: structure({ uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier) }),
  response: structure({ uniqueIdentifier: required(Tag.UniqueIdentifier, identifier) }),
  prepare: (request, context) => (draft) => {
    const object = context.target(draft, request.uniqueIdentifier);
    if (object.state === State.Active) {
      throw new KmipError(
        ResultReason.WrongKeyLifecycleState,
        'An Active object has to be revoked first',
      );
    }
    const { uniqueIdentifier } = object;
    context.place(uniqueIdentifier);
    draft.append({ kind: 'destroy-intended', object: uniqueIdentifier, date: context.now() });
    return { uniqueIdentifier };
  },
});
