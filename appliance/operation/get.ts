import { KeyFormatType, ObjectType, Operation, ResultReason } from '../kmip/enumeration.ts';
import { KeyCompressionType, KeyWrapType } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { objectTag, putTogether } from '../kmip/object.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { decode } from '../ttlv/decode.ts';
import type { Item } from '../ttlv/item.ts';
import { anyItem, enumeration, optional, required, structure } from '../ttlv/structure.ts';
import type { Codec } from '../ttlv/structure.ts';
import { toWire, attribute } from './attribute-codec.ts';
import { defineReading } from './operation.ts';
import type { Context } from './operation.ts';

interface GetResponse {
  readonly objectType: ObjectType;
  readonly uniqueIdentifier: string;
  readonly object: Item;
}

const head = structure({
  objectType: required(Tag.ObjectType, enumeration(ObjectType)),
  uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
});

/** The object stands under the tag of its type, so its field cannot be declared by one tag. */
const response: Codec<GetResponse> = {
  read(item, version) {
    const fields = structureOf(item);
    const object = fields[2];
    if (object === undefined) throw new KmipError(ResultReason.InvalidMessage, 'No object');
    const first: Item = { tag: item.tag, type: 'Structure', value: fields.slice(0, 2) };
    return { ...head.read(first, version), object };
  },
  write(writer, tag, { objectType, uniqueIdentifier, object }) {
    writer.structure(tag, () => {
      writer.item({ tag: Tag.ObjectType, type: 'Enumeration', value: objectType });
      writer.item({ tag: Tag.UniqueIdentifier, type: 'TextString', value: uniqueIdentifier });
      writer.item(object);
      wipe(object);
    });
  },
};

/** Get (KMIP 1.4 §4.11): the object itself. A deactivated key is given out; its State says so. */
export const get = defineReading({
  operation: Operation.Get,
  since: 100,
  policy: { target: 'object', right: 'get' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    keyFormatType: optional(Tag.KeyFormatType, enumeration(KeyFormatType)),
    keyWrapType: optional(Tag.KeyWrapType, enumeration(KeyWrapType), { since: 104 }),
    keyCompressionType: optional(Tag.KeyCompressionType, enumeration(KeyCompressionType)),
    keyWrappingSpecification: optional(Tag.KeyWrappingSpecification, anyItem),
  }),
  response,
  prepare: (request, context) => (view) => {
    const object = context.target(view, request.uniqueIdentifier);
    if (request.keyWrappingSpecification !== undefined) {
      const message = 'Wrapping on Get is not supported';
      throw new KmipError(ResultReason.FeatureNotSupported, message);
    }
    if (request.keyCompressionType !== undefined) {
      const message = 'Key compression is not supported';
      throw new KmipError(ResultReason.KeyCompressionTypeNotSupported, message);
    }
    context.place(object.uniqueIdentifier);
    return give(object, request.keyFormatType, context);
  },
});

async function give(
  object: ManagedObject,
  wanted: KeyFormatType | undefined,
  context: Context,
): Promise<GetResponse> {
  const { objectType, uniqueIdentifier } = object;
  if (objectType === ObjectType.Template) {
    return { objectType, uniqueIdentifier, object: templateItem(object, context) };
  }
  using material = await context.keystore.open(object);
  // The copy lives until the response is written; the opened bytes end with this block.
  const secret = decode(Buffer.from(material.bytes));
  const whole = putTogether(objectType, object.form, secret);
  return { objectType, uniqueIdentifier, object: inFormat(whole, objectType, wanted) };
}

function templateItem(object: ManagedObject, { version }: Context): Item {
  const value = object.attributes
    .filter(({ name }) => name !== 'Name')
    .map((instance): Item => {
      const wire = toWire(instance);
      const items: Item[] = [
        { tag: Tag.AttributeName, type: 'TextString', value: wire.attributeName },
      ];
      if (wire.attributeIndex !== undefined) {
        items.push({ tag: Tag.AttributeIndex, type: 'Integer', value: wire.attributeIndex });
      }
      if (wire.attributeValue !== undefined) items.push(wire.attributeValue);
      const item: Item = { tag: Tag.Attribute, type: 'Structure', value: items };
      attribute.read(item, version);
      return item;
    });
  return { tag: objectTag[ObjectType.Template], type: 'Structure', value };
}

/** Raw and Transparent Symmetric Key say the same; any other change of format is refused. */
function inFormat(object: Item, type: ObjectType, wanted: KeyFormatType | undefined): Item {
  const block = structureOf(object).find((item) => item.tag === Tag.KeyBlock);
  if (wanted === undefined || block === undefined) return object;
  const fields = structureOf(block);
  const format = fields.find((item) => item.tag === Tag.KeyFormatType)?.value;
  if (format === wanted) return object;
  const keyValue = fields.find((item) => item.tag === Tag.KeyValue);
  const material = structureOf(keyValue).find((item) => item.tag === Tag.KeyMaterial);
  const raw = rawBytes(material);
  const { Raw, TransparentSymmetricKey } = KeyFormatType;
  const convertible = wanted === Raw || wanted === TransparentSymmetricKey;
  if (type !== ObjectType.SymmetricKey || raw === undefined || !convertible) {
    const message = 'The key cannot be given in this format';
    throw new KmipError(ResultReason.KeyFormatTypeNotSupported, message);
  }
  const bytes: Item = { tag: Tag.KeyMaterial, type: 'ByteString', value: raw };
  const inside: Item = { tag: Tag.Key, type: 'ByteString', value: raw };
  const shaped: Item =
    wanted === Raw ? bytes : { tag: Tag.KeyMaterial, type: 'Structure', value: [inside] };
  const replaced = fields.map((item): Item => {
    if (item.tag === Tag.KeyFormatType) return { ...item, value: wanted } as Item;
    if (item !== keyValue) return item;
    return { tag: Tag.KeyValue, type: 'Structure', value: [shaped] };
  });
  const open: Item = { tag: Tag.KeyBlock, type: 'Structure', value: replaced };
  return {
    tag: object.tag,
    type: 'Structure',
    value: structureOf(object).map((item) => (item === block ? open : item)),
  };
}

function rawBytes(material: Item | undefined): Uint8Array | undefined {
  if (material?.type === 'ByteString') return material.value;
  const key = structureOf(material).find((item) => item.tag === Tag.Key);
  return key?.type === 'ByteString' ? key.value : undefined;
}

function structureOf(item: Item | undefined): readonly Item[] {
  return item?.type === 'Structure' ? item.value : [];
}

/** Overwrites the secret bytes of an object that has been written. */
function wipe(item: Item): void {
  if (item.type === 'Structure') for (const child of item.value) wipe(child);
  else if (item.type === 'ByteString' || item.type === 'BigInteger') item.value.fill(0);
}
