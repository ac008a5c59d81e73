import { checkAttribute } from '../kmip/attribute.ts';
import { ObjectGroupMember, Operation, ResultReason } from '../kmip/enumeration.ts';
import type { ObjectType, State } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { LocateFilter } from '../keystore/locate.ts';
import type { Value } from '../ttlv/item.ts';
import { enumeration, integer, optional, repeated, structure } from '../ttlv/structure.ts';
import { attribute, inAttributes, valueOf } from './attribute-codec.ts';
import { objectNamed } from '../keystore/imported.ts';
import { attributesOf, defaults, sameValue } from './object-attribute.ts';
import { defineReading } from './operation.ts';
import type { Context, View } from './operation.ts';
import { protectionStorage } from './protection-storage.ts';

/** The most identifiers that one answer holds; a client that wants more gives an offset. */
const identifiersMost = 10_000;

/** Locate (KMIP 1.4 §4.9): identifiers of the group's objects that have all the attributes. */
export const locate = defineReading({
  operation: Operation.Locate,
  since: 100,
  policy: { target: 'group', right: 'locate' },
  request: structure({
    maximumItems: optional(Tag.MaximumItems, integer),
    offsetItems: optional(Tag.OffsetItems, integer, { since: 103 }),
    storageStatusMask: optional(Tag.StorageStatusMask, integer),
    objectGroupMember: optional(Tag.ObjectGroupMember, enumeration(ObjectGroupMember), {
      since: 101,
    }),
    attributes: repeated(Tag.Attribute, attribute, inAttributes),
  }),
  response: structure({
    locatedItems: optional(Tag.LocatedItems, integer, { since: 103 }),
    uniqueIdentifiers: repeated(Tag.UniqueIdentifier, identifier),
  }),
  prepare: (request, context) => (view) => {
    const { maximumItems = identifiersMost, offsetItems = 0, storageStatusMask } = request;
    if (maximumItems < 0 || offsetItems < 0) {
      throw new KmipError(ResultReason.InvalidField, 'A count is negative');
    }
    const conditions = request.attributes.map((wire) => {
      const value = valueOf(wire);
      checkAttribute(wire.attributeName, value, context.version);
      return { name: wire.attributeName, value };
    });
    const { GroupMemberFresh, GroupMemberDefault } = ObjectGroupMember;
    if (request.objectGroupMember === GroupMemberFresh) {
      conditions.push({ name: 'Fresh', value: { type: 'Boolean', value: true } });
    }
    // The default member of a group is its oldest.
    const one = request.objectGroupMember === GroupMemberDefault;
    const maximum = Math.min(maximumItems, one ? 1 : identifiersMost);
    const [computed, kept] = partition(conditions, context.version);
    const filter = {
      ...filterOf(kept, offsetItems, maximum),
      ...(storageStatusMask === undefined ? {} : { storage: storageStatusMask }),
    };
    const { group } = context.client;
    if (filter.uniqueIdentifier !== undefined) {
      // An imported object is known by the identifier that its client chose.
      const named = objectNamed(view, group, filter.uniqueIdentifier)?.uniqueIdentifier;
      filter.uniqueIdentifier = named ?? filter.uniqueIdentifier;
    }
    const all = { ...filter, offset: 0, maximum: countedMost };
    const matching = computed.length === 0 ? undefined : matchingOf(view, all, computed, context);
    const uniqueIdentifiers =
      matching?.slice(offsetItems, offsetItems + maximum) ?? view.locate(group, filter);
    context.list(uniqueIdentifiers.length);
    const [only, ...others] = uniqueIdentifiers;
    if (only !== undefined && others.length === 0) context.place(only);
    const cut = request.maximumItems !== undefined || request.offsetItems !== undefined;
    if (!cut || context.version < 103) return { uniqueIdentifiers };
    const { length: locatedItems } = matching ?? view.locate(group, all);
    return { locatedItems, uniqueIdentifiers };
  },
});

/** As far as the answer counts what it does not list. */
const countedMost = 100_000;

/** As many objects are read for attributes that the keystore does not know by value. */
const readMost = 10_000;

interface Condition {
  readonly name: string;
  readonly value: Value;
}

/**
 * The conditions on what is computed of each object when it is read, and all others. A Digest of
 * 1.0 lacks the Key Format Type that the one which is kept has.
 */
function partition(
  conditions: readonly Condition[],
  version: number,
): readonly [computed: readonly Condition[], kept: readonly Condition[]] {
  const names = ['Short Unique Identifier', 'Key Format Type', 'Opaque Data Type'];
  if (version < 101) names.push('Digest');
  const isComputed = ({ name }: Condition): boolean => names.includes(name);
  return [conditions.filter(isComputed), conditions.filter((each) => !isComputed(each))];
}

/**
 * The objects of the client's group that a filter finds and that have what is computed too. Throws
 * KmipError Server Limit Exceeded where the filter leaves too many to be read.
 */
function matchingOf(
  view: View,
  filter: LocateFilter,
  computed: readonly Condition[],
  context: Context,
): string[] {
  const candidates = view.locate(context.client.group, { ...filter, maximum: readMost + 1 });
  if (candidates.length > readMost) {
    const message = 'Too many objects: name another attribute besides';
    throw new KmipError(ResultReason.ServerLimitExceeded, message);
  }
  return candidates.filter((identifier) => {
    const object = view.object(identifier);
    const own = object === undefined ? [] : attributesOf(object, context.version);
    return computed.every(({ name, value }) =>
      own.some((each) => each.name === name && sameValue(each.value, value)),
    );
  });
}

type Draft = { -readonly [K in keyof LocateFilter]: LocateFilter[K] } & {
  attributes: { name: string; value: Value }[];
  standing: { name: string; value: Value }[];
};

/** What every object has, unless a record says otherwise. */
const standing: readonly Condition[] = [
  ...defaults,
  { name: 'Protection Storage Mask', value: { type: 'Integer', value: protectionStorage } },
];

/** Sorts the conditions into those the keystore has columns for and those it matches by value. */
function filterOf(conditions: readonly Condition[], offset: number, maximum: number): LocateFilter {
  const filter: Draft = {
    ...{ attributes: [], standing: [], dates: [], offset, maximum },
  };
  const moments = new Map<string, number[]>();
  for (const { name, value } of conditions) {
    if (name === 'Object Type') filter.objectType = value.value as ObjectType;
    else if (name === 'State') filter.state = value.value as State;
    else if (name === 'Unique Identifier' && value.type === 'TextString') {
      filter.uniqueIdentifier = value.value;
    } else if (name === 'Cryptographic Usage Mask') filter.usageMask = Number(value.value);
    else if (value.type === 'DateTime') {
      moments.set(name, [...(moments.get(name) ?? []), Number(value.value)]);
    } else if (standing.some((each) => each.name === name && sameValue(each.value, value))) {
      filter.standing.push({ name, value });
    } else filter.attributes.push({ name, value });
  }
  // One date is that moment, two are a range (§4.9).
  filter.dates = [...moments].map(([name, values]) => ({
    name,
    from: Math.min(...values),
    to: Math.max(...values),
  }));
  return filter;
}
