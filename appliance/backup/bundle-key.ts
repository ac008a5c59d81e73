import { createSecretKey, hkdfSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { BundleHead } from '../keeper-client/bundle-head.ts';
import { KeeperError } from '../keeper-client/keeper.ts';
import type { Keeper } from '../keeper-client/keeper.ts';
import { BackupError } from './error.ts';

/** The key of a backup's chunks: its own key, bound to every byte of its head (RFC 5869). */
export function chunkKey(own: Uint8Array, head: Uint8Array): KeyObject {
  const bytes = Buffer.from(hkdfSync('sha256', own, head, 'twinlock backup chunks', 32));
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

/** What the keeper binds a backup's own key to. */
export function keyContext(head: Pick<BundleHead, 'bundle' | 'cluster' | 'node'>): Buffer {
  const { bundle, cluster, node } = head;
  return Buffer.from(JSON.stringify(['twinlock backup key 1', cluster, node, bundle]));
}

/** The backup's own key; whoever asks wipes it. Throws BackupError. */
export async function openKey(head: BundleHead, keeper: Keeper): Promise<Buffer> {
  try {
    return await keeper.open(keyContext(head), Buffer.from(head.key, 'base64'));
  } catch (cause) {
    throw fromKeeper(cause);
  }
}

/** The keeper's refusals as this room's. */
export function fromKeeper(cause: unknown): unknown {
  if (!(cause instanceof KeeperError)) return cause;
  switch (cause.code) {
    case 'generation-unknown': {
      const message = 'the wrapping key it was made under is not open here';
      return new BackupError('shares-needed', message, { cause });
    }
    case 'not-authentic':
      return new BackupError('forged', 'the backup’s key does not open', { cause });
    default:
      return new BackupError('keeper-unavailable', `the keeper says: ${cause.code}`, { cause });
  }
}

/** The cluster's key under which backups are authenticated. Throws BackupError. */
export async function backupMacKey(keeper: Keeper): Promise<KeyObject> {
  try {
    const bytes = await keeper.derive('backup');
    const key = createSecretKey(bytes);
    bytes.fill(0);
    return key;
  } catch (cause) {
    throw fromKeeper(cause);
  }
}
