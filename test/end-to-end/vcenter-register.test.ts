import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { removeFolder, startAppliance, temporaryFolder } from '../harness/appliance.ts';
import type { Ended, RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { startPair } from '../harness/pair.ts';
import { VimServer } from '../harness/vim-server.ts';

const twoLines = /^(?:.*\n)*error: .+\nhint: .+\n$/;

async function vcenterFor(t: ExecutionContext): Promise<{
  readonly vcenter: VimServer;
  readonly command: (
    node: RunningAppliance,
    verb: string,
    more?: readonly string[],
    password?: string,
  ) => Promise<Ended>;
}> {
  const folder = temporaryFolder();
  const vcenter = await VimServer.open(folder);
  t.teardown(() => {
    vcenter.close();
    removeFolder(folder);
  });
  return {
    vcenter,
    command: (node, verb, more = [], password = vcenter.password) => {
      const file = join(folder, 'password');
      writeFileSync(file, `${password}\n`);
      const login = ['--user', vcenter.user, '--password-file', file];
      return node.twinlock('vcenter', verb, vcenter.address, ...login, ...more, '--json');
    },
  };
}

/** What is refused before or by vCenter: nothing is sent to one that nobody confirmed. */
async function refusals(
  t: ExecutionContext,
  vcenter: VimServer,
  register: (more: readonly string[], password?: string) => Promise<Ended>,
  nodes: readonly string[],
): Promise<void> {
  for (const unknown of [[], ['--thumbprint', 'AA:'.repeat(31) + 'AA']]) {
    const refused = await register([...nodes, ...unknown]);
    t.is(refused.code, 3);
    t.regex(refused.stderr, twoLines);
  }
  t.deepEqual(vcenter.calls, []);
  const known = ['--thumbprint', vcenter.thumbprint];
  const one = await register([...known, ...nodes.slice(0, 2)]);
  t.is(one.code, 2);
  t.true(one.stderr.includes('there are 2 nodes, and 1 were named'));
  const wrong = await register([...nodes, ...known], 'guess');
  t.is(wrong.code, 3);
  t.regex(wrong.stderr, /error: vCenter refused user or password/);
  vcenter.permitted = false;
  const denied = await register([...nodes, ...known]);
  t.is(denied.code, 3);
  t.regex(denied.stderr, /hint: .*Cryptographer\.ManageKeyServers/);
  vcenter.permitted = true;
}

/** A key that vCenter uses is not destroyed, nor one of which it cannot say so. */
async function destroys(
  t: ExecutionContext,
  node: RunningAppliance,
  vcenter: VimServer,
  key: string,
): Promise<void> {
  const file = node.file('password');
  const destroy = (password: string, ...more: string[]): Promise<Ended> => {
    writeFileSync(file, `${password}\n`);
    const login = ['--user', vcenter.user, '--password-file', file];
    const known = ['--thumbprint', vcenter.thumbprint, ...login];
    const asked = ['--vcenter', vcenter.address, '--yes', '--force', ...known, ...more];
    return node.twinlock('key', 'destroy', key, ...asked);
  };
  const state = async (): Promise<unknown> =>
    (JSON.parse((await node.twinlock('key', 'show', key, '--json')).stdout) as { state: string })
      .state;
  const before = await state();
  const refused = async (why: RegExp, ended: Promise<Ended>): Promise<void> => {
    const { code, stderr, stdout } = await ended;
    t.is(code, 3);
    t.regex(stderr, why);
    t.is(stdout, '');
    t.is(await state(), before);
  };
  await refused(
    /^error: \S+ says that name of vm-7, name of host-3 use this key\nhint: re-key or decrypt/,
    destroy(vcenter.password),
  );
  const machines = Array.from({ length: 7 }, (_, i) => `vm-${i}`);
  vcenter.uses.set(key, { machines, hosts: [] });
  await refused(/name of vm-4 and 2 more use this key\n/, destroy(vcenter.password));
  vcenter.uses.set(key, 'unknown');
  await refused(/^error: \S+ says nothing of this key\nhint: /, destroy(vcenter.password));
  await refused(/^error: vCenter refused user or password/, destroy('guess'));
  await refused(
    /^error: \S+ shows another certificate/,
    destroy(vcenter.password, '--thumbprint', 'AA:'.repeat(31) + 'AA'),
  );
  vcenter.uses.delete(key);
  const done = await destroy(vcenter.password, '--json');
  t.is(done.code, 0, done.stderr);
  t.is((JSON.parse(done.stdout) as { state: string }).state, 'Destroyed');
  t.is(vcenter.calls.at(-1), 'Logout');
}

test('one command makes both nodes a provider that vCenter finds green', async (t) => {
  t.timeout(240_000);
  const { a, b } = await startPair(t);
  const { vcenter, command } = await vcenterFor(t);
  const nodes = ['--node', `${a.host}:${a.port}`, `${b.host}:${b.port}`];
  const known = ['--thumbprint', vcenter.thumbprint];

  await refusals(t, vcenter, (...given) => command(a, 'register', ...given), nodes);

  const done = await command(a, 'register', [...nodes, ...known]);
  t.is(done.code, 0, done.stderr);
  const { servers, isDefault } = JSON.parse(done.stdout) as {
    servers: { status: string }[];
    isDefault: boolean;
  };
  t.deepEqual(
    servers.map(({ status }) => status),
    ['green', 'green'],
  );
  t.true(isDefault);
  const provider = vcenter.providers.get('twinlock');
  t.is(provider?.trusted.length, 2);
  t.is(vcenter.calls.at(-1), 'Logout');

  // vCenter's certificate makes a key on one node and fetches it from the other.
  writeFileSync(join(a.file('client'), 'cert.pem'), provider?.certificate ?? '');
  writeFileSync(join(a.file('client'), 'key.pem'), provider?.key ?? '');
  const first = new KmipClient(a);
  const second = new KmipClient(a, 'client', b);
  const key = await first.create();
  t.is(await second.get(key), await first.get(key));
  first.end();
  second.end();

  const before = vcenter.calls.length;
  // Again, as after a reinstalled vCenter: nothing is registered twice, and it is green again.
  const again = await command(a, 'register', [...nodes, ...known, '--no-default']);
  t.is(again.code, 0, again.stderr);
  t.is(vcenter.providers.get('twinlock')?.servers.length, 2);
  t.false(vcenter.calls.slice(before).includes('RegisterKmipServer'));

  vcenter.uses.set(key, { machines: ['vm-7'], hosts: ['host-3'] });
  const used = await command(a, 'key-use', [key, ...known]);
  t.is(used.code, 0, used.stderr);
  t.deepEqual(JSON.parse(used.stdout), {
    keys: [{ key, used: true, machines: ['name of vm-7'], hosts: ['name of host-3'] }],
  });
  await destroys(t, a, vcenter, key);
  // No password stays anywhere.
  for (const node of [a, b]) {
    for (const role of ['server', 'keeper']) {
      t.false(node.read('log', `${role}.log`).includes(vcenter.password));
    }
  }
});

test('a machine in a node’s place is not trusted by vCenter', async (t) => {
  t.timeout(120_000);
  const node = await startAppliance(t, { token: 'softhsm' });
  const { vcenter, command } = await vcenterFor(t);
  // Whoever took the node's address shows a certificate of his own: here vCenter's.
  const known = ['--thumbprint', vcenter.thumbprint];
  const other = await command(node, 'register', [...known, '--node', vcenter.address]);
  t.is(other.code, 3);
  t.regex(other.stderr, /error: at .* which no node has\nhint: nothing of it is trusted/);
  t.deepEqual(vcenter.providers.get('twinlock')?.trusted, []);
  t.is(vcenter.providers.get('twinlock')?.key, undefined, 'and no client was let in');

  const lines = await node.twinlock('vcenter', 'lines', 'vc.example', '--json');
  const { govc, powercli } = JSON.parse(lines.stdout) as Record<string, readonly string[]>;
  t.true(govc?.some((line) => line.includes(`kms.add -n ${node.host} -a ${node.host}`)));
  t.true(powercli?.includes('$c.MarkDefault($id)'));
  const nobody = await node.twinlock('vcenter', 'register', '127.0.0.1:1');
  t.is(nobody.code, 5);
  t.regex(nobody.stderr, twoLines);
});
