import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { Decoded } from '../ttlv/structure.ts';
import { integer, optional, required, structure, textString } from '../ttlv/structure.ts';
import { attributeReference, soleAttribute, toWire, valueOf } from './attribute-codec.ts';
import { existingRule, refuseSpent } from './attribute-change.ts';
import { attributesOf, sameValue } from './object-attribute.ts';
import { defineChange } from './operation.ts';

const request = structure({
  uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
  attributeName: required(Tag.AttributeName, textString, { until: 104 }),
  attributeIndex: optional(Tag.AttributeIndex, integer, { until: 104 }),
  current: optional(Tag.CurrentAttribute, soleAttribute, { since: 200 }),
  reference: optional(Tag.AttributeReference, attributeReference, { since: 200 }),
});

/**
 * Delete Attribute (KMIP 1.4 §4.16, KMIP 2.1 §6.1.13): removes one instance, by index in 1.x and by
 * value in 2.x, or all that a reference names; an index is not used again.
 */
export const deleteAttribute = defineChange({
  operation: Operation.DeleteAttribute,
  since: 100,
  policy: { target: 'object', right: 'modify' },
  request,
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
    attribute: optional(Tag.Attribute, soleAttribute, { until: 104 }),
  }),
  prepare: (asked, context) => (draft) => {
    const object = context.target(draft, asked.uniqueIdentifier);
    const { uniqueIdentifier } = object;
    const name = nameIn(asked, context.version);
    const rule = existingRule(name, context.version);
    const all = attributesOf(object, context.version).filter((each) => each.name === name);
    if (all.length === 0) {
      throw new KmipError(ResultReason.AttributeNotFound, 'The object has no such attribute');
    }
    const doomed = doomedOf(all, asked, context.version);
    if (doomed.length === 0) {
      const message = 'The attribute has no such instance';
      throw new KmipError(ResultReason.AttributeInstanceNotFound, message);
    }
    refuseSpent(rule, object);
    if (rule.deletable === false) {
      throw new KmipError(ResultReason.AttributeReadOnly, 'The attribute cannot be deleted');
    }
    context.place(uniqueIdentifier);
    for (const { index } of doomed) {
      draft.append({ kind: 'attribute-deleted', object: uniqueIdentifier, name, index });
    }
    const [first] = doomed;
    return { uniqueIdentifier, ...(first === undefined ? {} : { attribute: toWire(first) }) };
  },
});

type Asked = Decoded<typeof request>;

function nameIn({ attributeName, current, reference }: Asked, version: number): string {
  const name = version < 200 ? attributeName : (current?.attributeName ?? reference);
  if (name === undefined) throw new KmipError(ResultReason.InvalidMessage, 'No attribute is named');
  return name;
}

function doomedOf(
  all: readonly AttributeInstance[],
  asked: Asked,
  version: number,
): readonly AttributeInstance[] {
  if (version < 200) {
    // Only 1.0 wants to be told which (KMIP 1.0 §11.15).
    if (version === 100 && all.length > 1 && asked.attributeIndex === undefined) {
      throw new KmipError(ResultReason.InvalidField, 'The attribute has many instances');
    }
    return all.filter(({ index }) => index === (asked.attributeIndex ?? 0));
  }
  const { current } = asked;
  if (current === undefined) return all;
  const value = valueOf(current);
  return all.filter((each) => sameValue(each.value, value));
}
