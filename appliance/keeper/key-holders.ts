import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyHolders, RootHolder } from '../keeper-client/holders.ts';
import { KeeperError } from '../keeper-client/keeper.ts';
import { clusterName } from './fingerprint-words.ts';
import type { KeyCopies } from './keeper-options.ts';
import { recoveryStatus } from './recovery-part.ts';
import { isRecovery } from './restore.ts';
import type { Slot } from './slot.ts';
import { parseStored } from './slot-table.ts';
import type { SlotTable } from './slot-table.ts';
import type { TokenSet } from './token-set.ts';

type NamedRoot = Pick<RootHolder, 'keyId' | 'token' | 'device'>;

/** What is typed where no slot table says which cluster this is. */
const nameless = 'no-cluster';
const joiningFile = 'joining-root';

/** Every file of the keeper's folder that holds slots or names a root key. */
export function slotFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith('slots.') || name.startsWith(joiningFile))
    .map((name) => join(folder, name));
}

/**
 * What holds the keys, by the files on the disk, whether they open or not: with or without the
 * token, sealed or open. Throws KeeperError `shred-refused` where there is nothing.
 */
export function holdersOf(
  folder: string,
  tokens: TokenSet,
  { backups, journal }: KeyCopies,
): KeyHolders {
  const files = slotFiles(folder);
  if (files.length === 0) throw new KeeperError('shred-refused', 'this node has no keys');
  const tables = files.map(tableIn).filter((table) => table !== undefined);
  const [table] = tables.sort((a, b) => b.serial - a.serial);
  const roots = new Map<string, RootHolder>();
  const add = (root: RootHolder): void => {
    if (!roots.has(root.keyId)) roots.set(root.keyId, { ...root, ...tokens.view(root.token) });
  };
  for (const { slots, retired = [] } of tables) {
    const used = slots.filter((slot) => !isRecovery(slot));
    for (const root of used) add({ holds: 'in use', ...named(root) });
    for (const root of retired) add({ holds: 'rotated away', ...named(root) });
  }
  const joining = joiningRoot(folder);
  if (joining !== undefined) add({ keyId: joining, holds: 'joining' });
  return {
    name: table === undefined ? nameless : clusterName(table.cluster),
    ...(table === undefined ? {} : { cluster: table.cluster }),
    roots: [...roots.values()],
    peers: (table?.peers ?? []).map(({ node, name }) => ({ node, name })),
    ...recoveryOf(table),
    ...(backups === undefined ? {} : { backups }),
    ...(journal === undefined ? {} : { journal }),
  };
}

function recoveryOf(table: SlotTable | undefined): Pick<KeyHolders, 'recovery'> {
  const recovery = table === undefined ? undefined : recoveryStatus(table);
  return recovery === undefined ? {} : { recovery: recovery.members };
}

function named({ keyId, token, device }: Pick<Slot, 'keyId' | 'token' | 'device'>): NamedRoot {
  return {
    keyId,
    ...(token === undefined ? {} : { token }),
    ...(device === undefined ? {} : { device }),
  };
}

function tableIn(path: string): SlotTable | undefined {
  try {
    return parseStored(readFileSync(path, 'utf8'))?.table;
  } catch {
    return undefined;
  }
}

function joiningRoot(folder: string): string | undefined {
  const path = join(folder, joiningFile);
  if (!existsSync(path)) return undefined;
  try {
    const { keyId } = JSON.parse(readFileSync(path, 'utf8')) as { keyId?: unknown };
    return typeof keyId === 'string' ? keyId : undefined;
  } catch {
    return undefined;
  }
}
