import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { connect } from 'node:tls';
import test from 'ava';
import { command, startAppliance, until } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { request, wire, Wires } from '../harness/vcenter.ts';

/** A certificate that signs itself, with or without a purpose: files as an enrolled client has. */
async function selfSigned(
  appliance: RunningAppliance,
  name: string,
  extensions: readonly string[],
): Promise<string> {
  const folder = appliance.file(name);
  await command('mkdir', [folder]);
  const made = await command('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', `/CN=${name}`],
    ...['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')],
    ...extensions.flatMap((each) => ['-addext', each]),
  ]);
  if (made.code !== 0) throw new Error(made.stderr);
  return join(folder, 'cert.pem');
}

/** Who was not let in and how often, as the audit tells it: "ACTOR REASON". */
async function refusals(appliance: RunningAppliance): Promise<string[]> {
  const { stdout } = await appliance.twinlock('audit', 'tail', '--json', '--lines', '500');
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string | undefined>)
    .filter(({ act, outcome }) => act === 'KMIP connection' && outcome === 'denied')
    .map(({ actor = '', reason = '' }) => `${actor} ${reason}`);
}

test('a certificate is let in by its exact bytes, whatever its purpose', async (t) => {
  const appliance = await startAppliance(t);
  const purposes = {
    plain: [],
    'for-clients': ['extendedKeyUsage=clientAuth'],
    'for-servers': ['extendedKeyUsage=serverAuth'],
  };
  for (const [name, extensions] of Object.entries(purposes)) {
    const certificate = await selfSigned(appliance, name, extensions);
    await t.throwsAsync(new KmipClient(appliance, name).create(), undefined, `${name} before`);
    const added = await appliance.twinlock('client', 'add', '--name', name, '--cert', certificate);
    t.is(added.code, 0, added.stderr);
    const client = new KmipClient(appliance, name);
    t.is((await client.get(await client.create())).length, 64, name);
    client.end();
  }
  // The same name and key in another certificate is another stranger.
  const [key, other] = [appliance.file('plain', 'key.pem'), appliance.file('plain', 'cert.pem')];
  const again = ['req', '-x509', '-key', key, '-subj', '/CN=plain', '-days', '31', '-out', other];
  t.is((await command('openssl', again)).code, 0);
  await t.throwsAsync(new KmipClient(appliance, 'plain').create());
});

test('who is unknown, blocked or without a certificate gets not one byte', async (t) => {
  const appliance = await startAppliance(t, { clients: 2 });
  const { host, port } = appliance;
  await selfSigned(appliance, 'stranger', []);
  const files = (name: string): { cert: string; key: string } => ({
    cert: appliance.read(name, 'cert.pem'),
    key: appliance.read(name, 'key.pem'),
  });
  t.is((await appliance.twinlock('client', 'block', 'client2')).code, 0);
  for (const identity of [{}, files('stranger'), files('client2')]) {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const wires = new Wires({ host, port, maxVersion, ...identity });
      let received = 0;
      wires.socket.on('data', (chunk: Buffer) => (received += chunk.length));
      const answer = wires.next();
      wires.socket.write(request([wire.discoverVersions()], { ids: false }));
      t.is(await answer, undefined);
      t.is(received, 0);
    }
  }
  const log = appliance.read('log', 'server.log');
  for (const why of ['no certificate', 'unknown certificate', 'blocked']) {
    t.true(log.includes(`"why":"${why}"`), why);
  }
  const print = new X509Certificate(files('stranger').cert).fingerprint256;
  const stranger = print.replaceAll(':', '').toLowerCase();
  const knocked = [
    ...['client:no certificate not let in', `client:${stranger} not let in`],
    'client:client2 blocked',
  ];
  await until('the audit has each', async () => {
    const told = await refusals(appliance);
    return knocked.every((each) => told.includes(each));
  });
  // Allowed again, it is served at once.
  t.is((await appliance.twinlock('client', 'allow', 'client2')).code, 0);
  t.is((await new KmipClient(appliance, 'client2').create()).length, 36);
});

for (const [kind, curve] of [
  ['rsa', undefined],
  ['p256', 'prime256v1'],
] as const) {
  test(`the server's certificate of ${kind} bears the node's names and addresses`, async (t) => {
    const appliance = await startAppliance(t, { serverKey: kind });
    const { host, port } = appliance;
    const identity = {
      cert: appliance.read('client', 'cert.pem'),
      key: appliance.read('client', 'key.pem'),
    };
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      // Verified as a client verifies that has only the authority's certificate.
      const wires = new Wires({
        ...{ host, port, ...identity, ca: appliance.read('client', 'ca.pem') },
        ...{ rejectUnauthorized: true, minVersion: version, maxVersion: version },
      });
      const answer = await wires.exchange(request([wire.discoverVersions()], { ids: false }));
      t.is(answer.results[0]?.status, 0);
      t.is(wires.socket.getProtocol(), version);
      wires.end();
    }
    const certificate = new X509Certificate(appliance.read('server', 'server.pem'));
    const { asymmetricKeyDetails: details } = certificate.publicKey;
    if (curve === undefined) t.is(details?.modulusLength, 3072);
    else t.is(details?.namedCurve, curve);
    t.is(certificate.checkHost('localhost'), 'localhost');
    t.is(certificate.checkIP('127.0.0.1'), '127.0.0.1');
  });
}

test('TLS 1.1 and suites that are not ECDHE with GCM are refused', async (t) => {
  const appliance = await startAppliance(t);
  const { host, port } = appliance;
  const identity = {
    cert: appliance.read('client', 'cert.pem'),
    key: appliance.read('client', 'key.pem'),
  };
  const refused = (options: object): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect({ host, port, ...identity, rejectUnauthorized: false, ...options });
      socket.once('secureConnect', () => {
        socket.destroy();
        resolve(false);
      });
      socket.once('error', () => {
        resolve(true);
      });
    });
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' };
  t.true(await refused(old));
  for (const ciphers of ['AES256-GCM-SHA384', 'ECDHE-RSA-AES256-SHA384']) {
    t.true(await refused({ maxVersion: 'TLSv1.2', ciphers }), ciphers);
  }
  t.false(await refused({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES256-GCM-SHA384' }));
  const failed = 'client:handshake failed not let in';
  await until('the audit says so', async () => (await refusals(appliance)).includes(failed));
});
