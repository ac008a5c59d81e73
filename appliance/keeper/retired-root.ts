import { isAuthentic, readStored, slotTablePurpose } from './slot-table.ts';
import type { RetiredRoot, SlotTable } from './slot-table.ts';
import { isRecovery } from './restore.ts';
import type { Destroyed } from './root-token.ts';
import type { KeeperParts } from './rotation.ts';
import type { Slot } from './slot.ts';
import { TokenError } from '../token/error.ts';
import { codeOf } from './token-state.ts';

type Named = Pick<Slot, 'keyId' | 'publicKey' | 'device'> & { readonly token?: string | undefined };

/** A root key as it is remembered until it is destroyed. */
export function rootOf({ keyId, publicKey, token, device }: Named): RetiredRoot {
  return {
    ...{ keyId, publicKey },
    ...(token === undefined ? {} : { token }),
    ...(device === undefined ? {} : { device }),
  };
}

/**
 * The root keys that nothing needs any more once the table has these slots: those retired before,
 * those of the slots that go, and `more`. A key that any slot of this node or of a peer is
 * encrypted to is never among them.
 */
export function retiredWith(
  table: SlotTable,
  slots: readonly Slot[],
  more: readonly RetiredRoot[] = [],
): RetiredRoot[] {
  const gone = table.slots.filter((slot) => !isRecovery(slot)).map(rootOf);
  const all = [...(table.retired ?? []), ...gone, ...more];
  return all.filter(
    (root, i) =>
      !isNeeded({ ...table, slots }, root) && all.findIndex((each) => isSame(each, root)) === i,
  );
}

/**
 * Destroys, in their tokens, the root keys that were rotated away: to be called when the root key
 * in use has just opened its slot. Nothing is destroyed before both copies of the slot table on the
 * disk are this one. What cannot be destroyed now is tried again the next time. Never throws.
 */
export async function destroyRetired(parts: KeeperParts): Promise<void> {
  const { ring, tokens, log } = parts;
  for (const root of ring.table?.retired ?? []) {
    const { table } = ring.opened();
    if (table.joining === true || !isOnDisk(parts)) return;
    if (isNeeded(table, root)) continue;
    const holders = tokens.holding(root.token);
    if (holders.length === 0) continue;
    let outcome: Destroyed;
    try {
      outcome = await tokens.destroyIn(holders, root);
      if (outcome === 'another') throw new TokenError('key-missing', 'another token');
      const left = (ring.opened().table.retired ?? []).filter((each) => !isSame(each, root));
      ring.store({ retired: left });
    } catch (error) {
      const fields = { keyId: root.keyId, token: root.token, code: codeOf(error) };
      log('info', 'a root key that was rotated away is not destroyed yet', fields);
      continue;
    }
    const fields = { keyId: root.keyId, token: root.token };
    const what = outcome === 'destroyed' ? 'is destroyed' : 'was not in its token any more';
    log('info', `a root key that was rotated away ${what}`, fields);
  }
}

function isSame(a: RetiredRoot, b: RetiredRoot): boolean {
  return a.keyId === b.keyId && a.token === b.token;
}

/** Whether a slot, of whatever kind, of this node or a peer, is encrypted to this key. */
function isNeeded({ slots, peers = [] }: SlotTable, root: RetiredRoot): boolean {
  const held = [...slots, ...peers.flatMap((peer) => [peer.root, ...peer.slots])];
  return held.some((slot) => slot.keyId === root.keyId || slot.publicKey === root.publicKey);
}

/** Whether both copies on the disk are the table in memory, as its own key wrote it. */
function isOnDisk({ folder, ring }: Pick<KeeperParts, 'folder' | 'ring'>): boolean {
  const { table, key } = ring.opened();
  const mac = key.derive(slotTablePurpose);
  const { candidates } = readStored(folder);
  const current = candidates.filter(
    (stored) => stored.table.serial === table.serial && isAuthentic(stored, mac),
  );
  return current.length === 2;
}
