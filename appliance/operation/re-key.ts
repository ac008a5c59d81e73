import { ObjectType, Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { interval, optional, required, structure } from '../ttlv/structure.ts';
import { asAttributes, templateAttribute } from './attribute-codec.ts';
import { sealSymmetricKey } from './create.ts';
import { requirePresent } from './key-use.ts';
import { numberOf, requestedAttributes } from './new-object.ts';
import { defineChange } from './operation.ts';
import { storageField } from './protection-storage.ts';
import { keptFormat, refuseReplacement, replacedLink } from './replacement.ts';
import { replacementAttributes, storeReplacement } from './replacement.ts';

/** Re-key (KMIP 1.4 §4.4): a new symmetric key in the place of one there is. */
export const reKey = defineChange({
  operation: Operation.ReKey,
  since: 100,
  policy: { target: 'object', right: 'modify' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    offset: optional(Tag.Offset, interval),
    templateAttribute: optional(Tag.TemplateAttribute, templateAttribute, asAttributes),
    ...storageField,
  }),
  response: structure({ uniqueIdentifier: required(Tag.UniqueIdentifier, identifier) }),
  async prepare(request, context) {
    const object = context.target(context.keystore, request.uniqueIdentifier);
    if (object.objectType !== ObjectType.SymmetricKey) {
      throw new KmipError(ResultReason.InvalidObjectType, 'Only symmetric keys are re-keyed');
    }
    requirePresent(object);
    const template = request.templateAttribute ?? { names: [], attributes: [] };
    const requested = requestedAttributes(template, context);
    const attributes = replacementAttributes(object, requested, request.offset, context);
    for (const name of ['Cryptographic Algorithm', 'Cryptographic Length']) {
      if (numberOf(attributes, name) !== numberOf(object.attributes, name)) {
        throw new KmipError(ResultReason.InvalidField, `${name} stays what it is`);
      }
    }
    const back = replacedLink(attributes, object.uniqueIdentifier);
    const made = await sealSymmetricKey([...attributes, back], context, keptFormat(object));
    return (draft) => {
      const now = context.target(draft, object.uniqueIdentifier);
      refuseReplacement(now);
      storeReplacement(made, now, draft, context);
      return { uniqueIdentifier: made.uniqueIdentifier };
    };
  },
});
