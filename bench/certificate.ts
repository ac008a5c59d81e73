import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority, makeAuthorityCertificate, makePrivateKey } from '../appliance/pki/authority.ts';

/**
 * An authority, a server certificate of the kind and size that the appliance has, and one client
 * that every server lets in: `ca.pem`, `server.pem`, `server-key.pem`, `client.pem`.
 */
export function makeCertificates(folder: string): { readonly cert: string; readonly key: string } {
  const surroundings = { now: () => Math.floor(Date.now() / 1000), random: randomBytes };
  const privateKey = (): ReturnType<typeof createPrivateKey> =>
    createPrivateKey({ key: makePrivateKey('rsa'), format: 'der', type: 'pkcs8' });
  const authorityKey = privateKey();
  const certificate = makeAuthorityCertificate(authorityKey, 'bench', surroundings);
  const authority = new Authority(certificate, authorityKey, surroundings);
  const serverKey = privateKey();
  const names = ['localhost', '127.0.0.1'];
  const client = authority.makeClient('bench');
  const write = (name: string, text: string): void => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  };
  write('ca.pem', certificate);
  write('server.pem', authority.serverCertificate(createPublicKey(serverKey), names));
  write('server-key.pem', serverKey.export({ format: 'pem', type: 'pkcs8' }).toString());
  write('client.pem', client.certificate);
  return { cert: client.certificate, key: client.key };
}
