import type { Value } from '../ttlv/item.ts';
import { TtlvError } from '../ttlv/error.ts';
import { attributeRules, rule } from './attribute-rule.ts';
import type { AttributeRule } from './attribute-rule.ts';
import { ResultReason } from './enumeration.ts';
import type { ObjectType } from './enumeration.ts';
import { KmipError } from './error.ts';
import { Tag } from './tag.ts';

const nameByTag: ReadonlyMap<number, string> = new Map(
  Object.entries(attributeRules).map(([name, { tag }]) => [tag, name]),
);

/** The name of the attribute that 2.x knows by a tag; undefined where there is none. */
export function attributeNameOf(tag: number): string | undefined {
  return nameByTag.get(tag);
}

/**
 * A vendor's attribute as 2.x names it. What 1.x calls "x-Product" is "Product" of the vendor "x"
 * (KMIP 2.1 §4.64); another vendor's attribute is "@vendor/Product" here and unknown to 1.x.
 */
export interface VendorName {
  readonly vendor: string;
  readonly name: string;
}

export function vendorNameOf(name: string): VendorName | undefined {
  if (/^[xy]-/.test(name)) return { vendor: name.slice(0, 1), name: name.slice(2) };
  const found = /^@([\w.]+)\/(.*)$/s.exec(name);
  return found === null ? undefined : { vendor: found[1] ?? '', name: found[2] ?? '' };
}

/** The name under which a vendor's attribute is kept. Throws KmipError Invalid Field. */
export function nameOfVendor({ vendor, name }: VendorName): string {
  if (vendor === 'x' || vendor === 'y') return `${vendor}-${name}`;
  if (!/^[\w.]+$/.test(vendor)) {
    throw new KmipError(ResultReason.InvalidField, 'Not a vendor’s identification');
  }
  return `@${vendor}/${name}`;
}

/** Names that a client ("x-") or a server ("y-") may invent (KMIP 1.4 §3.39). */
export function isCustom(name: string): boolean {
  return name.startsWith('x-') || name.startsWith('y-') || name.startsWith('@');
}

const free = { modifiable: 'yes', deletable: true } as const;

const customRules = {
  'x-': rule({
    tag: Tag.CustomAttribute,
    type: 'TextString',
    multiple: true,
    setBy: 'either',
    ...free,
  }),
  'y-': rule({ tag: Tag.CustomAttribute, type: 'TextString', multiple: true }),
  '@': rule({
    tag: Tag.CustomAttribute,
    type: 'TextString',
    multiple: true,
    setBy: 'either',
    since: 200,
    ...free,
  }),
};

function customRule(name: string): AttributeRule {
  if (name.startsWith('@')) return customRules['@'];
  return customRules[name.startsWith('x-') ? 'x-' : 'y-'];
}

/** The rule of an attribute in a version, 1.4 being 104; undefined when there is none. */
export function attributeRule(name: string, version: number): AttributeRule | undefined {
  const found = isCustom(name) ? customRule(name) : attributeRules[name];
  if (found === undefined || found.since > version) return undefined;
  return version <= (found.until ?? Infinity) ? found : undefined;
}

/**
 * Checks a value that came from a client against its attribute's table.
 * Throws KmipError Invalid Field for an unknown attribute or a value that does not fit it.
 */
export function checkAttribute(name: string, value: Value, version: number): AttributeRule {
  const found = attributeRule(name, version);
  if (found === undefined || name.length > 1024) {
    throw new KmipError(ResultReason.InvalidAttribute, 'No such attribute in this version');
  }
  if (isCustom(name)) return found;
  try {
    if (value.type !== found.type) throw new TtlvError('bad-type', found.tag);
    found.codec?.read({ tag: found.tag, ...value }, version);
  } catch (cause) {
    if (!(cause instanceof TtlvError)) throw cause;
    const message = `The value does not fit the attribute ${name}`;
    throw new KmipError(ResultReason.InvalidAttributeValue, message, { cause });
  }
  return found;
}

/** Whether objects of a type have an attribute in a version. */
export function appliesTo(found: AttributeRule, objectType: ObjectType, version: number): boolean {
  return (version < 200 ? found.in1 : found.in2).has(objectType);
}
