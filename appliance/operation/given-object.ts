import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { LinkType, ObjectType, ResultReason } from '../kmip/enumeration.ts';
import { KeyFormatType, SecretDataType } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { objectTag, takeApart } from '../kmip/object.ts';
import { Tag } from '../kmip/tag.ts';
import type { Item } from '../ttlv/item.ts';
import { anyItem, optional } from '../ttlv/structure.ts';
import { attribute, valueOf } from './attribute-codec.ts';
import { shownIdentifier } from '../keystore/imported.ts';
import { linksOf, linkValue } from './link.ts';
import { requestedAttributes, sealObject } from './new-object.ts';
import type { NewObject } from './new-object.ts';
import type { Context } from './operation.ts';
import { wrappingKeyOf } from './wrapped-object.ts';

/** The object that Register and Import bring: under the tag of its type. */
export const objectFields = {
  certificate: optional(Tag.Certificate, anyItem),
  symmetricKey: optional(Tag.SymmetricKey, anyItem),
  publicKey: optional(Tag.PublicKey, anyItem),
  privateKey: optional(Tag.PrivateKey, anyItem),
  splitKey: optional(Tag.SplitKey, anyItem),
  template: optional(Tag.Template, anyItem, { until: 104 }),
  secretData: optional(Tag.SecretData, anyItem),
  opaqueObject: optional(Tag.OpaqueObject, anyItem),
  pgpKey: optional(Tag.PGPKey, anyItem, { since: 102 }),
  certificateRequest: optional(Tag.CertificateRequest, anyItem, { since: 200 }),
} as const;

type Given = { readonly [N in keyof typeof objectFields]?: Item };

/** The one object of a request. Throws KmipError Invalid Field for none, or one of another type. */
export function soleObject(objectType: ObjectType | undefined, given: Given): Item {
  const names = Object.keys(objectFields) as (keyof typeof objectFields)[];
  const [object, ...others] = names.flatMap((name) => given[name] ?? []);
  const fits = objectType === undefined || object?.tag === objectTag[objectType];
  if (object !== undefined && others.length === 0 && fits) return object;
  const message = 'The object is not of the type it is said to be';
  throw new KmipError(ResultReason.InvalidObjectType, message);
}

/** The type that an object's tag says. */
export function typeOf(object: Item): ObjectType {
  const found = Object.values(ObjectType).find((type) => objectTag[type] === object.tag);
  return found ?? ObjectType.OpaqueObject;
}

/**
 * Seals an object that a client made, with what its structure says among its attributes. Throws
 * KmipError Invalid Field where attributes and structure say different things.
 */
export function sealGiven(
  objectType: ObjectType,
  object: Item,
  requested: readonly AttributeInstance[],
  context: Context,
  uniqueIdentifier?: string,
): Promise<NewObject> {
  const named = uniqueIdentifier === undefined ? {} : { uniqueIdentifier };
  return objectType === ObjectType.Template
    ? templateObject(object, requested, named, context)
    : keyedObject(objectType, object, requested, named, context);
}

interface Named {
  readonly uniqueIdentifier?: string;
}

/** A template is nothing but attributes (KMIP 1.3 §2.2.6). */
function templateObject(
  object: Item,
  requested: readonly AttributeInstance[],
  named: Named,
  context: Context,
): Promise<NewObject> {
  const inside = structureItems(object).map((item) => {
    const wire = attribute.read(item, context.version);
    return { attributeName: wire.attributeName, attributeValue: { tag: 0, ...valueOf(wire) } };
  });
  const own = requestedAttributes({ names: [], attributes: inside }, context);
  // Its name is the template object's own, not one that what is made from it has: from 1.2 on
  // (§2.2.6, §11.3); before, a name inside it is what it is called, as storage arrays have it.
  if (context.version >= 102 && own.some(({ name }) => name === 'Name')) {
    throw new KmipError(ResultReason.InvalidField, 'A Name stands beside a template, not in it');
  }
  const attributes = [...requested, ...own];
  return sealObject({ objectType: ObjectType.Template, attributes, form: [], ...named }, context);
}

function keyedObject(
  objectType: ObjectType,
  object: Item,
  requested: readonly AttributeInstance[],
  named: Named,
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
  const attributes = [...requested, ...wrappingLink(object, requested, context)];
  if (secret === undefined) attributes.push(...absence(objectType, context));
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
  if (keyFormatType === KeyFormatType.PKCS_12) requirePassword(requested, context);
  const digestBytes = materialBytes(secret);
  return sealObject(
    {
      objectType,
      attributes,
      form,
      ...(secret === undefined ? {} : { secret }),
      ...named,
      ...(digestBytes === undefined ? {} : { digestBytes }),
      ...(keyFormatType === undefined ? {} : { keyFormatType }),
    },
    context,
  );
}

/** A key of which the client keeps the value elsewhere: since 1.2 (KMIP 1.4 §3.41, §4.3). */
function absence(objectType: ObjectType, { version }: Context): AttributeInstance[] {
  if (version < 102) throw new KmipError(ResultReason.InvalidField, 'The object lacks its value');
  if (objectType === ObjectType.PublicKey) return [];
  return [{ name: 'Key Value Present', index: 0, value: { type: 'Boolean', value: false } }];
}

/** A PKCS #12 file names its one password, which is a Secret Data object here (§4.3). */
function requirePassword(requested: readonly AttributeInstance[], context: Context): void {
  const [link, ...others] = linksOf(requested).filter(
    ({ type }) => type === LinkType.PKCS_12PasswordLink,
  );
  const named = typeof link?.identifier === 'string' ? link.identifier : undefined;
  if (named === undefined || others.length > 0 || !isPassword(named, context)) {
    const message = 'A PKCS #12 file links to one password';
    throw new KmipError(ResultReason.InvalidField, message);
  }
}

function isPassword(identifier: string, context: Context): boolean {
  try {
    const { objectType, form } = context.target(context.keystore, identifier);
    const type = form.find(({ tag }) => tag === Tag.SecretDataType)?.value;
    return objectType === ObjectType.SecretData && type === SecretDataType.Password;
  } catch (error) {
    if (error instanceof KmipError) return false;
    throw error;
  }
}

/** An object that lies here wrapped names the key that opens it (KMIP 2.1 §6.1.43). */
function wrappingLink(
  object: Item,
  requested: readonly AttributeInstance[],
  context: Context,
): AttributeInstance[] {
  const key = context.version >= 200 ? wrappingKeyOf(object, context) : undefined;
  if (key === undefined) return [];
  const index = requested.filter(({ name }) => name === 'Link').length;
  const value = linkValue(LinkType.WrappingKeyLink, shownIdentifier(key));
  return [{ name: 'Link', index, value }];
}

/** The bytes of an object that is bytes; a transparent structure has no Digest of its own here. */
function materialBytes(secret: Item | undefined): Uint8Array | undefined {
  if (secret?.type === 'ByteString') return secret.value;
  const material = structureItems(secret).find((item) => item.tag === Tag.KeyMaterial);
  return material?.type === 'ByteString' ? material.value : undefined;
}

function structureItems(item: Item | undefined): readonly Item[] {
  return item?.type === 'Structure' ? item.value : [];
}
