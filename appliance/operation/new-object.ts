import { createHash } from 'node:crypto';
import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { appliesTo, attributeRule, checkAttribute } from '../kmip/attribute.ts';
import type { AttributeRule } from '../kmip/attribute-rule.ts';
import { CryptographicAlgorithm, HashingAlgorithm } from '../kmip/enumeration.ts';
import { KeyFormatType, ObjectType, ResultReason, RNGAlgorithm } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { Tag } from '../kmip/tag.ts';
import { dateNames } from '../keystore/fold.ts';
import type { Draft } from '../keystore/keystore.ts';
import type { SealedMaterial } from '../keystore/managed-object.ts';
import { encode } from '../ttlv/encode.ts';
import type { Item, Value } from '../ttlv/item.ts';
import { valueOf } from './attribute-codec.ts';
import { certificateAttributes } from './certificate-attribute.ts';
import type { WireAttribute } from './attribute-codec.ts';
import { requireWithin } from './object-rule.ts';
import type { Context } from './operation.ts';

/** An object that is about to be stored: its attributes checked and its secret sealed. */
export interface NewObject {
  readonly uniqueIdentifier: string;
  readonly objectType: ObjectType;
  readonly attributes: readonly AttributeInstance[];
  readonly dates: readonly { readonly name: string; readonly value: number }[];
  readonly form: readonly Item[];
  readonly material?: SealedMaterial;
}

/**
 * The attributes of a Template-Attribute as instances: templates first, then what the request says
 * itself (KMIP 1.4 §4.1). Throws KmipError: Item Not Found for an unknown template, Invalid Field
 * for an attribute that only the server sets, that does not fit, or that comes twice and may not.
 */
export function requestedAttributes(
  template: {
    readonly names: readonly { readonly nameValue: string; readonly nameType: number }[];
    readonly attributes: readonly WireAttribute[];
  },
  context: Context,
): AttributeInstance[] {
  const inherited = template.names.flatMap((name) => templateAttributes(name, context));
  const own = template.attributes.map((wire) => ({
    name: wire.attributeName,
    value: valueOf(wire),
  }));
  const overridden = new Set(own.map(({ name }) => name));
  const all = [...inherited.filter(({ name }) => !overridden.has(name)), ...own];
  const count = new Map<string, number>();
  return all.map(({ name, value }) => {
    const rule = checkNew(name, value, context);
    const index = count.get(name) ?? 0;
    refuseMore(index);
    if (rule.setBy === 'server' && !rule.asked) {
      throw new KmipError(ResultReason.AttributeReadOnly, `${name} is set by the server alone`);
    }
    if (index > 0 && !rule.multiple) {
      throw new KmipError(ResultReason.AttributeSingleValued, `${name} has one value`);
    }
    count.set(name, index + 1);
    return { name, index, value };
  });
}

/** The most instances that an object has of one attribute. */
const instancesMost = 1024;

/** Refuses an instance beyond the most. Throws KmipError Server Limit Exceeded. */
export function refuseMore(index: number): void {
  if (index < instancesMost) return;
  throw new KmipError(ResultReason.ServerLimitExceeded, 'The attribute has too many instances');
}

/** Refuses what objects of a type do not have. Throws KmipError Invalid Attribute. */
export function refuseInapplicable(
  name: string,
  objectType: ObjectType,
  { version }: Context,
): void {
  const found = attributeRule(name, version);
  // What this version does not know came with the object from another.
  if (found === undefined || appliesTo(found, objectType, version)) return;
  throw new KmipError(ResultReason.InvalidAttribute, `${name} is nothing that the object has`);
}

/**
 * Checks a value that a client wants an object to have. Throws KmipError Invalid Attribute
 * (Value), and Application Namespace Not Supported where the server would have to make the data.
 */
export function checkNew(name: string, value: Value, { version }: Context): AttributeRule {
  const rule = checkAttribute(name, value, version);
  if (name === 'Application Specific Information' && value.type === 'Structure') {
    if (value.value.every(({ tag }) => tag !== Tag.ApplicationData)) {
      const message = 'Application Data is not made here for any namespace';
      throw new KmipError(ResultReason.ApplicationNamespaceNotSupported, message);
    }
  }
  if (name === 'Rotate Automatic' && value.value === true) {
    throw new KmipError(ResultReason.FeatureNotSupported, 'The server rotates no object by itself');
  }
  return rule;
}

function templateAttributes(
  name: { readonly nameValue: string; readonly nameType: number },
  { client, keystore }: Context,
): { name: string; value: Value }[] {
  const [identifier] = keystore.locate(client.group, {
    objectType: ObjectType.Template,
    attributes: [{ name: 'Name', value: nameValue(name.nameValue, name.nameType) }],
    dates: [],
    // On line or archived.
    storage: 3,
    offset: 0,
    maximum: 1,
  });
  const template = identifier === undefined ? undefined : keystore.object(identifier);
  if (template === undefined) {
    throw new KmipError(ResultReason.ItemNotFound, 'No such template');
  }
  if (template.attributes.some((attribute) => attribute.name === 'Archive Date')) {
    throw new KmipError(ResultReason.ObjectArchived, 'The template is in the archive');
  }
  // A template's own name is not for those made from it.
  return template.attributes.filter((attribute) => attribute.name !== 'Name');
}

function nameValue(value: string, type: number): Value {
  return {
    type: 'Structure',
    value: [
      { tag: Tag.NameValue, type: 'TextString', value },
      { tag: Tag.NameType, type: 'Enumeration', value: type },
    ],
  };
}

/** A number among attributes (an enumeration, an integer, a mask); undefined where it is not. */
export function numberOf(
  attributes: readonly AttributeInstance[],
  name: string,
): number | undefined {
  const value = attributes.find((attribute) => attribute.name === name)?.value.value;
  return typeof value === 'number' ? value : undefined;
}

type Template = Parameters<typeof requestedAttributes>[0];

/** A Template-Attribute and the one for this object alone, whose word holds (KMIP 1.4 §4.2). */
export function mergedTemplate(common: Template | undefined, own: Template | undefined): Template {
  const said = new Set(own?.attributes.map(({ attributeName }) => attributeName));
  const kept = common?.attributes.filter(({ attributeName }) => !said.has(attributeName));
  return {
    names: [...(common?.names ?? []), ...(own?.names ?? [])],
    attributes: [...(kept ?? []), ...(own?.attributes ?? [])],
  };
}

/**
 * Seals an object's secret item and gathers all that its records will say. The secret is the item
 * that holds the key value; it is wiped. `digestBytes`: what the Digest attribute covers (§3.17).
 */
export async function sealObject(
  input: {
    readonly objectType: ObjectType;
    readonly attributes: readonly AttributeInstance[];
    readonly form: readonly Item[];
    readonly secret?: Item;
    readonly digestBytes?: Uint8Array;
    readonly keyFormatType?: KeyFormatType;
    /** Made here, and not given by a client. */
    readonly made?: boolean;
    /** An identifier that is chosen already; else a new one is. */
    readonly uniqueIdentifier?: string;
  },
  context: Context,
): Promise<NewObject> {
  const { objectType, form, secret } = input;
  for (const { name } of input.attributes) refuseInapplicable(name, objectType, context);
  requireFormat(input);
  const uniqueIdentifier = input.uniqueIdentifier ?? context.newIdentifier();
  // What the Key Block says is not kept twice.
  const [dates, kept] = partition(input.attributes.filter(({ name }) => name !== keyFormat));
  const digest = digestOf(input.digestBytes, input.keyFormatType);
  const added = [
    ...serverAttributes(input, context),
    ...(digest === undefined ? [] : [digest]),
    ...(secret?.tag === Tag.CertificateValue && secret.type === 'ByteString'
      ? certificateAttributes(Buffer.from(secret.value))
      : []),
  ];
  const present = new Set(kept.map(({ name }) => name));
  const attributes = [...kept, ...added.filter(({ name }) => !present.has(name))];
  const common = { uniqueIdentifier, objectType, attributes, dates, form };
  if (secret === undefined) return common;
  const bytes = encode(secret);
  const material = await context.keystore.seal(
    {
      uniqueIdentifier,
      group: context.client.group,
      objectType,
      algorithm: numberOf(attributes, 'Cryptographic Algorithm') ?? 0,
      length: numberOf(attributes, 'Cryptographic Length') ?? 0,
    },
    bytes,
  );
  bytes.fill(0);
  return { ...common, material };
}

const keyFormat = 'Key Format Type';

/** The format that a client wants a new key to be kept in; undefined where it leaves it open. */
export function askedFormat(attributes: readonly AttributeInstance[]): KeyFormatType | undefined {
  return numberOf(attributes, keyFormat) as KeyFormatType | undefined;
}

/**
 * The server complies with the Key Format Type that is asked for, or refuses (KMIP 2.1 §4.26).
 * Throws KmipError Invalid Attribute Value.
 */
function requireFormat(input: {
  readonly attributes: readonly AttributeInstance[];
  readonly form: readonly Item[];
}): void {
  const asked = askedFormat(input.attributes);
  const block = input.form.find(({ tag }) => tag === Tag.KeyBlock);
  if (asked === undefined || block?.type !== 'Structure') return;
  if (block.value.find(({ tag }) => tag === Tag.KeyFormatType)?.value === asked) return;
  throw new KmipError(ResultReason.InvalidAttributeValue, 'The key is not kept in this format');
}

/** What the server itself says of a new object (KMIP 1.4 §3.34, §3.43, §3.44, §3.48 to §3.51). */
function serverAttributes(
  input: {
    readonly objectType: ObjectType;
    readonly attributes: readonly AttributeInstance[];
    readonly made?: boolean;
  },
  { now }: Context,
): AttributeInstance[] {
  if (input.objectType === ObjectType.Template) return [];
  const one = (name: string, value: Value): AttributeInstance => ({ name, index: 0, value });
  const truth = one('', { type: 'Boolean', value: true }).value;
  const said = (name: string, value: boolean): boolean =>
    input.attributes.some((each) => each.name === name && each.value.value === value);
  const attributes = [one('Fresh', truth)];
  if (said('Sensitive', true)) attributes.push(one('Always Sensitive', truth));
  if (said('Extractable', false)) attributes.push(one('Never Extractable', truth));
  if (input.made !== true) return attributes;
  const created = { type: 'DateTime', value: BigInt(now()) } as const;
  return [
    ...attributes,
    one('Original Creation Date', created),
    one('Random Number Generator', generator),
  ];
}

/** OpenSSL's generator: CTR_DRBG over AES-256 (NIST SP 800-90A), seeded by the system. */
export const generator: Value = {
  type: 'Structure',
  value: [
    { tag: Tag.RNGAlgorithm, type: 'Enumeration', value: RNGAlgorithm.DRBG },
    { tag: Tag.CryptographicAlgorithm, type: 'Enumeration', value: CryptographicAlgorithm.AES },
    { tag: Tag.CryptographicLength, type: 'Integer', value: 256 },
  ],
};

function partition(
  attributes: readonly AttributeInstance[],
): [{ name: string; value: number }[], AttributeInstance[]] {
  const isDate = ({ name }: AttributeInstance): boolean =>
    (dateNames as readonly string[]).includes(name);
  const dates = attributes
    .filter(isDate)
    .map(({ name, value }) => ({ name, value: Number(value.value) }));
  return [dates, attributes.filter((attribute) => !isDate(attribute))];
}

function digestOf(
  bytes: Uint8Array | undefined,
  keyFormatType: KeyFormatType = KeyFormatType.Raw,
): AttributeInstance | undefined {
  if (bytes === undefined) return undefined;
  const digest = createHash('sha256').update(bytes).digest();
  const value: Item[] = [
    { tag: Tag.HashingAlgorithm, type: 'Enumeration', value: HashingAlgorithm.SHA_256 },
    { tag: Tag.DigestValue, type: 'ByteString', value: digest },
    { tag: Tag.KeyFormatType, type: 'Enumeration', value: keyFormatType },
  ];
  return { name: 'Digest', index: 0, value: { type: 'Structure', value } };
}

/**
 * Stores the object. Throws KmipError: Non Unique Name Attribute where a name is taken in its key
 * group, Constraint Violation where the group does not have such objects.
 */
export function storeObject(object: NewObject, draft: Draft, context: Context): void {
  const { uniqueIdentifier, objectType, attributes, form, material } = object;
  const dates = object.dates.map(({ name, value }): AttributeInstance => ({
    ...{ name, index: 0, value: { type: 'DateTime', value: BigInt(value) } },
  }));
  requireWithin(objectType, [...attributes, ...dates], context);
  for (const { name, value } of attributes) {
    if (name === 'Name') refuseTakenName(value, draft, context);
  }
  draft.append({
    kind: 'object-created',
    object: uniqueIdentifier,
    group: context.client.group,
    objectType,
    attributes,
    form,
    ...(material === undefined ? {} : { material }),
  });
  for (const { name, value } of object.dates) {
    draft.append({ kind: 'date-set', object: uniqueIdentifier, name, value });
  }
  context.place(uniqueIdentifier);
}

/** Names are unique among a group's objects that are not destroyed (KMIP 1.4 §3.2). */
export function refuseTakenName(value: Value, draft: Draft, { client }: Context): void {
  const filter = { attributes: [{ name: 'Name', value }], dates: [], offset: 0, maximum: 1 };
  if (draft.locate(client.group, filter).length > 0) {
    throw new KmipError(ResultReason.NonUniqueNameAttribute, 'The name is taken');
  }
}
