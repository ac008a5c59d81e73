import { KeeperError } from '../keeper-client/keeper.ts';
import { makeRecoverySet, privateKeyOf, recoverySlot } from './recovery.ts';
import { isRecoverable, isRecovery, openWithShares } from './restore.ts';
import type { KeeperParts } from './rotation.ts';
import type { Slot } from './slot.ts';

/**
 * Makes a recovery set in place of any earlier one, with a slot for every generation, and gives
 * its shares; nobody else has them. It counts once it is proven. Throws KeeperError `sealed`.
 */
export async function makeRecovery(
  { ring, now, random }: KeeperParts,
  wanted: { readonly threshold: number; readonly shares: number },
): Promise<string[]> {
  ring.opened();
  const made = await makeRecoverySet(wanted, now(), random);
  const slots = ring.keys.map((key) => recoverySlot(made.recovery, key, now()));
  const kept = ring.opened().table.slots.filter((slot) => !isRecovery(slot));
  ring.store({ slots: [...kept, ...slots], recovery: made.recovery });
  return made.shares;
}

/** Recovers the wrapping keys with shares and compares them. Throws KeeperError. */
export async function proveRecovery(
  { ring, now }: KeeperParts,
  shares: readonly string[],
): Promise<void> {
  const { recovery } = ring.opened().table;
  if (recovery === undefined) throw new KeeperError('no-recovery', 'there is no recovery set');
  const privateKey = await privateKeyOf(recovery, shares);
  const { table } = ring.opened();
  if (!ring.keys.every((key) => isRecoverable(table, key, privateKey))) {
    throw new KeeperError('share-damaged', 'the recovery slot does not open');
  }
  ring.store({ recovery: { ...recovery, proven: now() } });
}

/**
 * Opens the wrapping keys with shares, where no token opens them any more, and gives the token
 * that is there a root key and proven slots. Throws KeeperError `not-new` while they are open,
 * `no-recovery`, `token`, and as `privateKeyOf` does.
 */
export async function restoreWithShares(
  { folder, ring, root }: KeeperParts,
  shares: readonly string[],
  label: string,
): Promise<void> {
  if (ring.written !== undefined) {
    throw new KeeperError('not-new', 'the wrapping key is open: nothing is to be restored');
  }
  const { table, keys } = await openWithShares(folder, shares);
  await root.attempt(async () => {
    const made = await root.makeRootKey(label);
    const slots: Slot[] = [];
    for (const key of keys) slots.push(await root.provenSlot(made, label, key));
    ring.adopt({ ...table, slots: [...slots, ...table.slots.filter(isRecovery)] }, keys);
    ring.store({});
    root.noteProof(`RSA-OAEP ${made.hash}`);
  });
}
