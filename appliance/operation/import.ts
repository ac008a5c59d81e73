import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { KeyWrapType, ObjectType, Operation, ResultReason } from '../kmip/enumeration.ts';
import { RevocationReasonCode, State } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier, referenceOf } from '../kmip/identifier.ts';
import { isCompromise, stateAt } from '../kmip/state.ts';
import { Tag } from '../kmip/tag.ts';
import type { Draft } from '../keystore/keystore.ts';
import type { Item } from '../ttlv/item.ts';
import { boolean, enumeration, optional, repeated, required } from '../ttlv/structure.ts';
import { structure } from '../ttlv/structure.ts';
import { attribute, inAttributes, valueOf } from './attribute-codec.ts';
import type { WireAttribute } from './attribute-codec.ts';
import { objectFields, sealGiven, soleObject, typeOf } from './given-object.ts';
import {
  chosenIdentifier,
  importedIdentifier,
  isDestroyed,
  objectNamed,
} from '../keystore/imported.ts';
import { checkNew, numberOf, refuseMore, storeObject } from './new-object.ts';
import { defineChange } from './operation.ts';
import { storageField } from './protection-storage.ts';
import type { Context } from './operation.ts';
import { unwrapped, wrappingDataOf } from './wrapped-object.ts';
import { wipe } from './wipe.ts';

/**
 * Import (KMIP 1.4 §4.41): an object with all its attributes, under the identifier that the client
 * gives it. One that it replaces is destroyed as by Destroy: its material stays sealed for a time.
 */
export const importObject = defineChange({
  operation: Operation.Import,
  since: 104,
  policy: { target: 'group', right: 'create' },
  request: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
    objectType: optional(Tag.ObjectType, enumeration(ObjectType)),
    replaceExisting: optional(Tag.ReplaceExisting, boolean),
    keyWrapType: optional(Tag.KeyWrapType, enumeration(KeyWrapType)),
    attributes: repeated(Tag.Attribute, attribute, inAttributes),
    ...objectFields,
    ...storageField,
  }),
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
  }),
  async prepare(request, context) {
    const { uniqueIdentifier: chosen, replaceExisting = false } = request;
    requireFit(chosen);
    const given = soleObject(request.objectType, request);
    const objectType = request.objectType ?? typeOf(given);
    const { kept, life } = importedAttributes(request.attributes, chosen, objectType, context);
    const unwrap = request.keyWrapType === KeyWrapType.NotWrapped;
    const opens = unwrap && wrappingDataOf(given) !== undefined;
    const object: Item = opens ? await unwrapped(given, context) : given;
    const kepts = [...kept, chosenIdentifier(chosen)];
    const internal = importedIdentifier(context.newIdentifier());
    const made = await sealGiven(objectType, object, kepts, context, internal);
    if (opens) wipe(object);
    return (draft) => {
      const before = objectNamed(draft, context.client.group, chosen);
      // What is destroyed has no key that could be taken for this one.
      if (before !== undefined && !isDestroyed(before)) {
        if (!replaceExisting) {
          throw new KmipError(ResultReason.ObjectAlreadyExists, 'There is an object of this name');
        }
        replace(chosen, draft, context);
      }
      storeObject(made, draft, context);
      livingOn(made.uniqueIdentifier, life, draft, context);
      return { uniqueIdentifier: made.uniqueIdentifier };
    };
  },
});

/**
 * Destroys what an import takes the place of, where Destroy would (§4.21): an object that is Active
 * or in the archive stays. Throws KmipError Permission Denied, which is in Import's own table
 * (KMIP 2.1 §11) where Wrong Key Lifecycle State is not, and Object Archived.
 */
function replace(chosen: string, draft: Draft, context: Context): void {
  const { state, uniqueIdentifier } = context.target(draft, chosen);
  if (state === State.Active) {
    const message = 'An Active object has to be revoked before it is replaced';
    throw new KmipError(ResultReason.PermissionDenied, message);
  }
  draft.append({ kind: 'destroy-intended', object: uniqueIdentifier, date: context.now() });
}

/** Refuses identifiers that nobody could name again: KmipError Invalid Field. */
function requireFit(chosen: string): void {
  const fits = chosen.length > 0 && chosen.length <= 256 && referenceOf(chosen) === undefined;
  if (!fits) throw new KmipError(ResultReason.InvalidField, 'Not a Unique Identifier');
}

/** What the attributes of an import say of the object's life so far. */
interface ImportedLife {
  readonly state: State | undefined;
  readonly revocation: { readonly code: number; readonly message?: string } | undefined;
  readonly compromiseDate: number | undefined;
  readonly compromiseOccurrenceDate: number | undefined;
  readonly deactivationDate: number | undefined;
  readonly activationDate: number | undefined;
  readonly destroyDate: number | undefined;
  readonly used: bigint;
}

/** What the records of the import say, or the object itself: no attribute of its own is kept. */
const saidElsewhere: ReadonlySet<string> = new Set([
  'Unique Identifier',
  'Object Type',
  'State',
  'Compromise Date',
  'Compromise Occurrence Date',
  'Destroy Date',
  'Revocation Reason',
  'Last Change Date',
  'Lease Time',
  'Key Format Type',
  'Opaque Data Type',
  'Protection Storage Mask',
  'Key Value Present',
  'Short Unique Identifier',
]);

/**
 * The attributes as they are given: here the client says what elsewhere the server sets (§4.41).
 * Throws KmipError where one is unknown, does not fit, comes twice and may not, or contradicts.
 */
function importedAttributes(
  wires: readonly WireAttribute[],
  chosen: string,
  objectType: ObjectType,
  context: Context,
): { readonly kept: AttributeInstance[]; readonly life: ImportedLife } {
  const count = new Map<string, number>();
  const all = wires.map((wire): AttributeInstance => {
    const { attributeName: name } = wire;
    const value = valueOf(wire);
    const rule = checkNew(name, value, context);
    const index = count.get(name) ?? 0;
    refuseMore(index);
    if (index > 0 && !rule.multiple) {
      const message = `${name} has one value`;
      throw new KmipError(ResultReason.AttributeSingleValued, message);
    }
    count.set(name, index + 1);
    return { name, index, value };
  });
  const valueIn = (name: string): unknown => all.find((each) => each.name === name)?.value.value;
  const contradicts =
    (count.has('Unique Identifier') && valueIn('Unique Identifier') !== chosen) ||
    (count.has('Object Type') && valueIn('Object Type') !== objectType);
  const life = lifeIn(all);
  if (contradicts || !isPossible(life, context.now())) {
    const message = 'The attributes contradict the object or each other';
    throw new KmipError(ResultReason.InvalidAttributeValue, message);
  }
  return { kept: all.filter(({ name }) => !saidElsewhere.has(name)), life };
}

function lifeIn(all: readonly AttributeInstance[]): ImportedLife {
  const dateIn = (name: string): number | undefined => {
    const value = all.find((each) => each.name === name)?.value;
    return value?.type === 'DateTime' ? Number(value.value) : undefined;
  };
  const fieldsOf = (name: string): readonly Item[] => {
    const value = all.find((each) => each.name === name)?.value;
    return value?.type === 'Structure' ? value.value : [];
  };
  const reason = fieldsOf('Revocation Reason');
  const code = reason.find(({ tag }) => tag === Tag.RevocationReasonCode)?.value;
  const message = reason.find(({ tag }) => tag === Tag.RevocationMessage)?.value;
  const limits = fieldsOf('Usage Limits');
  const amount = (tag: number): bigint | undefined => {
    const value = limits.find((each) => each.tag === tag)?.value;
    return typeof value === 'bigint' ? value : undefined;
  };
  const total = amount(Tag.UsageLimitsTotal) ?? 0n;
  const used = total - (amount(Tag.UsageLimitsCount) ?? total);
  const said = typeof message === 'string' ? { message } : {};
  return {
    state: numberOf(all, 'State') as State | undefined,
    revocation: typeof code === 'number' ? { code, ...said } : undefined,
    compromiseDate: dateIn('Compromise Date'),
    compromiseOccurrenceDate: dateIn('Compromise Occurrence Date'),
    deactivationDate: dateIn('Deactivation Date'),
    activationDate: dateIn('Activation Date'),
    destroyDate: dateIn('Destroy Date'),
    used: used > 0n ? used : 0n,
  };
}

const compromisedStates: readonly (State | undefined)[] = [
  State.Compromised,
  State.DestroyedCompromised,
];
const destroyedStates: readonly (State | undefined)[] = [
  State.Destroyed,
  State.DestroyedCompromised,
];

/** Dates that have passed make a state: one that is said beside them has to be no earlier. */
function isPossible(life: ImportedLife, now: number): boolean {
  const { state, activationDate, deactivationDate } = life;
  if (state === undefined) return true;
  const by = stateAt(
    {
      compromised: false,
      destroyed: false,
      ...(activationDate === undefined ? {} : { activationDate }),
      ...(deactivationDate === undefined ? {} : { deactivationDate }),
    },
    now,
  );
  return state >= by;
}

/** Brings a new object into the state that it is said to be in. */
function livingOn(object: string, life: ImportedLife, draft: Draft, context: Context): void {
  const now = context.now();
  const { state, revocation } = life;
  const compromised =
    compromisedStates.includes(state) ||
    (revocation !== undefined && isCompromise(revocation.code));
  if (compromised) {
    const occurrence = life.compromiseOccurrenceDate;
    const { code } = revocation ?? { code: RevocationReasonCode.KeyCompromise };
    draft.append({
      kind: 'object-revoked',
      object,
      code: isCompromise(code) ? code : RevocationReasonCode.KeyCompromise,
      ...(revocation?.message === undefined ? {} : { message: revocation.message }),
      date: life.compromiseDate ?? now,
      ...(occurrence === undefined ? {} : { compromiseOccurrenceDate: occurrence }),
    });
  } else if (state === State.Deactivated || revocation !== undefined) {
    draft.append({
      kind: 'object-revoked',
      object,
      ...(revocation ?? { code: RevocationReasonCode.CessationOfOperation }),
      date: life.deactivationDate ?? now,
    });
  } else if (state === State.Active && (life.activationDate ?? Infinity) > now) {
    draft.append({ kind: 'object-activated', object, date: now });
  }
  if (life.used > 0n) draft.spend(object, life.used);
  if (destroyedStates.includes(state) || life.destroyDate !== undefined) {
    draft.append({ kind: 'destroy-intended', object, date: life.destroyDate ?? now });
  }
}
