import test from 'ava';
import { until } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { startPair } from '../harness/pair.ts';
import { json } from '../harness/pairing.ts';

interface Peers {
  readonly peers: readonly {
    readonly state: string;
    readonly lag: number;
    readonly heads: Readonly<Record<string, number>>;
    readonly equal?: boolean;
    readonly lacking: number;
    readonly proven: boolean;
  }[];
  readonly policy: { readonly policy: string; readonly seconds: number };
  readonly single: { readonly count: number; readonly keys: readonly string[] };
  readonly accepting: boolean;
}

const peersOf = (node: RunningAppliance): Promise<Peers> => json(node, 'peer', 'status');

/** What a node knows of the other one's newest records. */
async function headsOf(node: RunningAppliance): Promise<string> {
  const { peers } = await peersOf(node);
  return Object.entries(peers[0]?.heads ?? {})
    .map(([epoch, seq]) => `${epoch} ${seq}`)
    .sort()
    .join();
}

/** Who has each key, as a node says it. */
async function copiesOf(node: RunningAppliance): Promise<Readonly<Record<string, string>>> {
  const { keys } = await json<{ keys: { id: string; copies: string }[] }>(
    node,
    'key',
    'list',
    '--all',
  );
  return Object.fromEntries(keys.map(({ id, copies }) => [id, copies]));
}

const warningsOf = async (node: RunningAppliance): Promise<string> =>
  (await json<{ warnings: string[] }>(node, 'status')).warnings.join('\n');

test('peer status says what the other node has: lag, heads, digests, and each key', async (t) => {
  t.timeout(240_000);
  const { a, b } = await startPair(t);
  const client = new KmipClient(a);
  const id = await client.create();
  for (const node of [a, b]) {
    t.is((await copiesOf(node))[id], 'both');
    await until(
      'the states were compared',
      async () => (await peersOf(node)).peers[0]?.equal === true,
    );
    await until('nothing is behind', async () => (await peersOf(node)).peers[0]?.lag === 0);
    const { peers, single, accepting } = await peersOf(node);
    t.like(peers[0], { state: 'present', lacking: 0, proven: true });
    t.deepEqual(single, { count: 0, keys: [] });
    t.true(accepting);
  }
  await until('both know the same heads', async () => {
    const [here = '', there] = await Promise.all([a, b].map(headsOf));
    return here === there && here.split(',').length >= 2;
  });
  const { stdout } = await a.twinlock('peer', 'status');
  t.regex(
    stdout,
    /^NAME +STATE +HEARD +LAG +DIGEST +KEY SLOTS +NODE\nb +present .+ 0 +equal +proven /,
  );
  client.end();
});

test('alone: red at once, and when the time is over no key until the peer has all', async (t) => {
  t.timeout(240_000);
  const { a, b } = await startPair(t);
  const client = new KmipClient(a);
  const first = await client.create();
  const key = await client.get(first);
  // Said on one node, it holds on both.
  const set = await json(b, 'peer', 'policy', 'alone-for', '90m');
  t.deepEqual(set, { policy: 'alone-for', seconds: 5400 });
  await until('both know it', async () => (await peersOf(a)).policy.seconds === 5400);
  t.is((await a.twinlock('peer', 'policy')).stdout, 'alone-for 90m\n');

  b.signal('server', 'SIGSTOP');
  t.teardown(() => b.signal('server', 'SIGCONT'));
  await until('it is away', async () => (await peersOf(a)).peers[0]?.state === 'away');
  const alone = [await client.create()];
  // No moment at which the key would be there and the alarm not.
  t.regex(await warningsOf(a), /^1 keys have a single copy, on this node: bring the peer back$/m);
  t.regex(await warningsOf(a), /^b is away.*: new keys for (89|90) min more$/m);
  t.deepEqual((await peersOf(a)).single, { count: 1, keys: alone });
  t.regex((await a.twinlock('peer', 'status')).stdout, /^b: three heartbeats did not come$/m);
  const copies = await copiesOf(a);
  t.deepEqual([copies[first], copies[alone[0] ?? '']], ['both', 'single']);
  t.is((await json<{ singleCopies: number }>(a, 'status')).singleCopies, 1);
  const { copies: shown } = await json<{ copies: string }>(a, 'key', 'show', alone[0] ?? '');
  t.is(shown, 'single');
  const only = await json<{ keys: { id: string }[] }>(a, 'key', 'list', '--all', '--single-copy');
  t.deepEqual(
    only.keys.map(({ id }) => id),
    alone,
  );

  t.is((await a.twinlock('peer', 'policy', 'alone-for', '25s')).stdout, 'alone-for 25s\n');
  await until('the time is over', async () => {
    const made = await client.create().catch(() => undefined);
    if (made !== undefined) alone.push(made);
    return made === undefined;
  });
  t.false((await peersOf(a)).accepting);
  t.regex(await warningsOf(a), /^no new key is answered: it would have a single copy$/m);
  await t.throwsAsync(client.create());
  t.is(await client.get(first), key);
  t.is((await client.get(alone[0] ?? '')).length, 64);

  b.signal('server', 'SIGCONT');
  await until('keys are made again', async () => {
    return (await client.create().catch(() => undefined)) !== undefined;
  });
  await until('all are on both', async () => (await peersOf(a)).single.count === 0);
  t.notRegex(await warningsOf(a), /single copy/);
  const there = await copiesOf(b);
  for (const id of [first, ...alone]) t.is(there[id], 'both');
  const other = new KmipClient(b);
  for (const id of alone) t.is(await other.get(id), await client.get(id));
  for (const each of [client, other]) each.end();
});
