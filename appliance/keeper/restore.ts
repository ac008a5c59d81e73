import { timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KeeperError } from '../keeper-client/keeper.ts';
import { markOf, openSecret } from './cluster-secret.ts';
import { readShare } from '../keeper-client/share.ts';
import { privateKeyOf, readRecoverySlot } from './recovery.ts';
import type { RecoverySet } from './recovery.ts';
import { membersOf, setsOf } from './recovery-part.ts';
import type { RecoveryPart } from './recovery-part.ts';
import { bearsMark, readThrough, wrongToken } from './recovery-token.ts';
import type { RootToken } from './root-token.ts';
import type { Slot } from './slot.ts';
import { isAuthentic, slotTablePurpose } from './slot-table.ts';
import type { SlotTable, StoredTable } from './slot-table.ts';
import { WrappingKey } from './wrapping-key.ts';

export function isRecovery({ kind }: Slot): boolean {
  return kind === 'recovery';
}

/** Whether the recovery set's slot gives this very wrapping key back. */
export function isRecoverable(
  { slots }: SlotTable,
  { set }: RecoverySet,
  key: WrappingKey,
  privateKey: KeyObject,
): boolean {
  const id = key.generation.toString('hex');
  const slot = slots.find((each) => isOf(each, set) && each.generation === id);
  return isSame(slot === undefined ? undefined : readRecoverySlot(slot, privateKey), key);
}

/** Whether these bytes, which are wiped, are the wrapping key. */
export function isSame(bytes: Buffer | undefined, key: WrappingKey): boolean {
  const same = bytes !== undefined && key.use((held) => timingSafeEqual(held, bytes));
  bytes?.fill(0);
  return same;
}

/** A slot table that recovery opened, with every wrapping key in it and its cluster's mark. */
export interface Recovered {
  readonly table: SlotTable;
  readonly keys: WrappingKey[];
  readonly mark: string;
}

/**
 * The first slot table that shares open, that is as its own key wrote it and that is of the cluster
 * whose mark the shares bear. Throws KeeperError `no-recovery`, and as `privateKeyOf` does.
 */
export async function openWithShares(
  candidates: readonly StoredTable[],
  shares: readonly string[],
): Promise<Recovered> {
  for (const stored of candidates) {
    const { table } = stored;
    const set = setOfShares(table, shares);
    if (set === undefined) continue;
    const privateKey = await privateKeyOf(set, shares);
    const slots = table.slots.filter((slot) => isOf(slot, set.set));
    const read = slots.map((slot) => readRecoverySlot(slot, privateKey));
    const recovered = recoveredFrom(stored, slots, read);
    if (recovered?.mark === set.mark) return recovered;
    wipeAll(recovered);
  }
  throw new KeeperError('no-recovery', 'no slot table that these shares open can be trusted');
}

/**
 * The same through a recovery token: the cluster is the one whose mark its key's identifier bears.
 * Throws KeeperError `recovery-foreign` where the token has none of these keys, `no-recovery`,
 * `token`.
 */
export async function openWithToken(
  candidates: readonly StoredTable[],
  token: RootToken,
): Promise<Recovered> {
  const seen = { known: false };
  const recovered = await token.attempt(async () => {
    await token.login();
    for (const stored of candidates) {
      for (const { keyId } of membersOf(stored.table)) {
        const slots = stored.table.slots.filter((slot) => isOf(slot, keyId));
        const read = await readThrough(token, slots);
        if (read === undefined) continue;
        seen.known = true;
        const found = recoveredFrom(stored, slots, read);
        if (found !== undefined && bearsMark(keyId, found.mark)) return found;
        wipeAll(found);
      }
    }
    return undefined;
  });
  if (recovered !== undefined) return recovered;
  if (!seen.known) throw wrongToken(token.name);
  throw new KeeperError('no-recovery', 'no slot table that this token opens can be trusted');
}

/** The set that these shares are of, for all that can be said before they are joined. */
export function setOfShares(
  part: RecoveryPart,
  shares: readonly string[],
): RecoverySet | undefined {
  const sets = setsOf(part);
  const prefixes = shares.flatMap((text) => {
    try {
      return [readShare(text).set.toString('hex')];
    } catch {
      return [];
    }
  });
  return sets.find(({ set }) => prefixes.includes(set.slice(0, 8))) ?? sets[0];
}

function isOf(slot: Slot, keyId: string): boolean {
  return isRecovery(slot) && slot.keyId === keyId;
}

/** Undefined where the wrapping key that was read did not make the table. */
function recoveredFrom(
  stored: StoredTable,
  slots: readonly Slot[],
  read: readonly (Buffer | undefined)[],
): Recovered | undefined {
  const { table } = stored;
  const keys = slots.flatMap(({ generation }, i) => {
    const bytes = read[i];
    return bytes === undefined ? [] : [new WrappingKey(Buffer.from(generation, 'hex'), bytes)];
  });
  const written = keys.find((key) => key.generation.toString('hex') === table.written);
  if (written === undefined || !isAuthentic(stored, written.derive(slotTablePurpose))) {
    for (const key of keys) key.wipe();
    return undefined;
  }
  const secret = openSecret(table, written);
  const mark = markOf(secret, table.cluster);
  secret.fill(0);
  return { table, keys, mark };
}

/** Forgets what was recovered and is not to be used. */
export function wipeAll(recovered: Recovered | undefined): void {
  for (const key of recovered?.keys ?? []) key.wipe();
}
