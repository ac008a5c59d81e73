import { readdirSync, readFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { removeFolder, startAppliance, temporaryFolder, until } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KillStep } from '../harness/kill-step.ts';
import type { Step } from '../harness/kill-step.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { startPair } from '../harness/pair.ts';

const twoLines = /^error: .+\nhint: .+\n$/;

/** What a rotation of the root key has done when the n-th name is given to a slot table. */
const rootSteps = [
  'nothing',
  'one copy names the next root key',
  'its slots are proven',
  'one copy has its slots',
  'both root keys have slots',
  'one copy has the new slots alone',
] as const;
/** The same of what happens later, when the new root key has opened its slot. */
const endSteps = [
  ['the token has destroyed an old root key', 'slots.a'],
  ['one copy forgets it', 'slots.b'],
] as const;

interface Scene {
  readonly node: RunningAppliance;
  readonly kill: KillStep;
  readonly client: KmipClient;
  readonly keys: ReadonlyMap<string, string>;
}

async function scene(t: ExecutionContext, count: number): Promise<Scene> {
  const folder = temporaryFolder();
  t.teardown(() => {
    removeFolder(folder);
  });
  const kill = new KillStep(folder);
  const node = await startAppliance(t, { environment: kill.environment });
  const client = new KmipClient(node);
  const keys = new Map<string, string>();
  while (keys.size < count) {
    const ids = await client.createAll(Math.min(100, count - keys.size));
    for (const [i, key] of (await client.getAll(ids)).entries()) keys.set(ids[i] ?? '', key);
  }
  return { node, kill, client, keys };
}

interface Table {
  readonly written: string;
  readonly slots: readonly { kind: string; keyId: string; generation: string }[];
  readonly retired?: readonly unknown[];
}

function tableOf(node: RunningAppliance, copy: 'a' | 'b'): Table {
  return (JSON.parse(node.read('keeper', `slots.${copy}`)) as { table: Table }).table;
}

/** Both copies are the same, and no root key waits to be destroyed. */
function isSettled(node: RunningAppliance): boolean {
  return areSame(node) && tableOf(node, 'a').retired === undefined;
}

function areSame(node: RunningAppliance): boolean {
  return JSON.stringify(tableOf(node, 'a')) === JSON.stringify(tableOf(node, 'b'));
}

/** Whether one wrapping key is left. */
function isAlone({ slots, written }: Table): boolean {
  return slots.every(({ generation }) => generation === written);
}

/** How many objects the token has: a key pair is two. */
function objectsIn(node: RunningAppliance): number {
  const names = readdirSync(node.file('token'), { recursive: true }) as string[];
  return names.filter((name) => name.endsWith('.object') && !name.endsWith('token.object')).length;
}

async function serves({ node }: Scene): Promise<void> {
  await until(
    'the node is open again',
    async () => {
      const { code, stdout } = await node.twinlock('status');
      return code === 0 && /^(SERVING|DEGRADED)/.test(stdout) && !stdout.includes('keeper away');
    },
    60_000,
  );
}

/** Every key is what its client was given; asked until the processes are there again. */
async function holds(t: ExecutionContext, { client, keys }: Scene, step: string): Promise<void> {
  const ids = [...keys.keys()];
  for (let at = 0; at < ids.length; at += 100) {
    const some = ids.slice(at, at + 100);
    const found = await client.insist(() => client.getAll(some));
    t.deepEqual(
      found,
      some.map((id) => keys.get(id)),
      step,
    );
  }
}

test('a root key’s rotation killed at any step loses nothing, and leaves no key', async (t) => {
  t.timeout(280_000);
  const all = await scene(t, 20);
  const { node, kill, client } = all;
  const pair = objectsIn(node);
  for (const [i, step] of rootSteps.entries()) {
    kill.arm({ role: 'keeper', file: 'slots.[ab]', n: i + 1 });
    const { code, stderr } = await node.twinlock('root', 'rotate');
    t.not(code, 0, step);
    t.regex(stderr, twoLines, step);
    t.is(kill.killed, 1, step);
    await holds(t, all, step);
    await serves(all);
    await until(`${step}: both copies are the same`, () => areSame(node));
    const { slots, written } = tableOf(node, 'a');
    const roots = new Set(slots.filter(({ kind }) => kind === 'token').map(({ keyId }) => keyId));
    // Two until the next rotation, where it was cut short with slots of both.
    t.true(roots.size === 1 || (roots.size === 2 && i >= 3), step);
    t.true(
      slots.every(({ generation }) => generation === written),
      step,
    );
  }
  // Between two writings, too: made in the token, and no slot opens with it yet.
  const course = { over: false };
  const rotating = node.twinlock('root', 'rotate').finally(() => (course.over = true));
  while (objectsIn(node) === pair && !course.over) await new Promise((r) => setImmediate(r));
  node.signal('keeper', 'SIGKILL');
  await rotating;
  await holds(t, all, 'the token has made it');
  await serves(all);
  kill.arm(...endSteps.map(([, file]) => ({ role: 'keeper' as const, file, n: 1 })));
  for (const [i, [step]] of endSteps.entries()) {
    await until(`${step}: killed`, () => kill.killed > i, 90_000);
    await holds(t, all, step);
  }
  await serves(all);
  // As many as have a name: a step that is added is killed at, too.
  kill.arm({ role: 'keeper', file: 'slots.[ab]', n: 0 });
  t.is((await node.twinlock('root', 'rotate')).code, 0);
  t.is(kill.seen, rootSteps.length);
  await until('it is settled', () => isSettled(node), 90_000);
  t.is(objectsIn(node), pair, 'no key of all these is left over in the token');
  await holds(t, all, 'at the end');
  client.end();
});

test('a wrapping key’s rotation killed at any step ends, and all opens', async (t) => {
  t.timeout(280_000);
  const all = await scene(t, 600);
  const { node, kill, client } = all;
  const settled = (): Promise<void> => until('it is settled', () => isSettled(node), 60_000);
  await settled();
  const before = tableOf(node, 'a').written;
  const files = readdirSync(node.file('server', 'sealed'));
  t.true(files.length >= 4);
  kill.arm({ role: 'keeper', file: 'slots.a', n: 1 });
  const cut = await node.twinlock('wrapping-key', 'rotate', '--no-wait');
  t.not(cut.code, 0);
  t.regex(cut.stderr, twoLines);
  await holds(t, all, 'nothing');
  await serves(all);
  t.is(tableOf(node, 'a').written, before);

  const steps: Step[] = [
    // One copy has the new wrapping key: it counts, and all is sealed anew from there on.
    { role: 'keeper', file: 'slots.b', n: 1 },
    ...files.map((file) => ({ role: 'server' as const, file, n: 1 })),
    // The first flush is of the start itself; then each batch is.
    ...[2, 3, 4].map((n) => ({ role: 'server' as const, file: 'keystore.db-wal', n })),
    // The old wrapping key is forgotten in the one copy, and in the other.
    { role: 'keeper', file: 'slots.a', n: 1 },
    { role: 'keeper', file: 'slots.b', n: 1 },
  ];
  kill.arm(...steps);
  await node.twinlock('wrapping-key', 'rotate', '--no-wait');
  for (const [i, { role, file }] of steps.entries()) {
    const step = `${role} before it writes ${file}`;
    await until(`${step}: killed`, () => kill.killed > i, 90_000);
    await holds(t, all, step);
  }
  await serves(all);
  await until('one wrapping key is left', () => isAlone(tableOf(node, 'a')), 120_000);
  await settled();
  const { written, slots } = tableOf(node, 'a');
  t.not(written, before);
  t.true(slots.every(({ generation }) => generation === written));
  for (const file of readdirSync(node.file('server', 'sealed'))) {
    const sealed = readFileSync(node.file('server', 'sealed', file));
    t.is(sealed.subarray(1, 17).toString('hex'), written, file);
  }
  await holds(t, all, 'at the end');
  client.end();
  await node.stop();
  const again = await startAppliance(t, { state: node.state });
  const reader = new KmipClient(again);
  await holds(t, { ...all, node: again, client: reader }, 'after a start');
  reader.end();
});

test('a pair’s rotation ends, whichever keeper is killed before it writes', async (t) => {
  t.timeout(290_000);
  const folder = temporaryFolder();
  t.teardown(() => {
    removeFolder(folder);
  });
  const kill = new KillStep(folder);
  const { a, b } = await startPair(t, { environment: kill.environment });
  const keys = new Map<string, string>();
  const sides = [a, b].map((node) => ({ node, kill, client: new KmipClient(node), keys }));
  const client = sides[0]?.client;
  for (const id of (await client?.createAll(20)) ?? []) keys.set(id, (await client?.get(id)) ?? '');
  const before = tableOf(a, 'a').written;
  // One after the other: each next writing of either keeper, or one that is a little later.
  const steps = [1, 2, 1, 1, 3, 1, 2, 1, 1, 2, 1].map((n): Step => ({
    role: 'keeper',
    file: 'slots.[ab]',
    n,
  }));
  kill.arm(...steps);
  await until('one was killed', async () => {
    await a.twinlock('wrapping-key', 'rotate', '--no-wait');
    return kill.killed > 0;
  });
  const isThrough = (): boolean =>
    [a, b].every((node) => {
      const table = tableOf(node, 'a');
      return table.written !== before && isAlone(table) && areSame(node);
    });
  await until(
    'both have one wrapping key, the same one',
    async () => {
      // It may have been cut off before anything was written down.
      if (tableOf(a, 'a').slots.every(({ generation }) => generation === before)) {
        await a.twinlock('wrapping-key', 'rotate', '--no-wait');
      }
      for (const side of sides) await holds(t, side, 'meanwhile');
      return isThrough() && tableOf(a, 'a').written === tableOf(b, 'a').written;
    },
    200_000,
  );
  t.log(`${kill.killed} keepers were killed`);
  t.true(kill.killed >= 6);
  kill.arm();
  const made = await client?.insist(async () => client.create());
  keys.set(made ?? '', (await client?.get(made ?? '')) ?? '');
  for (const side of sides) {
    await serves(side);
    await holds(t, side, 'at the end');
    side.client.end();
  }
});
