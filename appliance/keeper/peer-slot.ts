import type { PublicRoot } from '../keeper-client/pairing.ts';
import { makeSlot } from './slot.ts';
import type { Slot } from './slot.ts';
import type { WrappingKey } from './wrapping-key.ts';

/** A slot for another node's root key; it is read as that node's own. */
export function slotFor(root: PublicRoot, key: WrappingKey, now: number): Slot {
  const { keyId, label, publicKey, hash } = root;
  const generation = key.generation.toString('hex');
  const context = {
    kind: 'token',
    generation,
    keyId,
    label,
    publicKey,
    hash,
    created: now,
  } as const;
  return key.use((bytes) => makeSlot(context, bytes));
}
