import { Operation } from '../kmip/enumeration.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { optional, required, structure } from '../ttlv/structure.ts';
import { defineChange } from './operation.ts';

/**
 * Archive (KMIP 1.4 §4.22): the object is put aside. It stays where it is, sealed as before; but no
 * operation finds it usable until it is recovered, and Locate finds it where the archive is asked.
 */
export const archive = defineChange({
  operation: Operation.Archive,
  since: 100,
  policy: { target: 'object', right: 'modify' },
  request: structure({ uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier) }),
  response: structure({ uniqueIdentifier: required(Tag.UniqueIdentifier, identifier) }),
  prepare: (request, context) => (draft) => {
    const { uniqueIdentifier } = context.target(draft, request.uniqueIdentifier);
    context.place(uniqueIdentifier);
    const value = { type: 'DateTime', value: BigInt(context.now()) } as const;
    draft.append({
      kind: 'attribute-set',
      object: uniqueIdentifier,
      attribute: { name: 'Archive Date', index: 0, value },
      mode: 'add',
    });
    return { uniqueIdentifier };
  },
});
