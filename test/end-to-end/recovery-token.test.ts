import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { softhsm } from '../../appliance/service/software-token/softhsm.ts';
import { answerOf } from '../harness/answer.ts';
import { command, removeFolder, temporaryFolder, until } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { Units } from '../harness/units.ts';

/** Keys come back through a second token, by commands that a person types, on other hardware. */
const present = (await command('systemd-socket-activate', ['--version'])).code === 0;
if (!present) console.log('skipped: no systemd-socket-activate to start the units');
const there = present ? test : test.skip;
const safePin = '7777-safe';

/** A box with a token for its root key, opened by itself, and a further one called `safe`. */
async function box(t: ExecutionContext, state = temporaryFolder()): Promise<Units> {
  const { module, environment } = softhsm(join(state, 'token'));
  mkdirSync(join(state, 'keeper'), { recursive: true });
  const safe = ['', '[tokens.safe]', `module = "${module}"`, 'label = "safe"', ''].join('\n');
  const units = await Units.start({
    ...{ state, module, environment, tokens: ['safe'] },
    configure: (text) => text + safe,
    credentials: { 'token-pin': 'own-pin' },
  });
  t.teardown(async () => {
    await units.stop();
    removeFolder(state);
  });
  return units;
}

async function shows(units: Units, what: RegExp): Promise<void> {
  // Four processes start, one after the other.
  await until(
    `status shows ${what.source}`,
    async () => what.test((await units.twinlock('status')).stdout),
    90_000,
  );
}

async function done(t: ExecutionContext, units: Units, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await units.twinlock(...words);
  t.is(code, 0, `${words.join(' ')}: ${stderr}`);
  return stdout;
}

/** The safe's token is carried to another box; the one that held the root key stays behind. */
async function carry(t: ExecutionContext, from: Units, to: string): Promise<void> {
  const [source, target] = [from.file('token', 'tokens'), join(to, 'token', 'tokens')];
  if (source !== target) cpSync(source, target, { recursive: true });
  const { environment } = softhsm(join(to, 'token'));
  const assignments = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const remove = ['softhsm2-util', '--delete-token', '--token', 'twinlock'];
  t.is((await command('env', [...assignments, ...remove])).code, 0);
}

/** Sets a box up whose keys the safe's token recovers, with what a person gets wrong meanwhile. */
async function setUp(t: ExecutionContext): Promise<Units> {
  const first = await box(t);
  await shows(first, /^NOT CONFIGURED/);
  await done(t, first, 'token', 'provision');
  await done(t, first, 'root', 'create');
  const enter = [
    [/new PIN: /, safePin],
    [/again: /, safePin],
  ] as const;
  const provisioned = await first.typed(
    ['token', 'provision', '--token', 'safe', '--typed'],
    enter,
  );
  t.is(provisioned.code, 0, provisioned.shown);

  const create = ['recovery', 'create', '--token'];
  const own = await first.twinlock(...create, 'primary');
  t.is(own.code, 3);
  t.regex(own.stderr, /has to lie in another token\nhint: /);
  const asks = [[/PIN of safe: /, safePin]] as const;
  const made = await first.typed([...create, 'safe'], asks);
  t.is(made.code, 0, made.shown);
  await shows(first, /no key is made before the recovery set is proven/);
  // Nobody is there to type, and then one who types another PIN: it is asked once.
  t.is((await first.twinlock('recovery', 'prove', '--token', 'safe')).code, 2);
  const mistyped = await first.typed(
    ['recovery', 'prove', '--token', 'safe'],
    [[/PIN of safe: /, 'wrong-pin']],
  );
  t.is(mistyped.code, 4);
  t.regex(mistyped.shown, /pin-wrong\r\nhint: it will not be tried again/);
  const proven = await first.typed(['recovery', 'prove', '--token', 'safe'], asks);
  t.is(proven.code, 0, proven.shown);
  t.regex(await done(t, first, 'recovery', 'show'), /^token +token safe, proven/m);
  await shows(first, /^SERVING/);
  return first;
}

there('a recovery token opens a backup on a new node with another token', async (t) => {
  t.timeout(480_000);
  const first = await setUp(t);
  const enrolled = first.file('client');
  await done(t, first, 'client', 'add', '--name', 'esx', '--out', enrolled);
  const writer = new KmipClient(first);
  const keys = new Map<string, string>();
  for (let i = 0; i < 20; i++) {
    const id = await writer.create();
    keys.set(id, await writer.get(id));
  }
  // The safe is closed: from here on nothing needs its token.
  first.kill('twinlock-token@safe');
  await done(t, first, 'wrapping-key', 'rotate');
  const last = await writer.create();
  keys.set(last, await writer.get(last));
  writer.end();
  const backup = first.file('one.backup');
  await done(t, first, 'backup', 'create', '--to', backup);
  await first.stop();

  const state = temporaryFolder();
  await carry(t, first, state);
  const second = await box(t, state);
  await shows(second, /^NOT CONFIGURED/);
  await done(t, second, 'token', 'provision');
  t.is((await second.twinlock('restore', backup)).code, 2);
  const wrong = await second.twinlock('restore', backup, '--recovery-token', 'primary');
  t.is(wrong.code, 3, wrong.stderr);
  const restored = await second.typed(
    ['restore', backup, '--recovery-token', 'safe'],
    [[/PIN of safe: /, safePin]],
  );
  t.is(restored.code, 0, restored.shown);
  t.regex(restored.shown, /21 keys/);
  cpSync(first.file('client'), second.file('client'), { recursive: true });
  const reader = new KmipClient(second);
  for (const [id, key] of keys) t.is(await reader.get(id), key);
  t.is((await reader.create()).length, 36);
  reader.end();
  const { table } = JSON.parse(readFileSync(second.file('keeper', 'slots.a'), 'utf8')) as {
    table: { slots: { kind: string; device?: string }[] };
  };
  t.is(new Set(table.slots.map(({ device }) => device)).size, 2);
});

there('a lost root key’s token is replaced through the recovery token', async (t) => {
  t.timeout(300_000);
  const units = await box(t);
  await shows(units, /^NOT CONFIGURED/);
  await done(t, units, 'token', 'provision');
  await done(t, units, 'root', 'create');
  const pinFile = units.file('safe-pin');
  await command('sh', ['-c', `printf '%s\\n' '${safePin}' > '${pinFile}'`]);
  await done(t, units, 'token', 'provision', '--token', 'safe', '--pin-file', pinFile);
  await done(t, units, 'recovery', 'create', '--token', 'safe', '--pin-file', pinFile);
  await done(t, units, 'recovery', 'prove', '--token', 'safe', '--pin-file', pinFile);
  await shows(units, /^SERVING/);
  await done(t, units, 'client', 'add', '--name', 'esx', '--out', units.file('client'));
  const writer = new KmipClient(units);
  const id = await writer.create();
  const key = await writer.get(id);
  writer.end();
  await units.stop();

  await carry(t, units, units.state);
  const again = await box(t, units.state);
  await shows(again, /^SEALED[^]*absent/);
  const provisioned = await again.twinlock('token', 'provision', '--json');
  t.truthy(answerOf('token provision', provisioned));
  const recover = ['recovery', 'restore', '--token', 'safe', '--pin-file', pinFile];
  const recovered = await again.twinlock(...recover, '--json');
  t.truthy(answerOf('recovery restore', recovered));
  const reader = new KmipClient(again);
  t.is(await reader.insist(() => reader.get(id)), key);
  reader.end();
});
