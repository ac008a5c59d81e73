import type {
  InitialiseRequest,
  LendRequest,
  RecoveringWith,
  RestoreRequest,
} from '../keeper-client/console.ts';
import { KeeperError } from '../keeper-client/keeper.ts';
import { compareGenerations } from './peer.ts';
import { retiredWith } from './retired-root.ts';
import { makeRecoverySet, privateKeyOf, recoverySlot } from './recovery.ts';
import { isProven, membersOf, setsOf } from './recovery-part.ts';
import { markedIdentifier, readThrough, recoveryTokenSlot, wrongToken } from './recovery-token.ts';
import type { RecoveryToken } from './recovery-token.ts';
import { isRecoverable, isRecovery, isSame, openWithShares, openWithToken } from './restore.ts';
import { setOfShares, wipeAll } from './restore.ts';
import type { Recovered } from './restore.ts';
import type { RootToken } from './root-token.ts';
import type { KeeperParts } from './rotation.ts';
import type { Slot } from './slot.ts';
import { parseStored, readStored } from './slot-table.ts';
import type { SlotTable, StoredTable } from './slot-table.ts';
import type { WrappingKey } from './wrapping-key.ts';

/**
 * Makes a set of shares, with a slot for every generation, and gives the shares; nobody else has
 * them. It counts once it is proven: until then a proven one stays beside it, in force. Throws
 * KeeperError `sealed`.
 */
export async function makeRecovery(
  { ring, now, random }: KeeperParts,
  wanted: { readonly threshold: number; readonly shares: number },
): Promise<string[]> {
  ring.opened();
  const made = await makeRecoverySet(wanted, ring.mark(), now(), random);
  const { table } = ring.opened();
  const { recovery } = table;
  const stays = recovery !== undefined && recovery.proven !== null;
  const slots = ring.keys.map((key) => recoverySlot(made.recovery, key, now()));
  const replaced = stays ? table.nextRecovery?.set : recovery?.set;
  const kept = table.slots.filter(({ keyId }) => keyId !== replaced);
  const place = stays ? { nextRecovery: made.recovery } : { recovery: made.recovery };
  ring.store({ slots: [...kept, ...slots], ...place });
  return made.shares;
}

/**
 * Recovers the wrapping keys with shares and compares them; a set that waited takes the place of
 * the one in force. Throws KeeperError.
 */
export async function proveRecovery(
  { ring, now }: KeeperParts,
  shares: readonly string[],
): Promise<void> {
  const set = setOfShares(ring.opened().table, shares);
  if (set === undefined) throw new KeeperError('no-recovery', 'there is no recovery set');
  const privateKey = await privateKeyOf(set, shares);
  const { table } = ring.opened();
  if (!ring.keys.every((key) => isRecoverable(table, set, key, privateKey))) {
    throw new KeeperError('no-recovery', 'the recovery key’s slots do not open: make a new set');
  }
  const proven = { ...set, proven: now() };
  if (set.set !== table.nextRecovery?.set) {
    ring.store({ recovery: proven });
    return;
  }
  const slots = table.slots.filter(({ keyId }) => keyId !== table.recovery?.set);
  ring.store({ recovery: proven, nextRecovery: undefined, slots });
}

/**
 * Makes a recovery key in a token that holds no root key, with a slot for every generation, each
 * decrypted back. It counts once it is proven; the token is logged out of. Gives its CKA_ID. Throws
 * KeeperError `sealed`, `token`, `token-unknown`, `token-in-use` for the root key's own token.
 */
export async function makeRecoveryToken(
  { ring, tokens, now, random }: KeeperParts,
  { rootKeyLabel: label, token: name }: InitialiseRequest,
): Promise<string> {
  ring.opened();
  const token = tokens.named(name);
  const identifier = markedIdentifier(ring.mark(), random(4));
  return loggedOutAfter(token, async () => {
    await token.attempt(() => token.login());
    if (tokens.isRoots(token, ring.opened().slot)) {
      throw new KeeperError('token-in-use', 'a recovery key has to lie in another token');
    }
    const made = await token.attempt(() => token.makeRootKey(label, identifier));
    const member: RecoveryToken = {
      keyId: Buffer.from(made.id).toString('hex'),
      label,
      publicKey: Buffer.from(made.publicKey).toString('base64'),
      hash: made.hash,
      token: token.name,
      device: token.device,
      made: now(),
      proven: null,
      removed: null,
    };
    const slots = ring.keys.map((key) => recoveryTokenSlot(member, key, now()));
    if (!(await opensAll({ ring }, token, slots))) throw wrongToken(token.name);
    const { table } = ring.opened();
    ring.store({
      slots: [...slots, ...table.slots],
      recoveryTokens: [...(table.recoveryTokens ?? []), member],
    });
    return member.keyId;
  });
}

/**
 * Recovers the wrapping keys through a recovery token, compares them, and logs out of it. Throws
 * KeeperError `sealed`, `token`, `token-unknown`, `recovery-foreign` for a token without the key.
 */
export async function proveRecoveryToken(
  parts: KeeperParts,
  name: string | undefined,
): Promise<void> {
  const { ring, tokens, now } = parts;
  ring.opened();
  const token = tokens.named(name);
  await loggedOutAfter(token, async () => {
    await token.attempt(() => token.login());
    for (const { keyId } of membersOf(ring.opened().table)) {
      const slots = ring.opened().table.slots.filter((slot) => slot.keyId === keyId);
      const opened = await opensAll(parts, token, slots);
      if (opened === undefined) continue;
      if (!opened) {
        const text = 'the recovery token’s slots do not open: make its key anew';
        throw new KeeperError('no-recovery', text);
      }
      const { recoveryTokens = [] } = ring.opened().table;
      ring.store({
        recoveryTokens: recoveryTokens.map((each) =>
          each.keyId === keyId ? { ...each, proven: now() } : each,
        ),
      });
      return;
    }
    throw wrongToken(token.name);
  });
}

/**
 * Forgets a recovery token, by the CKA_ID of its key: it opens nothing that is sealed under a later
 * wrapping key. Throws KeeperError `sealed`, `recovery-unknown`, `recovery-needed` where nothing
 * else is proven.
 */
export function removeRecoveryToken({ ring, now }: KeeperParts, keyId: string): void {
  const { table } = ring.opened();
  if (!membersOf(table).some((member) => member.keyId === keyId)) {
    throw new KeeperError('recovery-unknown', 'there is no such recovery token');
  }
  const recoveryTokens = (table.recoveryTokens ?? []).map((member) =>
    member.keyId === keyId ? { ...member, removed: now() } : member,
  );
  if (isProven(table) && !isProven({ ...table, recoveryTokens })) {
    throw new KeeperError('recovery-needed', 'nothing else is proven to recover the keys');
  }
  const slots = table.slots.filter((slot) => !(isRecovery(slot) && slot.keyId === keyId));
  ring.store({ slots, recoveryTokens });
}

/**
 * Opens the wrapping keys with shares or a recovery token, where no root key opens them any more,
 * and gives the token that is there a root key and proven slots; a node that is new takes the slot
 * table of a backup. Throws KeeperError `not-new` while they are open, or where there is a slot
 * table already beside the backup's, `token-in-use` where the recovery token is to hold the root
 * key, `token`, `token-unknown`, and as `openWithShares` and `openWithToken` do.
 */
export async function restoreRecovered(parts: KeeperParts, request: RestoreRequest): Promise<void> {
  const { folder, ring, tokens } = parts;
  const { rootKeyLabel: label, slots: given, token: name } = request;
  if (ring.written !== undefined) {
    throw new KeeperError('not-new', 'the wrapping key is open: nothing is to be restored');
  }
  const { found, candidates } = readStored(folder);
  if (given !== undefined && found && candidates.length > 0) {
    throw new KeeperError('not-new', 'there is a slot table already');
  }
  const tables = given === undefined ? candidates : [storedIn(given)];
  const root = tokens.named(name);
  if (request.recoveryToken === root.name) {
    const text = 'the recovery token is not to hold the root key too';
    throw new KeeperError('token-in-use', text);
  }
  // First what may want a PIN typed: the recovery token is logged out of again.
  await root.attempt(() => root.login());
  const { table: opened, keys } = await recovered(parts, tables, request);
  const table = given === undefined ? opened : loneTable(opened);
  await root.attempt(async () => {
    const made = await root.makeRootKey(label);
    const slots: Slot[] = [];
    for (const key of keys) slots.push(await root.provenSlot(made, label, key));
    const kept = [...slots, ...table.slots.filter(isRecovery)];
    // A backup's root keys may be another node's, which is in service still.
    const retired = given === undefined ? retiredWith(table, kept) : [];
    ring.adopt({ ...table, slots: kept }, keys);
    ring.store({ retired, ...(given === undefined ? {} : { written: newestOf(table, keys) }) });
    tokens.use(root);
    root.noteProof(ring.opened().slot);
  });
}

/**
 * Opens the wrapping keys of a backup's slot table, beside those that are open, to read what was
 * sealed under them until the next start. Throws KeeperError `sealed`, `no-recovery` for another
 * cluster's, and as `openWithShares` and `openWithToken` do.
 */
export async function lendRecovered(parts: KeeperParts, request: LendRequest): Promise<void> {
  const { ring, log } = parts;
  const mark = ring.mark();
  const stored = storedIn(request.slots);
  const foreign = new KeeperError('no-recovery', 'the backup is of another cluster');
  if (setsOf(stored.table).some((set) => set.mark !== mark)) throw foreign;
  const opened = await recovered(parts, [stored], request);
  if (opened.mark !== mark) {
    wipeAll(opened);
    throw foreign;
  }
  ring.lend(opened.keys);
  log('warn', 'wrapping keys of a backup are open for reading', { count: opened.keys.length });
}

async function recovered(
  { tokens }: KeeperParts,
  tables: readonly StoredTable[],
  { shares, recoveryToken }: RecoveringWith,
): Promise<Recovered> {
  if (recoveryToken === undefined) return openWithShares(tables, shares ?? []);
  const token = tokens.named(recoveryToken);
  return loggedOutAfter(token, () => openWithToken(tables, token));
}

/** Whether the token opens every wrapping key; undefined where it does not have the slots' key. */
async function opensAll(
  { ring }: Pick<KeeperParts, 'ring'>,
  token: RootToken,
  slots: readonly Slot[],
): Promise<boolean | undefined> {
  const read = await token.attempt(() => readThrough(token, slots));
  if (read === undefined) return undefined;
  const opened = ring.keys.map((key) => {
    const id = key.generation.toString('hex');
    return isSame(read[slots.findIndex(({ generation }) => generation === id)], key);
  });
  for (const bytes of read) bytes?.fill(0);
  return opened.every(Boolean);
}

/** A recovery token goes back to its safe: it is not left logged in. */
async function loggedOutAfter<T>(token: RootToken, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } finally {
    await token.logout();
  }
}

/** Where there are no peers, no generation waits to be written under. */
function newestOf(table: SlotTable, keys: readonly WrappingKey[]): string {
  const held = keys.map(({ generation }) => generation.toString('hex'));
  const [newest] = held.sort((a, b) => compareGenerations(table, b, a));
  return newest ?? table.written;
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
  const { recovery, nextRecovery, recoveryTokens, order } = rest;
  return {
    ...{ version, serial, cluster, written, secret, slots },
    // Without it an older generation could pass for one that waits for its peers.
    ...(order === undefined ? {} : { order }),
    ...(recovery === undefined ? {} : { recovery }),
    ...(nextRecovery === undefined ? {} : { nextRecovery }),
    ...(recoveryTokens === undefined ? {} : { recoveryTokens }),
  };
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
