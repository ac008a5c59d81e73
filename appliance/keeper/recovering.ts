import type { LendRequest, RestoreRequest } from '../keeper-client/console.ts';
import { KeeperError } from '../keeper-client/keeper.ts';
import { retiredWith } from './retired-root.ts';
import { makeRecoverySet, privateKeyOf, recoverySlot } from './recovery.ts';
import { isRecoverable, isRecovery, openWithShares } from './restore.ts';
import type { KeeperParts } from './rotation.ts';
import type { Slot } from './slot.ts';
import { parseStored, readStored } from './slot-table.ts';
import type { SlotTable, StoredTable } from './slot-table.ts';

/**
 * Makes a recovery set in place of any earlier one, with a slot for every generation, and gives
 * its shares; nobody else has them. It counts once it is proven. Throws KeeperError `sealed`.
 */
export async function makeRecovery(
  { ring, now, random }: KeeperParts,
  wanted: { readonly threshold: number; readonly shares: number },
): Promise<string[]> {
  ring.opened();
  const made = await makeRecoverySet(wanted, ring.mark(), now(), random);
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
    throw new KeeperError('no-recovery', 'the recovery key’s slots do not open: make a new set');
  }
  ring.store({ recovery: { ...recovery, proven: now() } });
}

/**
 * Opens the wrapping keys with shares, where no token opens them any more, and gives the token
 * that is there a root key and proven slots; a node that is new takes the slot table of a backup.
 * Throws KeeperError `not-new` while they are open, or where there is a slot table already beside
 * the backup's, `no-recovery`, `token`, `token-unknown`, and as `privateKeyOf` does.
 */
export async function restoreWithShares(
  { folder, ring, tokens }: KeeperParts,
  { shares, rootKeyLabel: label, slots: given, token: name }: RestoreRequest,
): Promise<void> {
  if (ring.written !== undefined) {
    throw new KeeperError('not-new', 'the wrapping key is open: nothing is to be restored');
  }
  const { found, candidates } = readStored(folder);
  if (given !== undefined && found && candidates.length > 0) {
    throw new KeeperError('not-new', 'there is a slot table already');
  }
  const tables = given === undefined ? candidates : [storedIn(given)];
  const root = tokens.named(name);
  const { table: opened, keys } = await openWithShares(tables, shares);
  const table = given === undefined ? opened : loneTable(opened);
  await root.attempt(async () => {
    const made = await root.makeRootKey(label);
    const slots: Slot[] = [];
    for (const key of keys) slots.push(await root.provenSlot(made, label, key));
    const kept = [...slots, ...table.slots.filter(isRecovery)];
    // A backup's root keys may be another node's, which is in service still.
    const retired = given === undefined ? retiredWith(table, kept) : [];
    ring.adopt({ ...table, slots: kept }, keys);
    ring.store({ retired });
    tokens.use(root);
    root.noteProof(ring.opened().slot);
  });
}

/**
 * Opens the wrapping keys of a backup's slot table with shares, beside those that are open, to read
 * what was sealed under them until the next start. Throws KeeperError `sealed`, `no-recovery` for
 * another cluster's, and as `privateKeyOf` does.
 */
export async function lendWithShares(
  { ring, log }: KeeperParts,
  { shares, slots }: LendRequest,
): Promise<void> {
  const mark = ring.mark();
  const stored = storedIn(slots);
  if (stored.table.recovery?.mark !== mark) {
    throw new KeeperError('no-recovery', 'the backup is of another cluster');
  }
  const { keys } = await openWithShares([stored], shares);
  ring.lend(keys);
  log('warn', 'wrapping keys of a backup are open for reading', { count: keys.length });
}

/** A backup's table for a node that is another one than the author: it has no peers yet. */
function loneTable({
  version,
  serial,
  cluster,
  written,
  secret,
  slots,
  ...rest
}: SlotTable): SlotTable {
  const { recovery } = rest;
  const set = recovery === undefined ? {} : { recovery };
  return { version, serial, cluster, written, secret, slots, ...set };
}

function storedIn(text: string): StoredTable {
  try {
    const stored = parseStored(text);
    if (stored !== undefined) return stored;
  } catch {
    // Not even JSON: as little a slot table.
  }
  throw new KeeperError('no-recovery', 'the backup holds no slot table that can be read');
}
