import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Keeper } from '../keeper-client/keeper.ts';
import type { SealedFiles } from '../keystore/sealed-file.ts';
import { Authority, makeAuthorityCertificate, makePrivateKey } from '../pki/authority.ts';
import type { KeyKind, Surroundings } from '../pki/authority.ts';
import { readCertificate } from '../pki/fingerprint.ts';

/** An Ed25519 or other private key that is made once and opened through the keeper ever after. */
async function privateKey(
  files: SealedFiles,
  name: 'record-key' | 'server-key' | 'authority-key',
  make: () => Buffer,
): Promise<KeyObject> {
  const der = await files.openOrMake(name, make);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return key;
}

export function recordKey(files: SealedFiles): Promise<KeyObject> {
  return privateKey(files, 'record-key', () =>
    generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }),
  );
}

/** The key of the commitments, which every node of the cluster has. */
export async function commitmentKey(keeper: Keeper): Promise<KeyObject> {
  const bytes = await keeper.derive('material commitment');
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

export interface ServerIdentity {
  readonly authority: Authority;
  readonly key: KeyObject;
  /** PEM: the server's certificate alone, which is what vCenter pins. */
  readonly certificate: string;
}

/**
 * The authority, and the server's key and certificate. A certificate that lacks one of the names is
 * made anew for the same key; else it stays as it is, because vCenter pins it.
 */
export async function serverIdentity(
  files: SealedFiles,
  folder: string,
  names: readonly string[],
  kind: KeyKind,
  surroundings: Surroundings,
): Promise<ServerIdentity> {
  const authorityKey = await privateKey(files, 'authority-key', () => makePrivateKey('rsa'));
  const key = await privateKey(files, 'server-key', () => makePrivateKey(kind));
  const authorityCertificate = kept(join(folder, 'authority.pem'), () =>
    makeAuthorityCertificate(authorityKey, 'Twinlock authority', surroundings),
  );
  const authority = new Authority(authorityCertificate, authorityKey, surroundings);
  const path = join(folder, 'server.pem');
  const make = (): string => authority.serverCertificate(createPublicKey(key), names);
  const certificate = kept(path, make, (pem) => bearsAll(pem, names));
  return { authority, key, certificate };
}

function bearsAll(pem: string, names: readonly string[]): boolean {
  const certificate = readCertificate(pem);
  return names.every((name) =>
    isIP(name) === 0
      ? certificate.checkHost(name) !== undefined
      : certificate.checkIP(name) !== undefined,
  );
}

function kept(
  path: string,
  make: () => string,
  good: (text: string) => boolean = () => true,
): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (good(text)) return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const text = make();
  writeFileSync(path, text, { mode: 0o644 });
  return text;
}
