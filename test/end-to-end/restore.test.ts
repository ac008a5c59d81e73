import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { parseBundleHead } from '../../appliance/keeper-client/bundle-head.ts';
import { launch, removeFolder, RunningAppliance, startAppliance } from '../harness/appliance.ts';
import { temporaryFolder, until } from '../harness/appliance.ts';
import type { Ended, Role } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { freePort, startNode } from '../harness/pair.ts';
import { json, pairByHand } from '../harness/pairing.ts';

interface Blank {
  readonly node: RunningAppliance;
  /** The node that serves once somebody has restored it. */
  readonly restored: () => Promise<RunningAppliance>;
}

/** A box out of its carton, with a token of its own. */
async function blank(t: ExecutionContext, token: 'softhsm' | 'tpm' = 'softhsm'): Promise<Blank> {
  const state = temporaryFolder();
  const parameters = ['--state', state, '--token', token, '--listen', '127.0.0.1:0', '--blank'];
  parameters.push('--peer', `127.0.0.1:${await freePort()}`);
  const { child, ready, ended } = launch(parameters);
  t.teardown(async () => {
    child.kill('SIGTERM');
    await ended;
    removeFolder(state);
  });
  const node = new RunningAppliance(state, '127.0.0.1:0', child, ended);
  const waits = async (): Promise<boolean> => {
    const { stdout } = await node.twinlock('status', '--json');
    return stdout.includes('NOT CONFIGURED');
  };
  await until('the box waits', waits, 120_000);
  const restored = async (): Promise<RunningAppliance> =>
    new RunningAppliance(state, await ready, child, ended);
  return { node, restored };
}

async function lostNode(
  t: ExecutionContext,
  keys: number,
  token: 'softhsm' | 'tpm' = 'softhsm',
  { rotating = false } = {},
): Promise<{
  readonly backup: string;
  readonly shares: readonly string[];
  readonly secrets: ReadonlyMap<string, string>;
  readonly files: string;
  /** What a thief has: the whole box, which still starts. */
  readonly state: string;
  readonly status: { fingerprints: { sha256: string }; wrappingKey: { generation: string } };
}> {
  const old = await startAppliance(t, { token });
  const client = new KmipClient(old);
  const secrets = new Map<string, string>();
  for (let i = 0; i < keys; i++) {
    const id = await client.create();
    secrets.set(id, await client.get(id));
  }
  client.end();
  const away = temporaryFolder();
  t.teardown(() => {
    removeFolder(away);
  });
  const backup = join(away, 'of-the-lost.backup');
  if (rotating) await old.twinlock('wrapping-key', 'rotate', '--no-wait');
  const made = await old.twinlock('backup', 'create', '--to', backup, '--json');
  t.is(made.code, 0, made.stderr);
  t.like(JSON.parse(made.stdout), { keys, file: backup });
  const status = JSON.parse((await old.twinlock('status', '--json')).stdout) as never;
  mkdirSync(join(away, 'client'));
  for (const name of ['cert.pem', 'key.pem', 'ca.pem']) {
    copyFileSync(old.file('client', name), join(away, 'client', name));
  }
  const shares = readdirSync(old.file('trial-shares')).map((name) => {
    copyFileSync(old.file('trial-shares', name), join(away, name));
    return join(away, name);
  });
  await old.stop();
  const { state } = old;
  return { backup, shares, secrets, files: join(away, 'client'), state, status };
}

function keepClient(node: RunningAppliance, files: string): void {
  mkdirSync(node.file('client'), { recursive: true });
  for (const name of readdirSync(files)) copyFileSync(join(files, name), node.file('client', name));
}

test('a lost node comes back on other hardware, to its clients as it was', async (t) => {
  t.timeout(240_000);
  const { backup, shares, secrets, files, state, status } = await lostNode(t, 40, 'tpm');
  const { node, restored } = await blank(t, 'softhsm');
  const restore = (...more: readonly string[]): Promise<Ended> =>
    node.twinlock('restore', backup, ...more, '--json');
  const twoLines = /^error: .+\nhint: .+\n$/;
  for (const few of [[], shares.slice(0, 2), [backup, ...shares]]) {
    const refused = await restore(...few);
    t.is(refused.code, 2, refused.stderr);
    t.regex(refused.stderr, twoLines);
  }
  const done = await restore(...shares.slice(0, 3));
  t.is(done.code, 0, done.stderr);
  t.like(JSON.parse(done.stdout), { keys: 40, missing: [], fresh: true, restarts: true });

  const back = await restored();
  keepClient(back, files);
  const client = new KmipClient(back);
  for (const [id, key] of secrets) t.is(await client.get(id), key);
  t.is((await client.create()).length, 36);
  client.end();
  const now = JSON.parse((await back.twinlock('status', '--json')).stdout) as typeof status;
  // What vCenter pinned is what it was; what the old node knew is not.
  t.is(now.fingerprints.sha256, status.fingerprints.sha256);
  t.not(now.wrappingKey.generation, status.wrappingKey.generation);
  const { table } = JSON.parse(back.read('keeper', 'slots.a')) as {
    table: { slots: { kind: string; generation: string }[] };
  };
  t.is(table.slots.filter(({ kind }) => kind === 'token').length, 1);
  t.deepEqual(
    [...new Set(table.slots.map((slot) => slot.generation))],
    [now.wrappingKey.generation],
  );
  // The old box with its token opens what it had, and nothing of the new table.
  for (const copy of ['slots.a', 'slots.b']) {
    copyFileSync(back.file('keeper', copy), join(state, 'keeper', copy));
  }
  const thief = await launch(['--state', state, '--token', 'tpm', '--listen', '127.0.0.1:0']).ended;
  t.is(thief.code, 21, thief.stderr);
  // Repeated it needs the shares, for the old wrapping key is gone, and changes nothing.
  const without = await restore();
  t.is(without.code, 3);
  t.regex(without.stderr, twoLines);
  const again = await restore(...shares.slice(2));
  t.like(JSON.parse(again.stdout), { added: 0, fresh: false, restarts: false });
});

test('a backup that was made amid a rotation is restored as any other', async (t) => {
  t.timeout(240_000);
  const { backup, shares, secrets, files } = await lostNode(t, 5, 'softhsm', { rotating: true });
  const head = parseBundleHead(readFileSync(backup));
  if (head.is !== 'head') throw new Error(head.is);
  const { table } = JSON.parse(head.head.slots) as {
    table: { slots: { generation: string }[] };
  };
  t.is(new Set(table.slots.map(({ generation }) => generation)).size, 2);
  const { node, restored } = await blank(t);
  const done = await node.twinlock('restore', backup, ...shares.slice(0, 3), '--json');
  t.is(done.code, 0, done.stderr);
  const back = await restored();
  keepClient(back, files);
  const client = new KmipClient(back);
  for (const [id, key] of secrets) t.is(await client.get(id), key);
  client.end();
});

test('a restored node has no ghost for a peer, and pairs with a new one', async (t) => {
  t.timeout(240_000);
  const { backup, shares, secrets, files } = await lostNode(t, 20);
  const { node, restored } = await blank(t);
  const done = await node.twinlock('restore', backup, ...shares.slice(0, 3));
  t.is(done.code, 0, done.stderr);
  const back = await restored();
  keepClient(back, files);
  const client = new KmipClient(back);
  const { peers } = await json<{ peers: object[] }>(back, 'peer', 'status');
  t.deepEqual(peers, []);
  const { warnings } = await json<{ warnings: string[] }>(back, 'status');
  t.deepEqual(
    warnings.filter((each) => /away|peer any more/.test(each)),
    [],
  );
  const other = await startNode(t, { fresh: true });
  const { endpoint } = await pairByHand(t, back, other);
  const second = new RunningAppliance(other.state, endpoint, other.child, other.ended);
  keepClient(second, files);
  const there = new KmipClient(second);
  for (const [id, key] of secrets) t.is(await there.insist(() => there.get(id)), key);
  const made = await client.create();
  t.is(await there.insist(() => there.get(made)), await client.get(made));
  there.end();
  client.end();
});

test('a node that the other one left alone makes a backup of every key', async (t) => {
  t.timeout(280_000);
  const first = await startNode(t, { fresh: false });
  const other = await startNode(t, { fresh: true });
  await pairByHand(t, first, other);
  const client = new KmipClient(first);
  const secrets = new Map<string, string>();
  const make = async (): Promise<void> => {
    const id = await client.insist(() => client.create());
    secrets.set(id, await client.get(id));
  };
  for (let i = 0; i < 5; i++) await make();
  await other.stop('SIGKILL');
  // Some are answered with a single copy: this backup is their second one.
  for (let i = 0; i < 5; i++) await make();
  client.end();
  const away = temporaryFolder();
  t.teardown(() => {
    removeFolder(away);
  });
  const backup = join(away, 'alone.backup');
  const made = await first.twinlock('backup', 'create', '--to', backup, '--json');
  t.is(made.code, 0, made.stderr);
  t.like(JSON.parse(made.stdout), { keys: secrets.size, absent: 0 });
  for (const folder of ['client', 'trial-shares']) {
    cpSync(first.file(folder), join(away, folder), { recursive: true });
  }
  await first.stop();
  const { node, restored } = await blank(t);
  const shares = readdirSync(join(away, 'trial-shares')).slice(0, 3);
  const files = shares.map((name) => join(away, 'trial-shares', name));
  const done = await node.twinlock('restore', backup, ...files);
  t.is(done.code, 0, done.stderr);
  const back = await restored();
  keepClient(back, join(away, 'client'));
  const reader = new KmipClient(back);
  for (const [id, key] of secrets) t.is(await reader.insist(() => reader.get(id)), key);
  t.is((await reader.insist(() => reader.create())).length, 36);
  reader.end();
  const { peers } = await json<{ peers: { state: string }[] }>(back, 'peer', 'status');
  t.deepEqual(
    peers.filter(({ state }) => state !== 'removed'),
    [],
  );
});

test('a restore that is killed at any moment is repeated and loses nothing', async (t) => {
  t.timeout(280_000);
  const { backup, shares, secrets, files } = await lostNode(t, 60);
  const { node, restored } = await blank(t);
  const roles: readonly Role[] = ['server', 'keeper', 'server', 'token', 'server', 'server'];
  for (const [i, role] of roles.entries()) {
    const running = node.twinlock('restore', backup, ...shares.slice(0, 3));
    const course = { ended: false };
    void running.finally(() => (course.ended = true));
    // Each time somewhat later in its course; what is done by then is done.
    for (let turns = 0; turns < 40 * i && !course.ended; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      await node.twinlock('status').catch(() => undefined);
      if (turns % 8 === 7) node.signal(role, 'SIGKILL');
    }
    node.signal(role, 'SIGKILL');
    const { code, stderr } = await running;
    if (code !== 0) t.regex(stderr, /^error: .+\nhint: .+\n$/);
  }
  await until(
    'it is repeated',
    async () => {
      const { code } = await node.twinlock('restore', backup, ...shares.slice(0, 3));
      return code === 0;
    },
    120_000,
  );
  const back = await restored();
  keepClient(back, files);
  const client = new KmipClient(back);
  for (const [id, key] of secrets) t.is(await client.insist(() => client.get(id)), key);
  client.end();
  await until('nothing is said of a restore that was cut short', async () => {
    const { stdout } = await back.twinlock('status', '--json');
    return !/cut short/.test(stdout);
  });
  t.false(readdirSync(back.file('server')).some((name) => name.includes('incoming')));
});

test('a kill while a backup is made leaves no file that looks like one', async (t) => {
  t.timeout(180_000);
  const appliance = await startAppliance(t);
  const client = new KmipClient(appliance);
  for (let i = 0; i < 100; i++) await client.create();
  const folder = appliance.file('backups');
  mkdirSync(folder);
  for (let i = 0; i < 5; i++) {
    const course = { ended: false };
    const running = appliance.twinlock('backup', 'create', '--to', folder);
    void running.finally(() => (course.ended = true));
    const begun = (): boolean => readdirSync(folder).some((name) => name.endsWith('.part'));
    await until('it has begun, or is through', () => begun() || course.ended);
    if (i % 2 === 1) await appliance.twinlock('status');
    appliance.signal('server', 'SIGKILL');
    await running;
    await until('the server is back', async () => (await appliance.twinlock('status')).code === 0);
  }
  await appliance.twinlock('backup', 'create', '--to', folder);
  const names = readdirSync(folder);
  t.true(names.length > 0);
  for (const name of names) {
    t.regex(name, /^twinlock-[\w-]+\.backup$/);
    const { code, stderr } = await appliance.twinlock('backup', 'verify', join(folder, name));
    t.is(code, 0, stderr);
  }
  t.is(
    readFileSync(join(folder, names[0] ?? ''))
      .subarray(0, 7)
      .toString(),
    'TWLKBKP',
  );
  client.end();
});
