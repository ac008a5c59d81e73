import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { LinkType, ResultReason, State } from '../kmip/enumeration.ts';
import type { KeyFormatType } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { Tag } from '../kmip/tag.ts';
import type { Draft } from '../keystore/keystore.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { dateOf } from './key-use.ts';
import { linked, linkValue, setLink } from './link.ts';
import { numberOf, storeObject } from './new-object.ts';
import type { NewObject } from './new-object.ts';
import type { Context } from './operation.ts';

/** What a replacement does not take over from the object it replaces (KMIP 1.4 §4.4, table 173). */
const notTaken: ReadonlySet<string> = new Set([
  'Digest',
  'Fresh',
  'Always Sensitive',
  'Never Extractable',
  'Original Creation Date',
  'Random Number Generator',
  'Archive Date',
  'Process Start Date',
  'Protect Stop Date',
  'Link',
  'Usage Limits',
  'Rotate Date',
  'Rotate Generation',
  'Rotate Latest',
]);

const dates = [
  'Activation Date',
  'Process Start Date',
  'Protect Stop Date',
  'Deactivation Date',
] as const;

type When = (typeof dates)[number];

/**
 * The attributes of a replacement: those of the object, unless the request says otherwise, with its
 * dates moved so that the new Activation Date lies `offset` seconds after now (§4.4, table 172).
 * Throws KmipError: Invalid Message where offset and dates come together, Illegal Operation where
 * the object has no Activation Date that the others could follow.
 */
export function replacementAttributes(
  object: ManagedObject,
  requested: readonly AttributeInstance[],
  offset: number | undefined,
  context: Context,
): AttributeInstance[] {
  const said = new Set(requested.map(({ name }) => name));
  if (offset !== undefined && dates.some((name) => said.has(name))) {
    throw new KmipError(ResultReason.InvalidMessage, 'An Offset stands in the place of dates');
  }
  const limits = object.attributes.filter(({ name }) => name === 'Usage Limits').map(renewed);
  const taken = object.attributes.filter(({ name }) => !notTaken.has(name));
  const kept = [...taken, ...limits].filter(({ name }) => !said.has(name));
  const moved = movedDates(object, offset, context.now());
  const added = dates.filter((name) => moved[name] !== undefined && !said.has(name));
  return [
    ...kept,
    ...requested,
    ...rotation(object, context.now()),
    ...added.map((name): AttributeInstance => {
      const value = { type: 'DateTime', value: BigInt(moved[name] ?? 0) } as const;
      return { name, index: 0, value };
    }),
  ];
}

/** What 2.1 says of an object that came in another's place (KMIP 2.1 §4.49, §4.50, §4.52). */
function rotation({ attributes }: ManagedObject, now: number): AttributeInstance[] {
  const generation = numberOf(attributes, 'Rotate Generation') ?? 0;
  return [
    { name: 'Rotate Date', index: 0, value: { type: 'DateTime', value: BigInt(now) } },
    { name: 'Rotate Generation', index: 0, value: { type: 'Integer', value: generation + 1 } },
    latest(true),
  ];
}

function latest(value: boolean): AttributeInstance {
  return { name: 'Rotate Latest', index: 0, value: { type: 'Boolean', value } };
}

/** A limit begins anew with a new key: its count is the total again. */
function renewed(attribute: AttributeInstance): AttributeInstance {
  const { value } = attribute;
  if (value.type !== 'Structure') return attribute;
  // The count is what is left of the old key's; the total stands before it.
  const items = value.value.filter(({ type }, i) => !(type === 'LongInteger' && i === 1));
  return { ...attribute, value: { type: 'Structure', value: items } };
}

function movedDates(
  object: ManagedObject,
  offset: number | undefined,
  now: number,
): Partial<Record<When, number>> {
  if (offset === undefined) return {};
  const old: Record<When, number | undefined> = {
    'Activation Date': object.activationDate,
    'Process Start Date': dateOf(object, 'Process Start Date'),
    'Protect Stop Date': dateOf(object, 'Protect Stop Date'),
    'Deactivation Date': object.deactivationDate,
  };
  const begins = old['Activation Date'];
  const others = dates.slice(1).some((name) => old[name] !== undefined);
  if (begins === undefined && others) {
    const message = 'The object has no Activation Date that its other dates could follow';
    throw new KmipError(ResultReason.IllegalOperation, message);
  }
  const activation = now + offset;
  const moved: Partial<Record<When, number>> = { 'Activation Date': activation };
  for (const name of dates.slice(1)) {
    const value = old[name];
    if (value !== undefined && begins !== undefined) moved[name] = value - begins + activation;
  }
  return moved;
}

/**
 * Refuses an object that may not be replaced. Throws KmipError: Wrong Key Lifecycle State for one
 * that is compromised or destroyed, Permission Denied for one that was replaced: of all that came
 * one after the other only the last has Rotate Latest (KMIP 2.1 §4.52).
 */
export function refuseReplacement(object: ManagedObject): void {
  const { Compromised, Destroyed, DestroyedCompromised } = State;
  if ([Compromised, Destroyed, DestroyedCompromised].some((state) => state === object.state)) {
    throw new KmipError(ResultReason.WrongKeyLifecycleState, 'The object cannot be replaced');
  }
  if (linked(object, LinkType.ReplacementObjectLink) !== undefined) {
    throw new KmipError(ResultReason.PermissionDenied, 'The object was replaced already');
  }
}

/** The Key Format Type that an object is kept in; undefined where it has none. */
export function keptFormat({ form }: ManagedObject): KeyFormatType | undefined {
  const block = form.find(({ tag }) => tag === Tag.KeyBlock);
  const items = block?.type === 'Structure' ? block.value : [];
  return items.find(({ tag }) => tag === Tag.KeyFormatType)?.value as KeyFormatType | undefined;
}

/** The link of a replacement back to what it replaces. */
export function replacedLink(
  attributes: readonly AttributeInstance[],
  identifier: string,
): AttributeInstance {
  const index = attributes.filter(({ name }) => name === 'Link').length;
  return { name: 'Link', index, value: linkValue(LinkType.ReplacedObjectLink, identifier) };
}

/**
 * Stores a replacement in the place of its object: the name goes over to it, and each of the two
 * links to the other (§4.4).
 */
export function storeReplacement(
  made: NewObject,
  object: ManagedObject,
  draft: Draft,
  context: Context,
): void {
  const names = new Set(
    made.attributes.filter(({ name }) => name === 'Name').map(({ value }) => JSON.stringify(value)),
  );
  for (const { name, index, value } of object.attributes) {
    if (name !== 'Name' || !names.has(JSON.stringify(value))) continue;
    const { uniqueIdentifier } = object;
    draft.append({ kind: 'attribute-deleted', object: uniqueIdentifier, name, index });
  }
  storeObject(made, draft, context);
  setLink(draft, object, LinkType.ReplacementObjectLink, made.uniqueIdentifier);
  const isKept = object.attributes.some(({ name }) => name === 'Rotate Latest');
  const mode = isKept ? 'modify' : 'add';
  const { uniqueIdentifier } = object;
  const attribute = latest(false);
  draft.append({ kind: 'attribute-set', object: uniqueIdentifier, attribute, mode });
  context.place(made.uniqueIdentifier);
}
