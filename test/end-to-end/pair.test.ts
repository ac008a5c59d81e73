import { readFileSync } from 'node:fs';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { KeeperClient } from '../../appliance/keeper-client/client.ts';
import { command, temporaryFolder, until } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { startPair } from '../harness/pair.ts';

const twoLines = /error: .+\nhint: .+\n$/;

async function json<T>(appliance: RunningAppliance, ...parameters: string[]): Promise<T> {
  const { code, stdout, stderr } = await appliance.twinlock(...parameters, '--json');
  if (code !== 0) throw new Error(`${parameters.join(' ')}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

interface Peers {
  readonly peers: readonly {
    readonly node: string;
    readonly name: string;
    readonly state: string;
    readonly lag: number;
    readonly equal?: boolean;
    readonly proven: boolean;
  }[];
  readonly policy: { readonly policy: string; readonly seconds: number };
  readonly single: { readonly count: number };
  readonly removed: boolean;
}

const peersOf = (appliance: RunningAppliance): Promise<Peers> => json(appliance, 'peer', 'status');

async function generationOf(appliance: RunningAppliance): Promise<string | undefined> {
  const status = await json<{ wrappingKey: { generation?: string } }>(appliance, 'status');
  return status.wrappingKey.generation;
}

/** Whether a node's slot table knows one wrapping key alone, for itself and for its peer. */
function holdsOne(node: RunningAppliance): boolean {
  const { table } = JSON.parse(node.read('keeper', 'slots.a')) as {
    table: { written: string; slots: { generation: string }[]; peers: { slots: object[] }[] };
  };
  const own = table.slots.every(({ generation }) => generation === table.written);
  return own && table.peers.every(({ slots }) => slots.length === 1);
}

async function fails(
  t: ExecutionContext,
  appliance: RunningAppliance,
  code: number,
  ...parameters: string[]
): Promise<void> {
  const ended = await appliance.twinlock(...parameters);
  t.is(ended.code, code, `${parameters.join(' ')}: ${ended.stderr}`);
  t.regex(ended.stderr, twoLines);
}

test('two nodes serve the same keys, killed, rotated and started again', async (t) => {
  t.timeout(280_000);
  const state = temporaryFolder();
  const pair = await startPair(t, { state, token: 'tpm', keep: true });
  const { a, b } = pair;
  const [here, there] = [new KmipClient(a), new KmipClient(b)];
  const keys = new Map<string, string>();
  for (const client of [here, there, here, there]) {
    const id = await client.create();
    keys.set(id, await client.get(id));
  }
  for (const client of [here, there]) {
    for (const [id, key] of keys) t.is(await client.insist(() => client.get(id)), key);
  }
  const seen = await peersOf(a);
  t.like(seen.peers[0], { name: 'b', state: 'present', proven: true });
  t.like(seen, { removed: false, policy: { policy: 'alone-for', seconds: 259_200 } });
  const roots = [a, b].map((node) => {
    const { table } = JSON.parse(node.read('keeper', 'slots.a')) as {
      table: { slots: { kind: string; publicKey: string }[]; peers: { slots: object[] }[] };
    };
    t.is(table.peers[0]?.slots.length, 1);
    return table.slots.find(({ kind }) => kind === 'token')?.publicKey;
  });
  t.not(roots[0], roots[1]);

  const { generation } = await json<{ generation: string }>(
    ...([a, 'wrapping-key', 'rotate', '--no-wait'] as const),
  );
  a.signal('keeper', 'SIGKILL');
  b.signal('server', 'SIGKILL');
  b.signal('keeper', 'SIGKILL');
  await until(
    'both write under the new wrapping key',
    async () => {
      const both = await Promise.all([a, b].map((node) => generationOf(node).catch(() => '')));
      return both.every((id) => id === generation);
    },
    120_000,
  );
  for (const client of [here, there]) {
    for (const [id, key] of keys) t.is(await client.insist(() => client.get(id)), key);
    client.end();
  }
  await pair.stop();

  const again = await startPair(t, { state, token: 'tpm' });
  for (const node of [again.a, again.b]) {
    const client = new KmipClient(node);
    for (const [id, key] of keys) t.is(await client.get(id), key);
    client.end();
  }
});

test('peer: status, policy, invite, confirm, join, remove, replace, and refusals', async (t) => {
  t.timeout(280_000);
  const { a, b } = await startPair(t);
  const policy = (...parameters: string[]): Promise<object> =>
    json(a, 'peer', 'policy', ...parameters);
  t.deepEqual(await policy(), { policy: 'alone-for', seconds: 259_200 });
  t.deepEqual(await policy('alone-for', '2h'), { policy: 'alone-for', seconds: 7200 });
  await until('the other node knows', async () => (await peersOf(b)).policy.seconds === 7200);
  t.deepEqual(await json(b, 'peer', 'policy', 'refuse'), { policy: 'refuse', seconds: 0 });
  await fails(t, a, 2, 'peer', 'policy', 'maybe');
  await fails(t, a, 2, 'peer', 'policy', 'alone-for', 'long');
  await fails(t, a, 3, 'peer', 'invite', '--no-wait');
  await fails(t, a, 3, 'peer', 'confirm', '--yes');
  await fails(t, b, 3, 'peer', 'join', '127.0.0.1:1', 'CODE', '--yes');
  await fails(t, a, 6, 'peer', 'remove', 'nobody');
  await fails(t, a, 6, 'peer', 'replace', 'nobody', '--no-wait');
  await fails(t, a, 2, 'peer', 'status', 'more');

  const client = new KmipClient(a);
  const id = await client.create();
  const key = await client.get(id);
  t.deepEqual(await policy('alone'), { policy: 'alone', seconds: 0 });
  await until('the other node knows', async () => (await peersOf(b)).policy.policy === 'alone');
  const before = await generationOf(a);
  const removed = await json<{ generation: string }>(a, 'peer', 'remove', 'b');
  t.not(removed.generation, before);
  t.deepEqual((await peersOf(a)).peers, []);
  t.false(a.read('keeper', 'slots.a').includes('"peers": [\n   {'));
  await until('the removed node says so', async () => (await peersOf(b)).removed, 60_000);
  t.regex((await b.twinlock('peer', 'status')).stdout, /removed from its cluster/);
  t.is(await client.get(id), key);
  // It serves what it has, and makes nothing that would be lost with it.
  const cutOff = new KmipClient(b);
  t.is(await cutOff.get(id), key);
  await t.throwsAsync(cutOff.create());
  cutOff.end();
  t.is((await client.create()).length, 36);
  const invited = await json<{ code: string }>(a, 'peer', 'invite', '--no-wait');
  t.regex(invited.code, /^([\dA-Z]{4}-){7}[\dA-Z]{4}$/);
  // A node that has keys does not join, not even with a good code.
  await fails(t, b, 3, 'peer', 'join', '127.0.0.1:1', invited.code, '--yes');
  client.end();
});

test('a rotation waits for a node that is away, and says so', async (t) => {
  t.timeout(240_000);
  const { a, b } = await startPair(t);
  const client = new KmipClient(a);
  const id = await client.create();
  const key = await client.get(id);
  t.is((await b.twinlock('root', 'rotate')).code, 0);
  const before = await generationOf(a);
  b.signal('server', 'SIGSTOP');
  t.teardown(() => b.signal('server', 'SIGCONT'));
  const { generation } = await json<{ generation: string }>(
    ...([a, 'wrapping-key', 'rotate', '--no-wait'] as const),
  );
  t.is(await generationOf(a), before);
  const { stdout } = await a.twinlock('status');
  t.regex(stdout, /a new wrapping key waits for b to open it/);
  await fails(t, a, 3, 'wrapping-key', 'rotate');
  t.is(await client.get(id), key);
  const second = await client.create();
  b.signal('server', 'SIGCONT');
  await until(
    'both write under the new wrapping key',
    async () => {
      const both = await Promise.all([a, b].map((node) => generationOf(node).catch(() => '')));
      return both.every((each) => each === generation);
    },
    60_000,
  );
  const there = new KmipClient(b);
  t.is(await there.insist(() => there.get(id)), key);
  t.is(await there.insist(() => there.get(second)), await client.get(second));
  await until('neither node holds the older key', () => [a, b].every(holdsOne), 120_000);
  t.is(await there.insist(() => there.get(id)), key);
  there.end();
  client.end();
});

test('a server that was taken over gets no slot for a key of its own', async (t) => {
  t.timeout(180_000);
  const { a, b } = await startPair(t);
  const keeper = new KeeperClient(a.file('run', 'keeper.sock'), 5_000);
  t.teardown(() => {
    keeper.close();
  });
  const { publicKey } = JSON.parse((await command(process.execPath, ['-e', makeKey])).stdout) as {
    publicKey: string;
  };
  const node = 'e'.repeat(32);
  const introduced = { name: 'b', transportKey: '00' };
  const root = { keyId: '01', label: 'x', publicKey, hash: 'sha256' } as const;
  await keeper.propose({
    role: 'inviter',
    ...(await keeper.identity()),
    inviter: { ...introduced, node: 'd'.repeat(32) },
    joiner: { ...introduced, node, root },
  });
  t.false((await keeper.candidate())?.confirmed);
  await t.throwsAsync(keeper.statement(node), { code: 'peer-unknown' });
  const peer = (await peersOf(a)).peers[0]?.node ?? '';
  const real = await keeper.statement(peer);
  const said = JSON.parse(real.body) as { root: object };
  const body = JSON.stringify({ ...said, root, from: peer, to: 'x' });
  await t.throwsAsync(keeper.take({ ...real, body }), { code: 'statement-refused' });
  t.false(readFileSync(a.file('keeper', 'slots.a'), 'utf8').includes(publicKey));
  t.is((await peersOf(b)).peers.length, 1);
});

const makeKey = `const { publicKey } = require('node:crypto').generateKeyPairSync('rsa',
  { modulusLength: 2048 });
  console.log(JSON.stringify({
    publicKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64') }));`;
