import { KmipError } from '../kmip/error.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import type { Item } from '../ttlv/item.ts';
import type { Context } from './operation.ts';
import { keyWrappingData, unwrapKeyValue } from './wrapping.ts';

/** The Key Wrapping Data of an object's Key Block; undefined for one that is not wrapped. */
export function wrappingDataOf(object: Item): Item | undefined {
  return within(blockOf(object) ?? object, Tag.KeyWrappingData);
}

/** The key that opens a wrapped object or Key Block, where the client has it here. */
export function wrappingKeyOf(object: Item, context: Context): ManagedObject | undefined {
  const item = wrappingDataOf(object);
  if (item === undefined) return undefined;
  const data = keyWrappingData.read(item, Math.max(context.version, 104));
  const named = (data.encryptionKeyInformation ?? data.macSignatureKeyInformation)
    ?.uniqueIdentifier;
  if (named === undefined) return undefined;
  try {
    return context.target(context.keystore, named);
  } catch (error) {
    if (error instanceof KmipError) return undefined;
    throw error;
  }
}

/**
 * A wrapped object unwrapped; any other as it is. The clear structure is the caller's to wipe.
 * Throws KmipError as `unwrapKeyValue` does.
 */
export async function unwrapped(object: Item, context: Context): Promise<Item> {
  const block = blockOf(object);
  return block === undefined ? object : replaced(object, block, await openBlock(block, context));
}

/** A Key Block whose Key Value is no longer wrapped. */
export async function openBlock(block: Item, context: Context): Promise<Item> {
  const item = within(block, Tag.KeyWrappingData);
  const keyValue = within(block, Tag.KeyValue);
  if (item === undefined || keyValue === undefined || block.type !== 'Structure') return block;
  const data = keyWrappingData.read(item, Math.max(context.version, 104));
  const clear = await unwrapKeyValue(keyValue, data, context);
  const value = block.value
    .filter((each) => each !== item)
    .map((each) => (each === keyValue ? clear : each));
  return { ...block, value };
}

function blockOf(object: Item): Item | undefined {
  return within(object, Tag.KeyBlock);
}

function within(item: Item | undefined, tag: number): Item | undefined {
  return item?.type === 'Structure' ? item.value.find((each) => each.tag === tag) : undefined;
}

function replaced(object: Item, part: Item, by: Item): Item {
  if (object.type !== 'Structure') return object;
  return { ...object, value: object.value.map((each) => (each === part ? by : each)) };
}
