import { KeyFormatType, ObjectType, Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { objectTag, takeApart } from '../kmip/object.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import type { Item } from '../ttlv/item.ts';
import { anyItem, enumeration, optional, required, structure } from '../ttlv/structure.ts';
import { asAttributes, attribute, templateAttribute, valueOf } from './attribute-codec.ts';
import { requestedAttributes, sealObject, storeObject } from './new-object.ts';
import type { NewObject } from './new-object.ts';
import { defineChange } from './operation.ts';
import type { Context } from './operation.ts';

/** Register (KMIP 1.4 §4.3): stores an object that a client made. */
export const register = defineChange({
  operation: Operation.Register,
  since: 100,
  policy: { target: 'group', right: 'create' },
  request: structure({
    objectType: required(Tag.ObjectType, enumeration(ObjectType)),
    templateAttribute: required(Tag.TemplateAttribute, templateAttribute, asAttributes),
    certificate: optional(Tag.Certificate, anyItem),
    symmetricKey: optional(Tag.SymmetricKey, anyItem),
    publicKey: optional(Tag.PublicKey, anyItem),
    privateKey: optional(Tag.PrivateKey, anyItem),
    splitKey: optional(Tag.SplitKey, anyItem),
    template: optional(Tag.Template, anyItem, { until: 104 }),
    secretData: optional(Tag.SecretData, anyItem),
    opaqueObject: optional(Tag.OpaqueObject, anyItem),
    pgpKey: optional(Tag.PGPKey, anyItem, { since: 102 }),
  }),
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
  }),
  async prepare(request, context) {
    const { objectType, templateAttribute: template, ...objects } = request;
    const given = Object.values(objects);
    const object = given[0];
    if (object === undefined || given.length > 1 || object.tag !== objectTag[objectType]) {
      throw new KmipError(
        ResultReason.InvalidField,
        'The object is not of the type it is said to be',
      );
    }
    const requested = requestedAttributes(template, context);
    const made =
      objectType === ObjectType.Template
        ? await templateObject(object, requested, context)
        : await keyedObject(objectType, object, requested, context);
    return (draft) => {
      storeObject(made, draft, context);
      return { uniqueIdentifier: made.uniqueIdentifier };
    };
  },
});

/** A template is nothing but attributes (KMIP 1.3 §2.2.6). */
function templateObject(
  object: Item,
  requested: readonly AttributeInstance[],
  context: Context,
): Promise<NewObject> {
  const inside = structureItems(object).map((item) => {
    const wire = attribute.read(item, context.version);
    return { attributeName: wire.attributeName, attributeValue: { tag: 0, ...valueOf(wire) } };
  });
  const own = requestedAttributes({ names: [], attributes: inside }, context);
  const attributes = [...requested, ...own];
  return sealObject({ objectType: ObjectType.Template, attributes, form: [] }, context);
}

function keyedObject(
  objectType: ObjectType,
  object: Item,
  requested: readonly AttributeInstance[],
  context: Context,
): Promise<NewObject> {
  const { form, secret } = takeApart(objectType, object);
  const block = structureItems(form.find((item) => item.tag === Tag.KeyBlock));
  const enumerated = (tag: number): number | undefined => {
    const item = [...block, ...form].find((each) => each.tag === tag);
    return typeof item?.value === 'number' ? item.value : undefined;
  };
  const taken = [
    ['Cryptographic Algorithm', Tag.CryptographicAlgorithm, 'Enumeration'],
    ['Cryptographic Length', Tag.CryptographicLength, 'Integer'],
    ['Certificate Type', Tag.CertificateType, 'Enumeration'],
  ] as const;
  const attributes = [...requested];
  for (const [name, tag, type] of taken) {
    const value = enumerated(tag);
    if (value === undefined) continue;
    const said = requested.find((each) => each.name === name);
    if (said === undefined) attributes.push({ name, index: 0, value: { type, value } });
    else if (said.value.value !== value) {
      throw new KmipError(ResultReason.InvalidField, `${name} is not that of the object`);
    }
  }
  const keyFormatType = enumerated(Tag.KeyFormatType) as KeyFormatType | undefined;
  const digestBytes = materialBytes(secret);
  return sealObject(
    {
      objectType,
      attributes,
      form,
      secret,
      ...(digestBytes === undefined ? {} : { digestBytes }),
      ...(keyFormatType === undefined ? {} : { keyFormatType }),
    },
    context,
  );
}

/** The bytes of an object that is bytes; a transparent structure has no Digest of its own here. */
function materialBytes(secret: Item): Uint8Array | undefined {
  if (secret.type === 'ByteString') return secret.value;
  const material = structureItems(secret).find((item) => item.tag === Tag.KeyMaterial);
  return material?.type === 'ByteString' ? material.value : undefined;
}

function structureItems(item: Item | undefined): readonly Item[] {
  return item?.type === 'Structure' ? item.value : [];
}
