import { ECDH } from 'node:crypto';
import { exportKey, importKey } from '../cryptography/asymmetric-key.ts';
import { curveName } from '../cryptography/curve.ts';
import { KeyCompressionType, KeyFormatType, ObjectType } from '../kmip/enumeration.ts';
import { KeyWrapType, ResultReason } from '../kmip/enumeration.ts';
import type { CryptographicAlgorithm, RecommendedCurve } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { putTogether } from '../kmip/object.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { decode } from '../ttlv/decode.ts';
import { Writer } from '../ttlv/encode.ts';
import type { Item } from '../ttlv/item.ts';
import { attribute, toWire } from './attribute-codec.ts';
import { isEncrypted, isWrapped } from './key-use.ts';
import { attributesOf } from './object-attribute.ts';
import type { Context } from './operation.ts';
import { openBlock, wrappingKeyOf } from './wrapped-object.ts';
import { leavesOpen, wrapKeyValue } from './wrapping.ts';
import type { WrappingSpecification } from './wrapping.ts';
import { wipe } from './wipe.ts';

/** In which shape a client wants an object (KMIP 1.4 §4.11). */
export interface Shape {
  readonly keyFormatType?: KeyFormatType;
  readonly keyWrapType?: KeyWrapType;
  readonly keyCompressionType?: KeyCompressionType;
  readonly keyWrappingSpecification?: WrappingSpecification;
}

/**
 * The structure of an object with its secret in it, in the shape that is wanted. The caller wipes
 * it once it is written. Throws KmipError: Key Format Type Not Supported, Key Wrap Type Not
 * Supported and what wrapping is refused with. `refuseClear` comes first.
 */
export async function outputObject(
  object: ManagedObject,
  shape: Shape,
  context: Context,
): Promise<Item> {
  const { objectType } = object;
  // The copy lives until the response is written; the opened bytes end with this block.
  using material = await context.keystore.open(object);
  const secret = decode(Buffer.from(material.bytes));
  const whole = putTogether(objectType, object.form, secret);
  const block = structureOf(whole).find((item) => item.tag === Tag.KeyBlock);
  if (block === undefined) {
    const isX509 = objectType === ObjectType.Certificate && shape.keyFormatType === X_509;
    if (shape.keyFormatType !== undefined && !isX509) throw noFormat();
    if (shape.keyWrappingSpecification === undefined) return whole;
    throw new KmipError(ResultReason.IllegalObjectType, 'Only keys are wrapped');
  }
  const shaped = await shapedBlock(block, object, shape, context);
  return {
    tag: whole.tag,
    type: 'Structure',
    value: structureOf(whole).map((item) => (item === block ? shaped : item)),
  };
}

const { Raw, TransparentSymmetricKey, X_509 } = KeyFormatType;

/** Refuses what may not leave in the clear, or at all (KMIP 1.4 §3.48, §3.50). */
export function refuseClear(object: ManagedObject, shape: Shape): void {
  const said = (name: string, value: boolean): boolean =>
    object.attributes.some((each) => each.name === name && each.value.value === value);
  if (said('Extractable', false)) {
    throw new KmipError(ResultReason.NotExtractable, 'The object does not leave the server');
  }
  const { keyWrappingSpecification: specification, keyWrapType } = shape;
  const hidden =
    specification === undefined
      ? isEncrypted(object) && keyWrapType !== KeyWrapType.NotWrapped
      : !leavesOpen(specification);
  if (said('Sensitive', true) && !hidden) {
    throw new KmipError(ResultReason.Sensitive, 'The object leaves the server wrapped only');
  }
}

async function shapedBlock(
  block: Item,
  object: ManagedObject,
  shape: Shape,
  context: Context,
): Promise<Item> {
  const { keyWrappingSpecification: specification, keyWrapType } = shape;
  if (isWrapped(object) && keyWrapType !== KeyWrapType.NotWrapped) {
    const { keyFormatType: wanted } = shape;
    if (specification !== undefined) {
      const message = 'The key is wrapped already; it can be asked for Not Wrapped';
      throw new KmipError(ResultReason.KeyWrapTypeNotSupported, message);
    }
    if (wanted !== undefined && wanted !== formatIn(block)) throw noFormat();
    return block;
  }
  if (isWrapped(object) && wrappingKeyOf(block, context) === undefined) {
    const message = 'The key that it is wrapped with is not here';
    throw new KmipError(ResultReason.KeyWrapTypeNotSupported, message);
  }
  const clear = await openBlock(block, context);
  const formed = compressed(inFormat(clear, object, shape.keyFormatType), shape);
  if (specification === undefined) return formed;
  const fields = structureOf(formed);
  const keyValue = fields.find(({ tag }) => tag === Tag.KeyValue);
  if (keyValue === undefined) throw noFormat();
  const named = namedAttributes(object, specification, context);
  const wrapped = await wrapKeyValue(keyValue, specification, named, context);
  const value = fields.map((item) => (item === keyValue ? wrapped.keyValue : item));
  return { tag: Tag.KeyBlock, type: 'Structure', value: [...value, wrapped.data] };
}

/** The attributes that are to travel inside a Key Value: 2.x gathers them in one structure. */
function namedAttributes(
  object: ManagedObject,
  { attributeNames, references }: WrappingSpecification,
  { version }: Context,
): Item[] {
  const wanted = new Set([...attributeNames, ...references]);
  const chosen = attributesOf(object, version).filter(({ name }) => wanted.has(name));
  if (version < 200) return chosen.map((instance) => attributeItem(toWire(instance)));
  if (chosen.length === 0) return [];
  const writer = new Writer();
  writer.structure(Tag.Attributes, () => {
    for (const each of chosen) attribute.write(writer, Tag.Attribute, toWire(each), version);
  });
  return [decode(writer.finish())];
}

/** An attribute as an item of 1.x, for where no codec writes it. */
export function attributeItem(wire: ReturnType<typeof toWire>): Item {
  const items: Item[] = [{ tag: Tag.AttributeName, type: 'TextString', value: wire.attributeName }];
  if (wire.attributeIndex !== undefined) {
    items.push({ tag: Tag.AttributeIndex, type: 'Integer', value: wire.attributeIndex });
  }
  if (wire.attributeValue !== undefined) items.push(wire.attributeValue);
  return { tag: Tag.Attribute, type: 'Structure', value: items };
}

function formatIn(block: Item): unknown {
  return structureOf(block).find(({ tag }) => tag === Tag.KeyFormatType)?.value;
}

function inFormat(block: Item, object: ManagedObject, wanted: KeyFormatType | undefined): Item {
  const format = formatIn(block);
  if (wanted === undefined || format === wanted) return block;
  const fields = structureOf(block);
  const keyValue = fields.find((item) => item.tag === Tag.KeyValue);
  const material = structureOf(keyValue).find((item) => item.tag === Tag.KeyMaterial);
  if (material === undefined) throw noFormat();
  const shaped = converted(object, format as KeyFormatType, material, wanted);
  const value = fields.map((item): Item => {
    if (item.tag === Tag.KeyFormatType) return { ...item, value: wanted } as Item;
    if (item !== keyValue) return item;
    return { tag: Tag.KeyValue, type: 'Structure', value: [shaped] };
  });
  return { tag: Tag.KeyBlock, type: 'Structure', value };
}

function converted(
  { objectType, algorithm }: ManagedObject,
  format: KeyFormatType,
  material: Item,
  wanted: KeyFormatType,
): Item {
  const { SymmetricKey, PrivateKey, PublicKey } = ObjectType;
  if (objectType === PrivateKey || objectType === PublicKey) {
    const isPrivate = objectType === PrivateKey;
    const parts = { isPrivate, algorithm: algorithm as CryptographicAlgorithm, format, material };
    const key = importKey(parts);
    const shaped = exportKey(key, wanted);
    wipe(material);
    return shaped;
  }
  const raw = rawBytes(material);
  const convertible = wanted === Raw || wanted === TransparentSymmetricKey;
  if (objectType !== SymmetricKey || raw === undefined || !convertible) throw noFormat();
  const bytes: Item = { tag: Tag.KeyMaterial, type: 'ByteString', value: raw };
  const inside: Item = { tag: Tag.Key, type: 'ByteString', value: raw };
  return wanted === Raw ? bytes : { tag: Tag.KeyMaterial, type: 'Structure', value: [inside] };
}

const compressions: Readonly<Partial<Record<number, 'compressed' | 'uncompressed' | 'hybrid'>>> = {
  [KeyCompressionType.ECPublicKeyTypeUncompressed]: 'uncompressed',
  [KeyCompressionType.ECPublicKeyTypeX9_62CompressedPrime]: 'compressed',
  [KeyCompressionType.ECPublicKeyTypeX9_62CompressedChar2]: 'compressed',
  [KeyCompressionType.ECPublicKeyTypeX9_62Hybrid]: 'hybrid',
};

/** The point of a transparent public key, written as asked (ANSI X9.62 §4.3.6). */
function compressed(block: Item, { keyCompressionType: wanted }: Shape): Item {
  if (wanted === undefined) return block;
  const form = compressions[wanted];
  const fields = structureOf(block);
  const keyValue = fields.find((item) => item.tag === Tag.KeyValue);
  const material = structureOf(keyValue).find((item) => item.tag === Tag.KeyMaterial);
  const point = structureOf(material).find((item) => item.tag === Tag.QString);
  const curve = structureOf(material).find((item) => item.tag === Tag.RecommendedCurve)?.value;
  if (form === undefined || point?.type !== 'ByteString' || typeof curve !== 'number') {
    const message = 'The key cannot be given in this compression';
    throw new KmipError(ResultReason.KeyCompressionTypeNotSupported, message);
  }
  const name = curveName(curve as RecommendedCurve);
  const value = ECDH.convertKey(point.value, name, undefined, undefined, form) as Buffer;
  const put = (item: Item | undefined, tag: number, change: (each: Item) => Item): Item => ({
    ...{ tag, type: 'Structure', value: structureOf(item).map(change) },
  });
  const shaped = put(material, Tag.KeyMaterial, (item) =>
    item === point ? { tag: Tag.QString, type: 'ByteString', value } : item,
  );
  const changed = put(keyValue, Tag.KeyValue, (item) => (item === material ? shaped : item));
  const [head, ...rest] = fields.map((item) => (item === keyValue ? changed : item));
  const said: Item = { tag: Tag.KeyCompressionType, type: 'Enumeration', value: wanted };
  return {
    tag: Tag.KeyBlock,
    type: 'Structure',
    value: head === undefined ? [] : [head, said, ...rest],
  };
}

function noFormat(): KmipError {
  const message = 'The key cannot be given in this format';
  return new KmipError(ResultReason.KeyFormatTypeNotSupported, message);
}

function rawBytes(material: Item | undefined): Uint8Array | undefined {
  if (material?.type === 'ByteString') return material.value;
  const key = structureOf(material).find((item) => item.tag === Tag.Key);
  return key?.type === 'ByteString' ? key.value : undefined;
}

function structureOf(item: Item | undefined): readonly Item[] {
  return item?.type === 'Structure' ? item.value : [];
}
