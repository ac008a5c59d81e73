import { Operation } from '../kmip/enumeration.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { optional, required, structure } from '../ttlv/structure.ts';
import { defineChange } from './operation.ts';

/** Recover (KMIP 1.4 §4.23): takes an object back from the archive; one that is not there stays. */
export const recover = defineChange({
  operation: Operation.Recover,
  since: 100,
  policy: { target: 'object', right: 'recover' },
  request: structure({ uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier) }),
  response: structure({ uniqueIdentifier: required(Tag.UniqueIdentifier, identifier) }),
  prepare: (request, context) => (draft) => {
    const object = context.target(draft, request.uniqueIdentifier);
    const { uniqueIdentifier } = object;
    context.place(uniqueIdentifier);
    for (const { name, index } of object.attributes) {
      if (name !== 'Archive Date') continue;
      draft.append({ kind: 'attribute-deleted', object: uniqueIdentifier, name, index });
    }
    return { uniqueIdentifier };
  },
});
