import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { CryptographicAlgorithm, ObjectType, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { CryptographicUsageMask } from '../kmip/mask.ts';
import { Tag } from '../kmip/tag.ts';
import type { Item, Value } from '../ttlv/item.ts';
import { enumeration, optional, repeated, required, structure } from '../ttlv/structure.ts';
import { textString } from '../ttlv/structure.ts';
import type { Decoded } from '../ttlv/structure.ts';
import { templateAttribute, valueOf } from './attribute-codec.ts';
import { sameValue } from './object-attribute.ts';
import type { Context } from './operation.ts';

const objectTypes = structure({ each: repeated(Tag.ObjectType, enumeration(ObjectType)) });
/** A list of Object Groups (KMIP 2.1 §7.23). */
export const objectGroups = structure({ each: repeated(Tag.ObjectGroup, textString) });

/** Object Defaults (KMIP 2.1 §7.22): for one type or several, in all groups or in those named. */
const objectDefaults = structure({
  objectType: optional(Tag.ObjectType, enumeration(ObjectType)),
  objectTypes: optional(Tag.ObjectTypes, objectTypes, { since: 201 }),
  attributes: required(Tag.Attributes, templateAttribute),
  objectGroups: optional(Tag.ObjectGroups, objectGroups, { since: 201 }),
});

/** Defaults Information (KMIP 2.1 §7.11). */
export const defaultsInformation = structure({
  each: repeated(Tag.ObjectDefaults, objectDefaults),
});

/** Constraint (KMIP 2.1 §7.6): what is left out does not narrow whom it concerns. */
const constraint = structure({
  objectTypes: optional(Tag.ObjectTypes, objectTypes),
  objectGroups: optional(Tag.ObjectGroups, objectGroups),
  attributes: optional(Tag.Attributes, templateAttribute),
});

/** Constraints (KMIP 2.1 §7.7). */
export const constraints = structure({ each: repeated(Tag.Constraint, constraint) });

type Defaults = Decoded<typeof defaultsInformation>;
type Constraints = Decoded<typeof constraints>;

const { Encrypt, Decrypt, Sign, Verify } = CryptographicUsageMask;
const { AES, RSA } = CryptographicAlgorithm;

/** What the server does where neither client nor key group says otherwise (KMIP 2.1 §4). */
const own: readonly (readonly [ObjectType, algorithm: number, length: number, mask: number])[] = [
  [ObjectType.SymmetricKey, AES, 256, Encrypt | Decrypt],
  [ObjectType.PrivateKey, RSA, 3072, Sign | Decrypt],
  [ObjectType.PublicKey, RSA, 3072, Verify | Encrypt],
];

const ownDefaults: Defaults = {
  each: own.map(([objectType, algorithm, length, mask]) => ({
    objectType,
    attributes: {
      names: [],
      attributes: [
        wire('Cryptographic Algorithm', Tag.CryptographicAlgorithm, 'Enumeration', algorithm),
        wire('Cryptographic Length', Tag.CryptographicLength, 'Integer', length),
        wire('Cryptographic Usage Mask', Tag.CryptographicUsageMask, 'Integer', mask),
      ],
    },
  })),
};

function wire(
  attributeName: string,
  tag: number,
  type: 'Enumeration' | 'Integer',
  value: number,
): { readonly attributeName: string; readonly attributeValue: Item } {
  return { attributeName, attributeValue: { tag, type, value } };
}

/** The version whose words the settings are kept in. */
const keptIn = 201;

/**
 * The defaults of the client's key group, and behind them the server's own; of object groups that
 * are named, those alone that concern one of them.
 */
export function defaultsOf({ client, keystore }: Context, named?: readonly string[]): Defaults {
  const set = keystore
    .rules(client.group, 'defaults')
    .flatMap((item) => defaultsInformation.read(item, keptIn).each);
  const all = [...set, ...ownDefaults.each];
  if (named === undefined) return { each: all };
  return {
    each: all.filter(
      ({ objectGroups: own }) => own?.each.some((each) => named.includes(each)) ?? true,
    ),
  };
}

/** The constraints of the client's key group; all of them hold. */
export function constraintsOf({ client, keystore }: Context): Constraints {
  const each = keystore
    .rules(client.group, 'constraints')
    .flatMap((item) => constraints.read(item, keptIn).each);
  return { each };
}

/**
 * The attributes of a new object with what is supplied where the request leaves it out: from 2.0 on
 * (KMIP 2.1 §4). A length belongs to its algorithm, so it comes with no other one.
 */
export function withDefaults(
  objectType: ObjectType,
  attributes: readonly AttributeInstance[],
  context: Context,
): AttributeInstance[] {
  if (context.version < 200) return [...attributes];
  const all = [...attributes];
  for (const defaults of defaultsOf(context).each) {
    if (!concerns(defaults, objectType, all)) continue;
    const supplied = defaults.attributes.attributes.map((each) => ({
      name: each.attributeName,
      value: valueOf(each),
    }));
    const algorithm = supplied.find(({ name }) => name === 'Cryptographic Algorithm');
    const present = all.find(({ name }) => name === 'Cryptographic Algorithm');
    const another =
      algorithm !== undefined &&
      present !== undefined &&
      !sameValue(algorithm.value, present.value);
    const had = new Set(all.map(({ name }) => name));
    for (const { name, value } of supplied) {
      if (had.has(name) || (another && name === 'Cryptographic Length')) continue;
      all.push({ name, index: all.filter((each) => each.name === name).length, value });
    }
  }
  return all;
}

interface Concern {
  readonly objectType?: ObjectType;
  readonly objectTypes?: { readonly each: readonly ObjectType[] };
  readonly objectGroups?: { readonly each: readonly string[] };
}

function concerns(
  { objectType: one, objectTypes: types, objectGroups: groups }: Concern,
  objectType: ObjectType,
  attributes: readonly AttributeInstance[],
): boolean {
  const named = types?.each ?? (one === undefined ? undefined : [one]);
  if (named?.includes(objectType) === false) return false;
  if (groups === undefined) return true;
  return attributes.some(
    ({ name, value }) =>
      name === 'Object Group' && value.type === 'TextString' && groups.each.includes(value.value),
  );
}

/** Refuses a new object outside its key group's constraints: KmipError Constraint Violation. */
export function requireWithin(
  objectType: ObjectType,
  attributes: readonly AttributeInstance[],
  context: Context,
): void {
  if (objectType === ObjectType.Template) return;
  for (const each of constraintsOf(context).each) {
    if (!concerns(each, objectType, attributes)) continue;
    const allowed = new Map<string, Value[]>();
    for (const said of each.attributes?.attributes ?? []) {
      allowed.set(said.attributeName, [...(allowed.get(said.attributeName) ?? []), valueOf(said)]);
    }
    for (const [name, values] of allowed) {
      const has = attributes.filter((attribute) => attribute.name === name);
      const fits = has.length > 0 && has.every(({ value }) => isAmong(name, value, values));
      if (fits) continue;
      const message = `${name} is outside the constraints of the key group`;
      throw new KmipError(ResultReason.ConstraintViolation, message);
    }
  }
}

/** One of the values; of a mask, no use beyond one of them. */
function isAmong(name: string, value: Value, values: readonly Value[]): boolean {
  if (name !== 'Cryptographic Usage Mask' || value.type !== 'Integer') {
    return values.some((each) => sameValue(each, value));
  }
  return values.some((each) => each.type === 'Integer' && (value.value & ~each.value) === 0);
}
