import { createPrivateKey, createPublicKey, randomBytes, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  Authority,
  makeAuthorityCertificate,
  makePrivateKey,
} from '../../appliance/pki/authority.ts';
import type { KeyKind } from '../../appliance/pki/authority.ts';
import { PkiError } from '../../appliance/pki/error.ts';
import { command, removeFolder, temporaryFolder } from '../harness/appliance.ts';

const surroundings = {
  now: () => Math.floor(Date.now() / 1000),
  random: (n: number) => randomBytes(n),
};
const privateKey = (kind: KeyKind): ReturnType<typeof createPrivateKey> =>
  createPrivateKey({ key: makePrivateKey(kind), format: 'der', type: 'pkcs8' });
const key = privateKey('rsa');
const own = makeAuthorityCertificate(key, 'Test authority', surroundings);
const authority = new Authority(own, key, surroundings);
const folder = temporaryFolder();
test.after.always(() => {
  removeFolder(folder);
});

for (const kind of ['rsa', 'p256'] as const) {
  test(`a server certificate of ${kind} bears all its names and verifies`, async (t) => {
    const names = ['kms.example', '10.1.2.3', '2001:db8::7', '::1'];
    const pem = authority.serverCertificate(createPublicKey(privateKey(kind)), names);
    const certificate = new X509Certificate(pem);
    t.true(certificate.verify(createPublicKey(key)));
    t.is(certificate.checkHost('kms.example'), 'kms.example');
    for (const address of names.slice(1)) t.truthy(certificate.checkIP(address), address);
    t.is(certificate.checkHost('other.example'), undefined);
    writeFileSync(join(folder, `${kind}.pem`), pem);
    writeFileSync(join(folder, `${kind}-ca.pem`), own);
    const { code, stderr } = await command('openssl', [
      ...['verify', '-x509_strict', '-purpose', 'sslserver'],
      ...['-CAfile', join(folder, `${kind}-ca.pem`), join(folder, `${kind}.pem`)],
    ]);
    t.is(code, 0, stderr);
  });
}

for (const algorithm of ['rsa:2048', 'ec:P-256']) {
  test(`a request of ${algorithm} gets its name and no extension`, async (t) => {
    const [type, detail] = algorithm.split(':');
    const curve = type === 'ec' ? ['-pkeyopt', `ec_paramgen_curve:${detail ?? ''}`] : [];
    const { stdout } = await command('openssl', [
      ...['req', '-new', '-newkey', type === 'ec' ? 'ec' : algorithm, ...curve, '-nodes'],
      ...['-keyout', '/dev/null', '-subj', '/O=Example/CN=kmipClient20260101120000'],
      ...['-addext', 'basicConstraints=CA:TRUE'],
    ]);
    const certificate = new X509Certificate(authority.signRequest(stdout));
    t.is(certificate.subject, 'CN=kmipClient20260101120000');
    t.false(certificate.ca);
    t.true(certificate.verify(createPublicKey(key)));
    const lines = stdout.split('\n');
    const middle = Math.floor(lines.length / 2);
    const line = lines[middle] ?? '';
    lines[middle] = (line.startsWith('A') ? 'B' : 'A') + line.slice(1);
    t.throws(() => authority.signRequest(lines.join('\n')), { instanceOf: PkiError });
  });
}

test('weak keys and rubbish are refused with a code', async (t) => {
  const { stdout } = await command('openssl', [
    ...['req', '-new', '-newkey', 'rsa:1024', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=x'],
  ]);
  const code = (text: string): string | undefined =>
    t.throws(() => authority.signRequest(text), { instanceOf: PkiError }).code;
  t.is(code(stdout), 'key-too-weak');
  t.is(code('rubbish'), 'request-unreadable');
  t.is(code(stdout.replace(/\n[^-\n]{64}\n/, '\n')), 'request-unreadable');
});
