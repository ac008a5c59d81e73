import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { attributeRule } from '../kmip/attribute.ts';
import type { AttributeRule } from '../kmip/attribute-rule.ts';
import { ObjectType, ResultReason, State } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { dateNames } from '../keystore/fold.ts';
import { Tag } from '../kmip/tag.ts';
import type { Draft } from '../keystore/keystore.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { dateOf } from './key-use.ts';
import { checkNew, refuseInapplicable, refuseTakenName } from './new-object.ts';
import type { Value } from '../ttlv/item.ts';
import type { Context } from './operation.ts';

/** Whether an attribute is one of the dates that the keystore keeps apart. */
export function isDate(name: string): boolean {
  return (dateNames as readonly string[]).includes(name);
}

/** The rule of an attribute that has to exist. Throws KmipError Item Not Found (§11.15). */
export function existingRule(name: string, version: number): AttributeRule {
  const rule = attributeRule(name, version);
  if (rule === undefined) throw new KmipError(ResultReason.InvalidAttribute, 'No such attribute');
  return rule;
}

/**
 * Refuses to change what the object's state, or a date that has come, has made final (KMIP 1.4
 * §3.21, §3.24 to §3.27). Throws KmipError Wrong Key Lifecycle State.
 */
export function refuseLate(
  name: string,
  rule: AttributeRule,
  object: ManagedObject,
  { now }: Context,
): void {
  const { PreActive, Active } = State;
  const late = object.state === PreActive || object.state === Active;
  const date = dateOf(object, name);
  const allowed = {
    yes: true,
    no: false,
    early: object.state === PreActive,
    late,
    unreached: late && (date === undefined || now() < date),
    unspent: isUnspent(object),
  };
  if (!allowed[rule.modifiable]) refuseNow();
}

/** Refuses to delete Usage Limits of which something was taken (KMIP 1.4 §3.21). */
export function refuseSpent(rule: AttributeRule, object: ManagedObject): void {
  if (rule.deletable === 'unspent' && !isUnspent(object)) refuseNow();
}

function refuseNow(): never {
  const message = 'The attribute cannot be changed now';
  throw new KmipError(ResultReason.WrongKeyLifecycleState, message);
}

/** Whether all that the Usage Limits allow is still there. */
function isUnspent({ attributes }: ManagedObject): boolean {
  const value = attributes.find(({ name }) => name === 'Usage Limits')?.value;
  const items = value?.type === 'Structure' ? value.value : [];
  const number = (tag: number): unknown => items.find((item) => item.tag === tag)?.value;
  const count = number(Tag.UsageLimitsCount);
  return count === undefined || count === number(Tag.UsageLimitsTotal);
}

/**
 * Puts an instance in its place, in the place of the one with its index or as a further one. Throws
 * KmipError Permission Denied for a date that the object's state has passed by, and where the name
 * is taken.
 */
export function putInstance(
  draft: Draft,
  object: ManagedObject,
  instance: AttributeInstance,
  mode: 'add' | 'modify',
  context: Context,
): void {
  const { uniqueIdentifier } = object;
  const { name, value } = instance;
  refuseInapplicable(name, object.objectType, context);
  if (isDate(name)) {
    const date = Number(value.value);
    draft.append({ kind: 'date-set', object: uniqueIdentifier, name, value: date });
    return;
  }
  if (name === 'Name') refuseTakenName(value, draft, context);
  // What stands without being kept is kept from its first change on.
  const kept = draft.object(uniqueIdentifier)?.attributes ?? [];
  const isKept = kept.some((each) => each.name === name && each.index === instance.index);
  const how = isKept ? mode : 'add';
  draft.append({ kind: 'attribute-set', object: uniqueIdentifier, attribute: instance, mode: how });
  endAlways(draft, uniqueIdentifier, instance);
}

/** Always Sensitive and Never Extractable end once, for good (KMIP 1.4 §3.49, §3.51). */
function endAlways(draft: Draft, object: string, { name, value }: AttributeInstance): void {
  const ended =
    name === 'Sensitive' && value.value === false
      ? 'Always Sensitive'
      : name === 'Extractable' && value.value === true
        ? 'Never Extractable'
        : undefined;
  const always = draft.object(object)?.attributes.find((each) => each.name === ended);
  if (always?.value.value !== true) return;
  const attribute = { ...always, value: { type: 'Boolean', value: false } as const };
  draft.append({ kind: 'attribute-set', object, attribute, mode: 'modify' });
}

/**
 * The rule of an attribute that a client may set, to this value. Throws KmipError Read Only
 * Attribute, and what `checkNew` throws.
 */
export function settableRule(name: string, value: Value, context: Context): AttributeRule {
  const found = attributeRule(name, context.version);
  if (found !== undefined) writableRule(found);
  return checkNew(name, value, context);
}

/** Refuses what only the server sets. Throws KmipError Read Only Attribute. */
export function writableRule(rule: AttributeRule): AttributeRule {
  if (rule.setBy === 'server') {
    const message = 'Only the server sets this attribute';
    throw new KmipError(ResultReason.ReadOnlyAttribute, message);
  }
  return rule;
}

/** Refuses an object that has no states. Throws KmipError Invalid Object Type. */
export function requireLife({ objectType }: ManagedObject): void {
  if (objectType !== ObjectType.Template) return;
  throw new KmipError(ResultReason.InvalidObjectType, 'A template has no states');
}
