import { hkdfSync } from 'node:crypto';
import type { SlotTable } from './slot-table.ts';
import type { WrappingKey } from './wrapping-key.ts';

/** The cluster's secret under its wrapping key, base64. `nonce`: 12 fresh random bytes. */
export function sealSecret(
  key: WrappingKey,
  cluster: string,
  secret: Uint8Array,
  nonce: Buffer,
): string {
  return key.seal(secretContext(cluster), secret, nonce).toString('base64');
}

/** The cluster's secret in a table; whoever asks wipes it. Throws KeeperError `not-authentic`. */
export function openSecret(table: Pick<SlotTable, 'cluster' | 'secret'>, key: WrappingKey): Buffer {
  return key.open(secretContext(table.cluster), Buffer.from(table.secret, 'base64'));
}

/** A key of 32 bytes for one purpose (RFC 5869, SHA-256). */
export function deriveFrom(secret: Uint8Array, cluster: string, purpose: string): Buffer {
  const salt = Buffer.from(cluster, 'hex');
  return Buffer.from(hkdfSync('sha256', secret, salt, `twinlock ${purpose}`, 32));
}

/**
 * What tells one cluster's secret from another's without telling it, in hexadecimal. A recovery set
 * bears it under its shares' secret: everybody can encrypt a wrapping key to a public key, but only
 * who has the shares, or the cluster, can say of which cluster it is.
 */
export function markOf(secret: Uint8Array, cluster: string): string {
  return deriveFrom(secret, cluster, 'cluster mark').toString('hex');
}

function secretContext(cluster: string): Buffer {
  return Buffer.from(JSON.stringify(['twinlock cluster secret 1', cluster]));
}
