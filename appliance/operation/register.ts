import { ObjectType, Operation } from '../kmip/enumeration.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { enumeration, required, structure } from '../ttlv/structure.ts';
import { asAttributes, templateAttribute } from './attribute-codec.ts';
import { objectFields, sealGiven, soleObject } from './given-object.ts';
import { requestedAttributes, storeObject } from './new-object.ts';
import { withDefaults } from './object-rule.ts';
import { defineChange } from './operation.ts';
import { storageField } from './protection-storage.ts';

const inStructure: ReadonlySet<string> = new Set([
  'Cryptographic Algorithm',
  'Cryptographic Length',
]);

/** Register (KMIP 1.4 §4.3): stores an object that a client made. One that is wrapped stays so. */
export const register = defineChange({
  operation: Operation.Register,
  since: 100,
  policy: { target: 'group', right: 'create' },
  request: structure({
    objectType: required(Tag.ObjectType, enumeration(ObjectType)),
    templateAttribute: required(Tag.TemplateAttribute, templateAttribute, asAttributes),
    ...objectFields,
    ...storageField,
  }),
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
  }),
  async prepare(request, context) {
    const { objectType } = request;
    const object = soleObject(objectType, request);
    const requested = requestedAttributes(request.templateAttribute, context);
    // What its structure says of algorithm and length comes from no default.
    const attributes = withDefaults(objectType, requested, context).filter(
      (each) => requested.includes(each) || !inStructure.has(each.name),
    );
    const made = await sealGiven(objectType, object, attributes, context);
    return (draft) => {
      storeObject(made, draft, context);
      return { uniqueIdentifier: made.uniqueIdentifier };
    };
  },
});
