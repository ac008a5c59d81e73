import { attributeRule } from '../kmip/attribute.ts';
import { AdjustmentType, Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { Item, Value } from '../ttlv/item.ts';
import { anyItem, enumeration, optional, required, structure } from '../ttlv/structure.ts';
import { attributeReference } from './attribute-codec.ts';
import { putInstance, refuseLate, writableRule } from './attribute-change.ts';
import { attributesOf } from './object-attribute.ts';
import { defineChange } from './operation.ts';

/**
 * Adjust Attribute (KMIP 2.1 §6.1.3): a number more or less, by one unless the request says by how
 * much, or a truth value turned into its opposite.
 */
export const adjustAttribute = defineChange({
  operation: Operation.AdjustAttribute,
  since: 200,
  policy: { target: 'object', right: 'modify' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    reference: required(Tag.AttributeReference, attributeReference),
    type: required(Tag.AdjustmentType, enumeration(AdjustmentType)),
    value: optional(Tag.AdjustmentValue, anyItem),
  }),
  response: structure({ uniqueIdentifier: required(Tag.UniqueIdentifier, identifier) }),
  prepare: (request, context) => (draft) => {
    const object = context.target(draft, request.uniqueIdentifier);
    const { uniqueIdentifier } = object;
    const name = request.reference;
    const found = attributeRule(name, context.version);
    if (found === undefined) {
      throw new KmipError(ResultReason.UnsupportedAttribute, 'No such attribute');
    }
    const rule = writableRule(found);
    if (rule.multiple) {
      throw new KmipError(ResultReason.MultiValuedAttribute, 'The attribute may have many values');
    }
    if (rule.type !== 'Boolean' && ranges[rule.type] === undefined) {
      throw new KmipError(ResultReason.InvalidDataType, 'The attribute is no number');
    }
    const all = attributesOf(object, context.version);
    const present = all.find((each) => each.name === name);
    if (present === undefined) {
      throw new KmipError(ResultReason.ItemNotFound, 'The object has no such attribute');
    }
    refuseLate(name, rule, object, context);
    const value = adjusted(present.value, request.type, request.value);
    context.place(uniqueIdentifier);
    putInstance(draft, object, { name, index: present.index, value }, 'modify', context);
    return { uniqueIdentifier };
  },
});

const ranges: Readonly<Partial<Record<Value['type'], readonly [bigint, bigint]>>> = {
  Integer: [-(2n ** 31n), 2n ** 31n - 1n],
  Interval: [0n, 2n ** 32n - 1n],
  LongInteger: [-(2n ** 63n), 2n ** 63n - 1n],
  DateTime: [0n, 2n ** 53n - 1n],
};

/** Throws KmipError Invalid Data Type and Numeric Range. */
function adjusted(present: Value, type: AdjustmentType, by: Item | undefined): Value {
  if (present.type === 'Boolean' && type === AdjustmentType.Negate && by === undefined) {
    return { type: 'Boolean', value: !present.value };
  }
  const range = ranges[present.type];
  const step = by === undefined ? 1n : amountOf(by);
  if (range === undefined || step === undefined) {
    throw new KmipError(ResultReason.InvalidDataType, 'The attribute cannot be adjusted so');
  }
  const before = BigInt(present.value as number | bigint);
  const after =
    type === AdjustmentType.Negate
      ? -before
      : type === AdjustmentType.Increment
        ? before + step
        : before - step;
  if (after < range[0] || after > range[1]) {
    throw new KmipError(ResultReason.NumericRange, 'The value would be out of range');
  }
  const wide = present.type === 'LongInteger' || present.type === 'DateTime';
  return { type: present.type, value: wide ? after : Number(after) } as Value;
}

function amountOf(item: Item): bigint | undefined {
  const numeric = ['Integer', 'LongInteger', 'Interval'].includes(item.type);
  return numeric ? BigInt(item.value as number | bigint) : undefined;
}
