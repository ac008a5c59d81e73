import { writeFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { Operation, ResultReason } from '../../appliance/kmip/enumeration.ts';
import { encode } from '../../appliance/ttlv/encode.ts';
import { command, startAppliance } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { bytes, enumerated, id, integer, mask, struct } from '../harness/operations.ts';
import { wire } from '../harness/vcenter.ts';

const twoLines = /^error: .+\nhint: .+\n$/;

/** Runs a command with --json and gives what it printed. */
async function json<T>(appliance: RunningAppliance, ...parameters: string[]): Promise<T> {
  const { code, stdout, stderr } = await appliance.twinlock(...parameters, '--json');
  if (code !== 0) throw new Error(`${parameters.join(' ')}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

/** Runs a command that has to fail: two lines on standard error, nothing else, a code. */
async function fails(
  t: ExecutionContext,
  appliance: RunningAppliance,
  code: number,
  ...parameters: string[]
): Promise<void> {
  const ended = await appliance.twinlock(...parameters);
  t.is(ended.code, code, `${parameters.join(' ')}: ${ended.stderr}`);
  t.regex(ended.stderr, twoLines);
  t.is(ended.stdout, '');
}

interface ClientView {
  readonly id: string;
  readonly name: string;
  readonly group: string;
  readonly state: string;
  readonly fingerprint: string;
}

test('status says what serves, where, and how the root key is', async (t) => {
  const appliance = await startAppliance(t);
  const status = await json<Record<string, unknown>>(appliance, 'status');
  t.is(status['state'], 'SERVING');
  t.is(status['endpoint'], `127.0.0.1:${appliance.port}`);
  t.like(status, { keys: 0, clients: 1, rootKey: { state: 'ready' } });
  t.regex((status['fingerprints'] as { sha256: string }).sha256, /^([\dA-F]{2}:){31}[\dA-F]{2}$/);
  await appliance.stop();
  await fails(t, appliance, 5, 'status');
});

test('client: list, add, sign-csr, block, allow', async (t) => {
  const appliance = await startAppliance(t);
  const out = appliance.file('made');
  const made = await json<ClientView>(appliance, 'client', 'add', '--name', 'made', '--out', out);
  t.like(made, { name: 'made', group: 'default', state: 'allowed' });
  t.is((await new KmipClient(appliance, 'made').create()).length, 36);

  const key = appliance.file('csr.key');
  const csr = appliance.file('csr.pem');
  await command('openssl', [
    ...['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=vc', '-keyout', key],
    ...['-out', csr],
  ]);
  const signed = await json<ClientView & { certificate: string }>(
    ...([appliance, 'client', 'sign-csr', '--csr', csr, '--name', 'vc'] as const),
  );
  t.true(signed.certificate.startsWith('-----BEGIN CERTIFICATE-----'));
  const { clients } = await json<{ clients: ClientView[] }>(appliance, 'client', 'list');
  t.deepEqual(clients.map(({ name }) => name).sort(), ['client', 'made', 'vc']);
  t.is((await json<ClientView>(appliance, 'client', 'block', 'vc')).state, 'blocked');
  t.is((await json<ClientView>(appliance, 'client', 'allow', 'vc')).state, 'allowed');

  await fails(t, appliance, 2, 'client', 'list', '--nonsense');
  await fails(t, appliance, 3, 'client', 'add', '--name', 'made', '--out', appliance.file('more'));
  await fails(t, appliance, 3, 'client', 'add', '--name', 'again', '--out', out);
  await fails(t, appliance, 2, 'client', 'add', '--name', 'neither');
  writeFileSync(csr, 'rubbish');
  await fails(t, appliance, 2, 'client', 'sign-csr', '--csr', csr);
  await fails(t, appliance, 6, 'client', 'block', 'nobody');
  await fails(t, appliance, 6, 'client', 'allow', 'nobody');
});

test('group: list, make, show, clear, add-configurer, remove-configurer', async (t) => {
  const appliance = await startAppliance(t);
  t.is((await json<{ group: string }>(appliance, 'group', 'make', 'storage')).group, 'storage');
  const { groups } = await json<{ groups: string[] }>(appliance, 'group', 'list');
  t.true(groups.includes('storage'));
  await fails(t, appliance, 3, 'group', 'make', 'storage');
  await fails(t, appliance, 2, 'group', 'list', 'more');

  const client = new KmipClient(appliance);
  const constraint = struct(
    'Constraint',
    struct('Attributes', integer('CryptographicLength', 128)),
  );
  const set = async (): Promise<unknown> => {
    const payload = encode(struct('Constraints', constraint));
    const operation = Operation.SetConstraints;
    return client.send({ operation, payload }, { version: [2, 1] }).catch(String);
  };
  const none = { group: 'default', defaults: [], constraints: [], configurers: [] };
  const denied = `Error: refused: ${ResultReason.PermissionDenied}`;
  t.is(await set(), denied);
  t.deepEqual(await json(appliance, 'group', 'show', 'default'), none);
  await json(appliance, 'group', 'add-configurer', 'default', 'client');
  t.like(await set(), { status: 0 });
  await t.throwsAsync(client.create());
  const shown = await appliance.twinlock('group', 'show', 'default');
  t.regex(shown.stdout, /constraints:[^]*"CryptographicLength"[^]*128[^]*set by: client/);
  const cleared = await json(appliance, 'group', 'clear', 'default', 'constraints');
  t.deepEqual(cleared, { ...none, configurers: ['client'] });
  t.is((await client.create()).length, 36);
  t.deepEqual(await json(appliance, 'group', 'remove-configurer', 'default', 'client'), none);
  t.is(await set(), denied);
  client.end();
  const audited = await appliance.twinlock('audit', 'tail');
  t.regex(audited.stdout, /group clear constraints/);
  await fails(t, appliance, 2, 'group', 'clear', 'default', 'everything');
  await fails(t, appliance, 6, 'group', 'show', 'nothing');
  await fails(t, appliance, 6, 'group', 'add-configurer', 'storage', 'client');
});

/** The payload of an Import of a key of sevens. */
const importOf = (identifier: string): Buffer =>
  Buffer.concat(
    [
      id(identifier),
      mask('Encrypt'),
      struct(
        'SymmetricKey',
        struct(
          'KeyBlock',
          enumerated('KeyFormatType', 1),
          struct('KeyValue', bytes('KeyMaterial', '07'.repeat(32))),
          enumerated('CryptographicAlgorithm', 3),
          integer('CryptographicLength', 256),
        ),
      ),
    ].map((item) => encode(item)),
  );

test('key: list, show, destroy, undestroy', async (t) => {
  const appliance = await startAppliance(t);
  const client = new KmipClient(appliance);
  const ids = [await client.create(), await client.create(), await client.create()];
  const [first = '', second = ''] = ids;
  await client.send(wire.activate(second));
  const page = await json<{ keys: { id: string }[]; next: string }>(
    ...([appliance, 'key', 'list', '--limit', '2'] as const),
  );
  t.deepEqual(
    page.keys.map(({ id }) => id),
    ids.slice(0, 2),
  );
  const rest = await json<{ keys: { id: string }[] }>(
    ...([appliance, 'key', 'list', '--after', page.next] as const),
  );
  t.deepEqual(
    rest.keys.map(({ id }) => id),
    ids.slice(2),
  );
  const shown = await json<{ state: string; attributes: object }>(appliance, 'key', 'show', second);
  t.is(shown.state, 'Active');
  t.true('Cryptographic Usage Mask' in shown.attributes);
  const gone = await json<{ state: string; kept: number }>(
    appliance,
    'key',
    'destroy',
    first,
    '--yes',
  );
  t.is(gone.state, 'Destroyed');
  t.true(gone.kept > Date.now() / 1000 + 29 * 24 * 3600);
  await t.throwsAsync(client.get(first));

  const kept = await json<{ retention: number; keys: { id: string; agreed: string[] }[] }>(
    ...([appliance, 'key', 'purge'] as const),
  );
  t.is(kept.retention, 30 * 24 * 3600);
  t.like(kept.keys, [{ id: first, agreed: [] }]);
  t.deepEqual(await json(appliance, 'key', 'retention', '90d'), { retention: 90 * 24 * 3600 });
  t.deepEqual(await json(appliance, 'key', 'retention'), { retention: 90 * 24 * 3600 });
  await fails(t, appliance, 2, 'key', 'retention', '6d');
  await fails(t, appliance, 2, 'key', 'retention', 'soon');

  t.deepEqual(await json(appliance, 'conflict', 'list'), { conflicts: [] });
  await fails(t, appliance, 6, 'conflict', 'acknowledge', 'none');
  await fails(t, appliance, 2, 'key', 'list', '--limit', 'many');
  await fails(t, appliance, 6, 'key', 'show', 'no-such-key');
  await fails(t, appliance, 3, 'key', 'destroy', first, '--yes');
  await fails(t, appliance, 3, 'key', 'destroy', second, '--yes');
  t.is((await json<{ state: string }>(appliance, 'key', 'undestroy', first)).state, 'PreActive');
  t.is((await client.get(first)).length, 64);
  await fails(t, appliance, 3, 'key', 'undestroy', first);
  t.is((await client.get(second)).length, 64);

  // What an import took the place of comes back once the import is gone.
  await json(appliance, 'key', 'destroy', first, '--yes', '--force');
  await client.send({ operation: Operation.Import, payload: importOf(first) }, { version: [1, 4] });
  t.is(await client.get(first), '07'.repeat(32));
  const refused = await appliance.twinlock('key', 'undestroy', first);
  const [, other = ''] = /destroy (\S+) first/.exec(refused.stderr) ?? [];
  t.is(refused.code, 3, refused.stderr);
  await json(appliance, 'key', 'destroy', other, '--yes', '--force');
  await json(appliance, 'key', 'undestroy', first);
  t.not(await client.get(first), '07'.repeat(32));
  client.end();
});
