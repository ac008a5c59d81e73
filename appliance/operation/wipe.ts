import type { Item } from '../ttlv/item.ts';

/** Overwrites the bytes of an item, and of all that is in it. */
export function wipe(item: Item): void {
  if (item.type === 'Structure') for (const child of item.value) wipe(child);
  else if (item.type === 'ByteString' || item.type === 'BigInteger') item.value.fill(0);
}
