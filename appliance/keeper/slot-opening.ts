import { isRecovery } from './restore.ts';
import type { KeeperLog } from './keeper-options.ts';
import type { KeyRing } from './key-ring.ts';
import type { RootToken } from './root-token.ts';
import type { Slot } from './slot.ts';
import {
  isAuthentic,
  readStored,
  slotTablePurpose,
  SlotTableError,
  writeSlotTable,
} from './slot-table.ts';
import type { SlotTable } from './slot-table.ts';
import { WrappingKey } from './wrapping-key.ts';

export interface SlotOpening {
  readonly folder: string;
  readonly ring: KeyRing;
  readonly root: RootToken;
  readonly log: KeeperLog;
}

/**
 * Opens the newest slot table that the token opens and its own key made, and mends the other copy.
 * False where there is none; throws SlotTableError where none can be trusted, else what the token
 * says.
 */
export async function openSlots({ folder, ring, root, log }: SlotOpening): Promise<boolean> {
  const { found, candidates } = readStored(folder);
  if (!found) return false;
  for (const stored of candidates) {
    const { keys, slots } = await keysOf(stored.table, root);
    const written = keys.find((k) => k.generation.toString('hex') === stored.table.written);
    const mac = written?.derive(slotTablePurpose);
    if (mac !== undefined && isAuthentic(stored, mac)) {
      // Writes both copies anew where one was damaged or older.
      if (candidates.length < 2 || candidates.some((c) => c.mac !== stored.mac)) {
        log('warn', 'a copy of the slot table was damaged and is mended');
        writeSlotTable(folder, stored.table, mac);
      }
      ring.adopt(stored.table, keys);
      log('info', 'the wrapping key is open', { generation: stored.table.written });
      // A rotation of the root key that was cut short: whichever key opened first is kept.
      const { slots: all } = stored.table;
      const recovering = all.filter(isRecovery);
      if (slots.length + recovering.length < all.length) {
        ring.store({ slots: [...slots, ...recovering] });
      }
      return true;
    }
    for (const key of keys) key.wipe();
  }
  throw new SlotTableError('no copy of the slot table can be trusted');
}

/** The generations, each from the first of its slots that opens. Throws when one has none. */
async function keysOf(
  table: SlotTable,
  root: RootToken,
): Promise<{ keys: WrappingKey[]; slots: Slot[] }> {
  const keys: WrappingKey[] = [];
  const slots: Slot[] = [];
  const failures = new Map<string, Error>();
  for (const slot of table.slots) {
    const { generation } = slot;
    if (isRecovery(slot)) continue;
    if (slots.some((opened) => opened.generation === generation)) continue;
    try {
      const bytes = await root.read(slot);
      if (bytes === undefined) continue;
      keys.push(new WrappingKey(Buffer.from(generation, 'hex'), bytes));
      slots.push(slot);
      failures.delete(generation);
    } catch (error) {
      failures.set(generation, error instanceof Error ? error : new Error(String(error)));
    }
  }
  const [failure] = failures.values();
  if (failure !== undefined) {
    for (const key of keys) key.wipe();
    throw failure;
  }
  return { keys, slots };
}
