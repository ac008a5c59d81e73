import { createHash } from 'node:crypto';
import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { appliesTo, attributeRule } from '../kmip/attribute.ts';
import { KeyFormatType, ObjectType } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import type { Item, Value } from '../ttlv/item.ts';
import { shownIdentifier } from '../keystore/imported.ts';
import { protectionStorage } from './protection-storage.ts';

/**
 * All attributes of an object that a protocol version knows, those that the server computes among
 * them, by name and index.
 */
export function attributesOf(object: ManagedObject, version: number): AttributeInstance[] {
  const present = new Set(object.attributes.map(({ name }) => name));
  const computed = Object.entries(computedAttributes(object)).flatMap(([name, value]) =>
    // An import says what else is computed (KMIP 1.4 §4.41).
    value === undefined || present.has(name) ? [] : [{ name, index: 0, value }],
  );
  const standing = standingOf(object);
  return [...computed, ...object.attributes, ...standing.filter(({ name }) => !present.has(name))]
    .filter(({ name }) => {
      const rule = attributeRule(name, version);
      return rule !== undefined && appliesTo(rule, object.objectType, version);
    })
    .map((instance) => inVersion(instance, version));
}

/** Seconds for which a client may use what it got before it asks again (KMIP 1.4 §3.20). */
export const leaseSeconds = 3600;

const standing = (name: string, value: Value): AttributeInstance => ({ name, index: 0, value });

/** What objects have, unless a record says otherwise (KMIP 1.4 §3.19, §3.20, §3.48 to §3.51). */
export const defaults: readonly AttributeInstance[] = [
  standing('Cryptographic Usage Mask', { type: 'Integer', value: 0 }),
  standing('Lease Time', { type: 'Interval', value: leaseSeconds }),
  standing('Sensitive', { type: 'Boolean', value: false }),
  standing('Always Sensitive', { type: 'Boolean', value: false }),
  standing('Extractable', { type: 'Boolean', value: true }),
  standing('Never Extractable', { type: 'Boolean', value: false }),
];

/** A template holds nothing that could be sensitive, and nobody computes with what is opaque. */
function standingOf({ objectType }: ManagedObject): readonly AttributeInstance[] {
  if (objectType === ObjectType.Template) return [];
  if (objectType !== ObjectType.OpaqueObject) return defaults;
  return defaults.filter(({ name }) => name !== 'Cryptographic Usage Mask');
}

/** A Digest names its Key Format Type from 1.1 on. */
function inVersion(instance: AttributeInstance, version: number): AttributeInstance {
  const { name, value } = instance;
  if (version >= 101 || name !== 'Digest' || value.type !== 'Structure') return instance;
  const items = value.value.filter(({ tag }) => tag !== Tag.KeyFormatType);
  return { ...instance, value: { type: 'Structure', value: items } };
}

function computedAttributes(object: ManagedObject): Record<string, Value | undefined> {
  const date = (seconds: number | undefined): Value | undefined =>
    seconds === undefined ? undefined : { type: 'DateTime', value: BigInt(seconds) };
  return {
    'Unique Identifier': { type: 'TextString', value: shownIdentifier(object) },
    'Object Type': { type: 'Enumeration', value: object.objectType },
    State: { type: 'Enumeration', value: object.state },
    'Initial Date': date(object.initialDate),
    'Activation Date': date(object.activationDate),
    'Deactivation Date': date(object.deactivationDate),
    'Destroy Date': date(object.destroyDate),
    'Compromise Occurrence Date': date(object.compromiseOccurrenceDate),
    'Compromise Date': date(object.compromiseDate),
    'Revocation Reason': revocationReason(object),
    'Last Change Date': date(object.lastChangeDate),
    ...computedIn2(object),
  };
}

/** What 2.x has besides (KMIP 2.1 §4.26, §4.37, §4.44, §4.56); older versions do not know it. */
function computedIn2({
  uniqueIdentifier,
  objectType,
  form,
}: ManagedObject): Record<string, Value | undefined> {
  const enumerated = (items: readonly Item[], tag: number): Value | undefined => {
    const item = items.find((each) => each.tag === tag);
    return item?.type === 'Enumeration' ? { type: item.type, value: item.value } : undefined;
  };
  const block = form.find(({ tag }) => tag === Tag.KeyBlock);
  const said = block?.type === 'Structure' ? enumerated(block.value, Tag.KeyFormatType) : undefined;
  const format = formats[objectType];
  return {
    'Short Unique Identifier': {
      type: 'ByteString',
      value: createHash('sha256').update(uniqueIdentifier).digest(),
    },
    'Key Format Type':
      said ?? (format === undefined ? said : { type: 'Enumeration', value: format }),
    'Opaque Data Type': enumerated(form, Tag.OpaqueDataType),
    'Protection Storage Mask': { type: 'Integer', value: protectionStorage },
  };
}

/** The format of objects that have no Key Block. */
const formats: Readonly<Partial<Record<ObjectType, KeyFormatType>>> = {
  [ObjectType.Certificate]: KeyFormatType.X_509,
  [ObjectType.OpaqueObject]: KeyFormatType.Opaque,
};

function revocationReason({ revocationReason: reason }: ManagedObject): Value | undefined {
  if (reason === undefined) return undefined;
  return {
    type: 'Structure',
    value: [
      { tag: Tag.RevocationReasonCode, type: 'Enumeration', value: reason.code },
      ...(reason.message === undefined
        ? []
        : [{ tag: Tag.RevocationMessage, type: 'TextString', value: reason.message } as const]),
    ],
  };
}

/** Whether two values are the same, by type and content. */
export function sameValue(a: Value, b: Value): boolean {
  if (a.type !== b.type) return false;
  if (a.type === 'Structure' && b.type === 'Structure') {
    return (
      a.value.length === b.value.length &&
      a.value.every((item, i) => {
        const other = b.value[i];
        return other !== undefined && item.tag === other.tag && sameValue(item, other);
      })
    );
  }
  if (a.value instanceof Uint8Array && b.value instanceof Uint8Array) {
    return Buffer.compare(a.value, b.value) === 0;
  }
  return a.value === b.value;
}
