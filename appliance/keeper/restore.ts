import { timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KeeperError } from '../keeper-client/keeper.ts';
import { markOf, openSecret } from './cluster-secret.ts';
import { privateKeyOf, readRecoverySlot } from './recovery.ts';
import type { Slot } from './slot.ts';
import { isAuthentic, slotTablePurpose } from './slot-table.ts';
import type { SlotTable, StoredTable } from './slot-table.ts';
import { WrappingKey } from './wrapping-key.ts';

export function isRecovery({ kind }: Slot): boolean {
  return kind === 'recovery';
}

/** Whether the recovery key's slot gives this very wrapping key back. */
export function isRecoverable(table: SlotTable, key: WrappingKey, privateKey: KeyObject): boolean {
  const id = key.generation.toString('hex');
  const slot = table.slots.find((each) => isRecovery(each) && each.generation === id);
  const bytes = slot === undefined ? undefined : readRecoverySlot(slot, privateKey);
  const same = bytes !== undefined && key.use((held) => timingSafeEqual(held, bytes));
  bytes?.fill(0);
  return same;
}

/**
 * The first slot table that shares open, that is as its own key wrote it and that is of the cluster
 * whose mark the shares bear, with every wrapping key in it. Throws KeeperError `no-recovery`, and
 * as `privateKeyOf` does.
 */
export async function openWithShares(
  candidates: readonly StoredTable[],
  shares: readonly string[],
): Promise<{ readonly table: SlotTable; readonly keys: WrappingKey[] }> {
  for (const stored of candidates) {
    const { table } = stored;
    if (table.recovery === undefined) continue;
    const privateKey = await privateKeyOf(table.recovery, shares);
    const keys = table.slots.filter(isRecovery).flatMap((slot) => {
      const bytes = readRecoverySlot(slot, privateKey);
      const generation = Buffer.from(slot.generation, 'hex');
      return bytes === undefined ? [] : [new WrappingKey(generation, bytes)];
    });
    const written = keys.find((key) => key.generation.toString('hex') === table.written);
    if (written !== undefined && isOurs(stored, written)) {
      return { table, keys };
    }
    for (const key of keys) key.wipe();
  }
  throw new KeeperError('no-recovery', 'no slot table that these shares open can be trusted');
}

/** Whether the wrapping key made the table, and belongs to the cluster that made the set. */
function isOurs(stored: StoredTable, written: WrappingKey): boolean {
  if (!isAuthentic(stored, written.derive(slotTablePurpose))) return false;
  const { table } = stored;
  const secret = openSecret(table, written);
  const mark = markOf(secret, table.cluster);
  secret.fill(0);
  return mark === table.recovery?.mark;
}
