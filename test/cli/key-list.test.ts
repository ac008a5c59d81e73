import type { ExecutionContext } from 'ava';
import test from 'ava';
import { startAppliance, until } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { wire } from '../harness/vcenter.ts';

interface Key {
  readonly id: string;
  readonly state: string;
  readonly vm?: string;
  readonly component?: string;
  readonly identifier?: string;
  readonly age: number;
  readonly fetched?: { readonly time: number; readonly client: string };
  readonly superseded?: true;
}

const host = { 'x-Component': 'ESXi Server', 'x-Name': '10.0.0.5', 'x-Identifier': 'uuid-host' };
const machine = {
  'x-Component': 'Virtual Machine',
  // A name is whatever a person called the machine: no terminal and no spreadsheet obeys it.
  'x-Name': '=WEB "1", \u001b[31mred',
  'x-Identifier': '4226f566-3ed5-1c8f-0000-000000000000',
};

interface Scene {
  readonly appliance: RunningAppliance;
  readonly client: KmipClient;
  /** In the order in which they were made: of a machine, a host, that machine again, nobody. */
  readonly keys: readonly [old: string, host: string, current: string, plain: string];
}

let scene: Promise<Scene> | undefined;
const ends: (() => unknown)[] = [];
test.after.always(async () => {
  for (const end of ends.reverse()) await end();
});

async function made(): Promise<Scene> {
  const here = { teardown: (end: () => unknown) => void ends.push(end) };
  const appliance = await startAppliance(here, { serverKey: 'p256' });
  const client = new KmipClient(appliance);
  ends.push(() => {
    client.end();
  });
  const tagged = async (attributes: Readonly<Record<string, string>>): Promise<string> => {
    const id = await client.create();
    for (const [name, value] of Object.entries(attributes)) {
      await client.send(wire.addAttribute(id, name, value));
    }
    await client.send(wire.activate(id));
    return id;
  };
  const old = await tagged(machine);
  const hostKey = await tagged(host);
  const current = await tagged(machine);
  const plain = await client.create();
  await client.get(old);
  return { appliance, client, keys: [old, hostKey, current, plain] };
}

interface Asking extends Scene {
  readonly json: <T>(...words: string[]) => Promise<T>;
  readonly list: (...words: string[]) => Promise<Key[]>;
  readonly ids: (...words: string[]) => Promise<string[]>;
  readonly fails: (code: number, ...words: string[]) => Promise<string>;
}

async function asking(t: ExecutionContext): Promise<Asking> {
  t.timeout(180_000);
  const found = await (scene ??= made());
  const { appliance } = found;
  const json = async <T>(...words: string[]): Promise<T> => {
    const { code, stdout, stderr } = await appliance.twinlock(...words, '--json');
    t.is(code, 0, stderr);
    return JSON.parse(stdout) as T;
  };
  const list = async (...words: string[]): Promise<Key[]> =>
    (await json<{ keys: Key[] }>('key', 'list', ...words)).keys;
  const ids = async (...words: string[]): Promise<string[]> =>
    (await list(...words)).map(({ id }) => id);

  const fails = async (code: number, ...words: string[]): Promise<string> => {
    const ended = await appliance.twinlock(...words);
    t.is(ended.code, code, `${words.join(' ')}: ${ended.stderr}`);
    t.regex(ended.stderr, /^error: .+\nhint: .+\n$/);
    return ended.stderr;
  };
  await until('the fetch is known', async () => (await ids('--client', 'client')).length > 0);
  return { ...found, json, list, ids, fails };
}

test.serial('key list shows whose a key is and who fetched it, and filters by it', async (t) => {
  const { list, ids, keys } = await asking(t);
  const [old, hostKey, current, plain] = keys;
  const all = await list();
  t.deepEqual(
    all.map(({ id }) => id),
    [old, hostKey, current, plain],
  );
  const [first] = all;
  t.like(first, { state: 'Active', vm: machine['x-Name'], component: 'Virtual Machine' });
  t.is(first?.identifier, machine['x-Identifier']);
  t.is(first?.superseded, true);
  t.is(first?.fetched?.client, 'client');
  t.deepEqual(await ids('--client', 'client'), [old]);
  t.deepEqual(await ids('--state', 'preactive'), [plain]);
  t.deepEqual(await ids('--group', 'other'), []);
  t.deepEqual(await ids('--name', 'esxi'), [hostKey]);
  t.deepEqual(await ids('--name', '4226F566'), [old, current]);
  t.deepEqual(await ids('--superseded'), [old]);
  t.deepEqual(await ids('--older-than', '0s'), [old, hostKey, current, plain]);
  t.deepEqual(await ids('--older-than', '1d'), []);
  t.deepEqual(await ids('--not-fetched-for', '1d'), [hostKey, current, plain]);
  t.deepEqual(await ids('--single-copy'), [old, hostKey, current, plain]);
  t.deepEqual(await ids('--limit', '1', '--after', old), [hostKey]);
  t.deepEqual(await ids('--all', '--after', hostKey), [current, plain]);
});

test.serial('key list prints CSV, and nothing that a terminal obeys', async (t) => {
  const { appliance } = await asking(t);
  const { stdout: csv } = await appliance.twinlock('key', 'list', '--csv', '--all');
  const lines = csv.trimEnd().split('\n');
  t.is(lines.length, 5);
  t.true(lines[0]?.startsWith('id,state,age_days,created,group,component,name,identifier,'));
  t.true(
    lines[1]?.includes(`,Virtual Machine,"'=WEB ""1"", \u001b[31mred",${machine['x-Identifier']},`),
  );
  const { stdout: text } = await appliance.twinlock('key', 'list');
  t.false(text.includes('\u001b'));
  t.regex(text, /LAST FETCHED BY/);
});

test.serial('key age says how many current keys are due, key list what they are', async (t) => {
  const { json } = await asking(t);
  const age = await json<{
    due: number;
    ages: { component: string; keys: number; current: number }[];
  }>(...(['key', 'age', '--older-than', '60d'] as const));
  t.is(age.due, 0);
  t.like(age.ages, [
    { component: 'ESXi Server', keys: 1, current: 1 },
    { component: 'Virtual Machine', keys: 2, current: 1 },
  ]);
  t.like(await json('key', 'age', '--older-than', '0s'), { due: 2 });
});

test.serial('key destroy refuses what may be in use, unless told twice', async (t) => {
  const { client, json, ids, fails, keys } = await asking(t);
  const [old, , , plain] = keys;
  await fails(2, 'key', 'list', '--older-than', 'long');
  await fails(2, 'key', 'list', '--csv', '--json');
  await fails(2, 'key', 'list', '--limit', '0');
  await fails(2, 'key', 'age', '--older-than', 'long');
  // Not Active, and fetched today all the same: it may be in use.
  await client.get(plain);
  await until('that fetch is known', async () => (await ids('--client', 'client')).length === 2);
  t.regex(await fails(3, 'key', 'destroy', plain, '--yes'), /client fetched it today/);
  t.regex(await fails(3, 'key', 'destroy', old, '--yes'), /Active, and client fetched it today/);
  t.regex(await fails(3, 'key', 'destroy', old), /nobody is here to confirm/);
  t.like(await json('key', 'destroy', plain, '--yes', '--force'), { state: 'Destroyed' });
  t.like(await json('key', 'undestroy', plain), { state: 'PreActive' });
});
