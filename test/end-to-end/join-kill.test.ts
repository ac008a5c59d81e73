import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { until } from '../harness/appliance.ts';
import type { Role, RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { startNode } from '../harness/pair.ts';
import { invite, join, json, pairByHand, waitsOrEnds } from '../harness/pairing.ts';

type Side = 'first' | 'second';

interface Nodes {
  readonly first: RunningAppliance;
  readonly second: RunningAppliance;
}

interface Peer {
  readonly node: string;
  readonly state: string;
}

/** What shows, on either disk, how far a pairing has come. */
const steps: Readonly<Record<string, (nodes: Nodes) => boolean>> = {
  'the first keeper made slots': ({ first }) =>
    readFileSync(first.file('keeper', 'slots.a'), 'utf8').includes('"peers": [\n   {'),
  'the second keeper took the keys': ({ second }) => existsSync(second.file('keeper', 'slots.a')),
  'the second node has keys of its own': ({ second }) =>
    existsSync(second.file('server', 'sealed', 'transport-key.sealed')),
  'the second node knows whom it joined': ({ second }) =>
    existsSync(second.file('server', 'joined.json')),
  'the second node takes records': ({ second }) => existsSync(second.file('server', 'keystore.db')),
};

/** Kills one process as soon as a step is reached; waits until both nodes answer again. */
async function killAt(
  nodes: Nodes,
  [side, role]: readonly [Side, Role],
  reached: (nodes: Nodes) => boolean,
): Promise<void> {
  const { first, second } = nodes;
  const joining = join(second, await invite(first));
  await waitsOrEnds(first, joining);
  const confirming = first.twinlock('peer', 'confirm', '--yes');
  const ended = Promise.all([joining, confirming]);
  const course = { over: false };
  void ended.then(() => (course.over = true));
  while (!reached(nodes) && !course.over) await new Promise((resolve) => setImmediate(resolve));
  nodes[side].signal(role, 'SIGKILL');
  await ended;
  await until('both are there again', async () => {
    const said = await Promise.all([first, second].map((node) => node.twinlock('status')));
    return said.every(({ code, stdout }) => code === 0 && !stdout.includes('keeper away'));
  });
}

const peersOf = async (node: RunningAppliance): Promise<readonly Peer[]> =>
  (await json<{ peers: Peer[] }>(node, 'peer', 'status')).peers;

/** Both are a pair, or neither is anything and a new invitation makes them one. */
async function endsWell(t: ExecutionContext, { first, second }: Nodes): Promise<string> {
  if (existsSync(second.file('server', 'joined.json'))) return 'paired';
  // It serves nobody, and says that it can join.
  t.regex((await second.twinlock('status')).stdout, /^(NOT CONFIGURED|SEALED\n.+ none)/);
  const [peer] = await peersOf(first);
  // Became a member and did not hear of it: a person says that it is not to be waited for.
  const unheard = peer !== undefined && peer.state !== 'unfinished';
  if (unheard) await json(first, 'peer', 'remove', peer.node);
  await pairByHand(t, first, second);
  return unheard ? 'paired anew, by a person' : 'paired anew';
}

for (const side of ['first', 'second'] as const) {
  test(`killed at any step of a pairing, the ${side} node is a pair or begins anew`, async (t) => {
    t.timeout(600_000);
    const first = await startNode(t, { fresh: false });
    const client = new KmipClient(first);
    const id = await client.create();
    const key = await client.get(id);
    client.end();
    for (const [name, reached] of Object.entries(steps)) {
      const role = name.includes('keeper') ? 'keeper' : 'server';
      const second = await startNode(t, { fresh: true });
      const nodes = { first, second };
      await killAt(nodes, [side, role], reached);
      t.log(`${name}: ${await endsWell(t, nodes)}`);
      const endpoint = async (): Promise<string | undefined> =>
        (await json<{ endpoint?: string }>(second, 'status')).endpoint;
      await until(`${name}: it serves`, async () => (await endpoint()) !== undefined);
      await until(
        `${name}: it is there`,
        async () => (await peersOf(first))[0]?.state === 'present',
      );
      const [host = '', port] = (await endpoint())?.split(':') ?? [];
      const other = new KmipClient(first, 'client', { host, port: Number(port) });
      t.is(await other.get(id), key, name);
      t.is((await other.create()).length, 36, name);
      other.end();
      const [{ node } = { node: '' }, ...more] = await peersOf(first);
      t.deepEqual(more, []);
      await json(first, 'peer', 'remove', node);
      await second.stop();
    }
  });
}
