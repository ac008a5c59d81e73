import test from 'ava';
import { until } from '../harness/appliance.ts';
import type { Role, RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { startNode } from '../harness/pair.ts';
import { invite, join, json, pairByHand, stateOf, waitsOrEnds } from '../harness/pairing.ts';
import type { Invitation } from '../harness/pairing.ts';

test('two persons pair by hand; a second joiner replaces the first', async (t) => {
  t.timeout(240_000);
  const a = await startNode(t, { fresh: false });
  const b = await startNode(t, { fresh: true });
  const client = new KmipClient(a);
  const id = await client.create();
  const key = await client.get(id);
  const wrong = await b.twinlock('peer', 'join', '127.0.0.1:1', (await invite(a)).code, '--yes');
  t.is(wrong.code, 3);
  t.regex(wrong.stderr, /^error: no node answers.+\nhint: .+\n$/);
  const unasked = await b.twinlock(
    'peer',
    'join',
    (await invite(a)).addresses[0] ?? '',
    'X',
    '--yes',
  );
  t.is(unasked.code, 3);
  // Where nobody can compare words nothing is begun, and no code used up.
  const unattended = [
    await a.twinlock('peer', 'invite'),
    await b.twinlock('peer', 'join', ...callable(await invite(a))),
    await a.twinlock('peer', 'confirm'),
  ];
  for (const { code, stderr } of unattended) {
    t.is(code, 3);
    t.regex(stderr, /^error: nobody is here to compare the words\nhint: .+ or with --yes.*\n$/);
  }
  t.like(await pairByHand(t, a, b), { joined: true, keys: 1 });

  t.is((await a.twinlock('peer', 'policy', 'alone')).code, 0);
  const replaced = await json<Invitation>(
    ...([a, 'peer', 'replace', nameOf(b), '--no-wait'] as const),
  );
  await until(
    'the removed one says so',
    async () => (await json<{ removed: boolean }>(b, 'peer', 'status')).removed,
  );
  t.regex((await b.twinlock('status')).stdout, /removed from its cluster/);
  const c = await startNode(t, { fresh: true });
  const joining = join(c, replaced);
  await waitsOrEnds(a, joining);
  const here = await a.twinlock('peer', 'confirm', '--yes');
  const there = await joining;
  t.is(there.code, 0, there.stderr);
  t.is(here.code, 0, here.stderr);
  t.is(await client.get(id), key);
  t.is((await client.create()).length, 36);
  client.end();
});

test('the first node is lost: the second one lets in a third, with every key', async (t) => {
  t.timeout(240_000);
  const a = await startNode(t, { fresh: false });
  const b = await startNode(t, { fresh: true });
  const first = new KmipClient(a);
  const keys = new Map<string, string>();
  for (let i = 0; i < 3; i++) {
    const id = await first.create();
    keys.set(id, await first.get(id));
  }
  first.end();
  const { endpoint } = await pairByHand(t, a, b);
  await a.stop();
  const serverAt = (at: string): KmipClient => {
    const [host = '', port] = at.split(':');
    return new KmipClient(a, 'client', { host, port: Number(port) });
  };
  const replaced = await json<Invitation>(
    ...([b, 'peer', 'replace', nameOf(a), '--no-wait'] as const),
  );
  const c = await startNode(t, { fresh: true });
  // Clients do not wait for a node that joins: there is no moment at which nothing changes.
  const course = { ended: false };
  const making = (async () => {
    const client = serverAt(endpoint);
    while (!course.ended) keys.set(await client.create(), '');
    client.end();
  })();
  const joining = join(c, replaced).finally(() => (course.ended = true));
  await waitsOrEnds(b, joining);
  t.is((await b.twinlock('peer', 'confirm', '--yes')).code, 0);
  const there = await joining;
  t.is(there.code, 0, there.stderr);
  await making;
  const joined = JSON.parse(there.stdout) as { endpoint: string };
  for (const at of [endpoint, joined.endpoint]) {
    const client = serverAt(at);
    for (const [id, key] of keys) {
      const found = await client.insist(() => client.get(id));
      if (key === '') keys.set(id, found);
      else t.is(found, key);
    }
    t.is((await client.create()).length, 36);
    client.end();
  }
});

interface Peer {
  readonly node: string;
  readonly state: string;
}

/** The name of a trial's node is that of its folder. */
function nameOf({ state }: RunningAppliance): string {
  return state.split('/').at(-1) ?? '';
}

const callable = ({ addresses, code }: Invitation): [string, string] => [addresses[0] ?? '', code];

async function bothAnswer(...nodes: readonly RunningAppliance[]): Promise<void> {
  await until('both are there again', async () => {
    const said = await Promise.all(nodes.map((node) => node.twinlock('status')));
    return said.every(({ code, stdout }) => code === 0 && !stdout.includes('keeper away'));
  });
}

test('killed at any step of a pairing, both begin again', async (t) => {
  t.timeout(280_000);
  const a = await startNode(t, { fresh: false });
  const b = await startNode(t, { fresh: true });
  const steps: readonly (readonly [RunningAppliance, Role])[] = [
    [b, 'server'],
    [b, 'keeper'],
    [a, 'server'],
    [a, 'keeper'],
  ];
  for (const [node, role] of steps) {
    const joining = join(b, await invite(a));
    await until('it waits for persons', async () => (await stateOf(b)) === 'comparing');
    node.signal(role, 'SIGKILL');
    await bothAnswer(a, b);
    // Whoever confirms now confirms nothing: what was compared is forgotten.
    await a.twinlock('peer', 'confirm', '--yes');
    t.not((await joining).code, 0);
    t.deepEqual((await json<{ peers: object[] }>(a, 'peer', 'status')).peers, []);
    t.regex((await b.twinlock('status')).stdout, /^NOT CONFIGURED/);
  }
  // Killed when the keys are under way: a member or none, never half of one.
  const joining = join(b, await invite(a));
  await until('it waits for persons', async () => (await stateOf(a)) === 'comparing');
  const confirming = a.twinlock('peer', 'confirm', '--yes');
  await until('the keys are under way', async () =>
    ['exchanging', 'joined'].includes(await stateOf(b)),
  );
  b.signal('server', 'SIGKILL');
  await Promise.all([joining, confirming]);
  await bothAnswer(a, b);
  const { peers } = await json<{ peers: Peer[] }>(a, 'peer', 'status');
  const serves = async (): Promise<boolean> =>
    (await b.twinlock('status')).stdout.includes('KMIP endpoint   127');
  if ((await stateOf(a)) !== 'joined') {
    t.false(await serves());
    for (const { node, state } of peers) {
      if (state !== 'unfinished') await json(a, 'peer', 'remove', node);
    }
    await pairByHand(t, a, b);
  }
  await until('the new node serves', serves);
  t.is((await json<{ peers: object[] }>(a, 'peer', 'status')).peers.length, 1);
});
