import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { removeFolder, startAppliance, temporaryFolder, until } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';

interface Listed {
  readonly name: string;
  readonly state: string;
  readonly group: string;
}

async function clients(node: RunningAppliance): Promise<readonly Listed[]> {
  const { stdout } = await node.twinlock('client', 'list', '--json');
  return (JSON.parse(stdout) as { clients: Listed[] }).clients;
}

function openssl(...parameters: readonly string[]): void {
  execFileSync('openssl', parameters, { stdio: 'pipe' });
}

/** An authority as a vCenter's, and certificates that it signs, in folders of a node. */
function authority(t: ExecutionContext, node: RunningAppliance) {
  const folder = temporaryFolder();
  t.teardown(() => {
    removeFolder(folder);
  });
  const [key, cert] = [join(folder, 'root.key'), join(folder, 'root.pem')];
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '900'];
  openssl('req', '-x509', ...made, '-keyout', key, '-out', cert, '-subj', '/CN=CA vsphere.local');
  return {
    cert,
    sign(name: string, subject: string): void {
      mkdirSync(node.file(name));
      const [own, request] = [node.file(name, 'key.pem'), join(folder, `${name}.csr`)];
      openssl('req', ...made.slice(0, -2), '-keyout', own, '-out', request, '-subj', subject);
      const by = ['-CA', cert, '-CAkey', key, '-CAcreateserial', '-days', '900'];
      openssl('x509', '-req', '-in', request, ...by, '-out', node.file(name, 'cert.pem'));
    },
  };
}

async function isLetIn(node: RunningAppliance, name: string): Promise<boolean> {
  const client = new KmipClient(node, name);
  try {
    await client.create();
    return true;
  } catch {
    return false;
  } finally {
    client.end();
  }
}

test('what vCenter’s root signed waits on a list until a person lets it in', async (t) => {
  t.timeout(120_000);
  const node = await startAppliance(t, { token: 'softhsm' });
  const root = authority(t, node);
  root.sign('first', '/CN=vpxd-extension\t\u001b[31m/O=VMware');
  root.sign('second', '/CN=vcenter.example');
  // Before anybody trusts that root its certificates are strangers, and on no list.
  t.false(await isLetIn(node, 'first'));
  t.is((await clients(node)).length, 1);
  await node.twinlock('group', 'make', 'vsphere');
  const add = ['client', 'add-authority', '--name', 'vCenter root', '--group', 'vsphere'];
  const leaf = await node.twinlock(...add, '--cert', node.file('first', 'cert.pem'));
  t.is(leaf.code, 3);
  t.regex(leaf.stderr, /error: this certificate may not sign others\nhint: .+\n/);
  t.is((await node.twinlock(...add, '--cert', root.cert)).code, 0);

  // It is let in as little as before, and waits once, however often it knocks.
  for (let i = 0; i < 3; i++) t.false(await isLetIn(node, 'first'));
  const waiting = async (): Promise<readonly Listed[]> =>
    (await clients(node)).filter(({ state }) => state === 'pending');
  await until('it waits', async () => (await waiting()).length === 1);
  const [found] = await waiting();
  t.regex(
    found?.name ?? '',
    /^vpxd-extension[\w?]+31m [0-9a-f]{8}$/,
    'no name commands a terminal',
  );
  t.is(found?.group, 'vsphere');
  t.true(
    (await node.twinlock('status')).stdout.includes('wait for a person: twinlock client list'),
  );
  t.is((await node.twinlock('client', 'allow', found?.name ?? '')).code, 0);
  t.true(await isLetIn(node, 'first'));
  t.false(await isLetIn(node, 'second'), 'the other one waits for its own word');
  // The root itself never comes in, whoever allows it.
  t.is((await node.twinlock('client', 'allow', 'vCenter root')).code, 3);
  t.is((await node.twinlock('client', 'block', 'vCenter root')).code, 0);
  t.is((await node.twinlock('client', 'allow', 'vCenter root')).code, 0);
  t.is((await clients(node)).find(({ name }) => name === 'vCenter root')?.state, 'authority');
  const audit = (await node.twinlock('audit', 'tail', '--lines', '100')).stdout;
  t.true(audit.includes('client waits'));
});

test('strangers cannot fill the list, and one authority fills no more than a page', async (t) => {
  t.timeout(180_000);
  const node = await startAppliance(t, { token: 'softhsm' });
  const root = authority(t, node);
  const name = ['--name', 'root', '--cert', root.cert];
  t.is((await node.twinlock('client', 'add-authority', ...name)).code, 0);
  const other = authority(t, node);
  for (let i = 0; i < 40; i++) {
    root.sign(`own${i}`, `/CN=host ${i}`);
    await isLetIn(node, `own${i}`);
  }
  other.sign('stranger', '/CN=CA vsphere.local');
  await isLetIn(node, 'stranger');
  const pending = (await clients(node)).filter(({ state }) => state === 'pending');
  t.true(pending.length > 0 && pending.length <= 32, `${pending.length} wait`);
  t.true(pending.every((client) => client.name.startsWith('host ')));
  // Whoever is known is served meanwhile.
  t.true(await isLetIn(node, 'client'));
});

test('a bundle has all that vCenter is given, and its certificate is let in', async (t) => {
  const node = await startAppliance(t, { token: 'softhsm' });
  const out = node.file('bundle');
  const bundle = ['client', 'bundle', '--name', 'vcenter', '--out', out];
  const made = await node.twinlock(...bundle, '--json');
  t.is(made.code, 0, made.stderr);
  t.deepEqual((JSON.parse(made.stdout) as { files: string[] }).files.sort(), [
    ...['README.txt', 'ca.pem', 'cert.pem', 'key.pem', 'server.pem'],
  ]);
  t.true(await isLetIn(node, 'bundle'));
  const { stdout } = await node.twinlock('status', '--json');
  const { fingerprints } = JSON.parse(stdout) as { fingerprints: { sha256: string } };
  t.true(readFileSync(join(out, 'README.txt'), 'utf8').includes(fingerprints.sha256));
  openssl('verify', '-CAfile', join(out, 'ca.pem'), join(out, 'server.pem'));
  const again = await node.twinlock(...bundle);
  t.is(again.code, 3);
  t.regex(again.stderr, /error: .+ is there already\nhint: .+\n/);
});

test('a renewed certificate is shown at a person’s word, and connections go on', async (t) => {
  const node = await startAppliance(t, { token: 'softhsm' });
  const { host, port } = node;
  const presented = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host, port, rejectUnauthorized: false }, () => {
        resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
        socket.destroy();
      });
      socket.once('error', reject);
    });
  const first = await presented();
  const client = new KmipClient(node);
  const key = await client.create();
  const early = await node.twinlock('certificate', 'activate');
  t.is(early.code, 3);
  t.regex(early.stderr, /error: there is no new certificate\nhint: .+\n/);

  const next = node.file('next.pem');
  const renewed = await node.twinlock('certificate', 'renew', '--out', next, '--json');
  const made = (JSON.parse(renewed.stdout) as { next: { sha256: string } }).next.sha256;
  t.not(made, first);
  t.is(await presented(), first, 'vCenter trusts the old one until it was given the new');
  const same = await node.twinlock('certificate', 'renew', '--json');
  t.is((JSON.parse(same.stdout) as { next: { sha256: string } }).next.sha256, made);
  t.is((await node.twinlock('certificate', 'activate', '--json')).code, 0);
  t.is(await presented(), made);
  t.is((await client.get(key)).length, 64, 'on the connection that there was');
  client.end();
  // For the same key and names: whoever pins the key, or trusts the authority, sees no change.
  const publicKey = (path: string): string =>
    execFileSync('openssl', ['x509', '-in', path, '-noout', '-pubkey']).toString();
  const { stdout } = await node.twinlock('certificate', 'show', '--json');
  const { server } = JSON.parse(stdout) as { server: { pem: string } };
  writeFileSync(node.file('now.pem'), server.pem);
  t.is(publicKey(next), publicKey(node.file('now.pem')));
});
