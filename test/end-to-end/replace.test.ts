import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { answerOf } from '../harness/answer.ts';
import { removeFolder, startAppliance, temporaryFolder, until } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { freePort, startPair } from '../harness/pair.ts';
import { json } from '../harness/pairing.ts';
import { atTerminal } from '../harness/terminal.ts';

const script = join(import.meta.dirname, '..', '..', 'scripts', 'twinlock');
const twoLines = /^error: .+\nhint: .+\n$/;

interface Scene {
  readonly node: RunningAppliance;
  readonly client: KmipClient;
  /** Every key that was answered. */
  readonly keys: Map<string, string>;
  readonly make: () => Promise<string>;
  readonly early: readonly string[];
  readonly backup: string;
  /** The cluster's name. */
  readonly name: string;
  readonly saved: string;
  readonly replace: readonly string[];
}

async function scene(t: ExecutionContext): Promise<Scene> {
  const node = await startAppliance(t);
  const away = temporaryFolder();
  t.teardown(() => {
    removeFolder(away);
  });
  const client = new KmipClient(node);
  const keys = new Map<string, string>();
  const make = async (): Promise<string> => {
    const id = await client.create();
    keys.set(id, await client.get(id));
    return id;
  };
  for (let i = 0; i < 40; i++) await make();
  const early = [...keys.keys()];
  const backup = join(away, 'early.backup');
  t.is((await node.twinlock('backup', 'create', '--to', backup)).code, 0);
  const { name } = await json<{ name: string }>(node, 'holders');
  const saved = join(away, 'saved');
  mkdirSync(saved);
  const replace = ['restore', backup, '--replace', '--save-to', saved];
  return { node, client, keys, make, early, backup, name, saved, replace };
}

const stepsOf = ({ node, saved }: Scene): Readonly<Record<string, () => boolean>> => ({
  'the backup is read': () => existsSync(node.file('server', 'twinlock-incoming.backup.part')),
  'what is here is being saved': () => readdirSync(saved).length > 0,
  'what is here is saved': () => readdirSync(saved).some((file) => file.endsWith('.backup')),
  'the keys go back': () => node.read('server', 'backup.json').includes('"replaced":true'),
});

test('keys that go back are killed at any step: it is done again, and undone', async (t) => {
  t.timeout(280_000);
  const all = await scene(t);
  const { node, client, keys, make, early, name, saved, replace } = all;
  for (const [step, reached] of Object.entries(stepsOf(all))) {
    const late = await make();
    const course = { over: false };
    const running = node.twinlock(...replace, '--name', name);
    void running.finally(() => (course.over = true));
    while (!reached() && !course.over) await new Promise((resolve) => setImmediate(resolve));
    node.signal('server', 'SIGKILL');
    const cut = await running;
    if (cut.code !== 0) t.regex(cut.stderr, twoLines, step);
    await until(`${step}: the server is back`, async () => {
      return (await node.twinlock('status')).code === 0;
    });
    for (const id of early) t.is(await client.insist(() => client.get(id)), keys.get(id) ?? '');
    const again = await node.twinlock(...replace, '--name', name, '--json');
    t.is(again.code, 0, again.stderr);
    const { replaced } = answerOf('restore', again) as { replaced?: { saved: string } };
    t.true(existsSync(replaced?.saved ?? ''), step);
    const status = await node.twinlock('status');
    t.notRegex(status.stdout, /cut short|older database/, step);
    await t.throwsAsync(client.get(late), undefined, step);
    // It is in what was saved by one of the two tries.
    for (const file of readdirSync(saved)) {
      t.is((await node.twinlock('restore', join(saved, file))).code, 0, step);
    }
    t.is(await client.insist(() => client.get(late)), keys.get(late) ?? '', step);
    for (const file of readdirSync(saved)) rmSync(join(saved, file));
  }
  client.end();
});

test('with the cluster’s name typed keys go back, and stay there over a start', async (t) => {
  t.timeout(180_000);
  const { node, client, keys, make, early, backup, name, replace } = await scene(t);
  const late = [await make(), await make()];
  const words = [script, '--state', node.state, ...replace];
  const wrong = await atTerminal(words, [[/name in full: /, name.slice(0, -1)]]);
  t.is(wrong.code, 3);
  t.regex(wrong.shown, /error: that is not the cluster’s name\r\nhint: nothing was changed/);
  const nobody = await node.twinlock(...replace);
  t.is(nobody.code, 3);
  t.regex(nobody.stderr, twoLines);
  const nowhere = await node.twinlock('restore', backup, '--replace', '--name', name);
  t.is(nowhere.code, 2);
  t.regex(nowhere.stderr, twoLines);
  for (const [id, key] of keys) t.is(await client.get(id), key);
  const right = await atTerminal(words, [[/name in full: /, name]]);
  t.is(right.code, 0, right.shown);
  t.regex(right.shown, /2 keys that were made after it are no more/);
  t.is(await client.get(early[0] ?? ''), keys.get(early[0] ?? '') ?? '');
  const made = await make();
  client.end();
  await node.stop();

  const later = await startAppliance(t, { state: node.state });
  const reader = new KmipClient(later);
  for (const id of [...early, made]) t.is(await reader.get(id), keys.get(id) ?? '');
  for (const id of late) await t.throwsAsync(reader.get(id));
  t.notRegex((await later.twinlock('status')).stdout, /older database/);
  reader.end();
});

test('beside another node nothing is replaced: it would bring all of it back', async (t) => {
  t.timeout(180_000);
  const { a } = await startPair(t);
  const away = temporaryFolder();
  t.teardown(() => {
    removeFolder(away);
  });
  const client = new KmipClient(a);
  const id = await client.create();
  const backup = join(away, 'a.backup');
  t.is((await a.twinlock('backup', 'create', '--to', backup)).code, 0);
  const { name } = await json<{ name: string }>(a, 'holders');
  const options = ['--replace', '--save-to', join(away, 'b.backup'), '--name', name];
  const refused = await a.twinlock('restore', backup, ...options);
  t.is(refused.code, 3);
  t.regex(refused.stderr, /^error: the other node would bring back .+\nhint: .+\n$/);
  t.false(existsSync(join(away, 'b.backup')));
  t.is((await client.get(id)).length, 64);
  client.end();
});

test('nor beside a journal, which has what would go', async (t) => {
  t.timeout(180_000);
  const away = temporaryFolder();
  t.teardown(() => {
    removeFolder(away);
  });
  const journal = join(away, 'journal');
  mkdirSync(journal);
  const more = ['--peer', `127.0.0.1:${await freePort()}`, '--journal', journal];
  const node = await startAppliance(t, { more });
  const backup = join(away, 'a.backup');
  t.is((await node.twinlock('backup', 'create', '--to', backup)).code, 0);
  const { name } = await json<{ name: string }>(node, 'holders');
  const options = ['--replace', '--save-to', join(away, 'b.backup'), '--name', name];
  const refused = await node.twinlock('restore', backup, ...options);
  t.is(refused.code, 3);
  t.regex(refused.stderr, /^error: the journal in .+ would bring back .+\nhint: .+\n$/);
  t.false(existsSync(join(away, 'b.backup')));
});
