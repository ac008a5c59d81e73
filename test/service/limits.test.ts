import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { KeeperClient } from '../../appliance/keeper-client/client.ts';
import { softhsm } from '../../appliance/service/software-token/softhsm.ts';
import { command, launch, removeFolder, RunningAppliance } from '../harness/appliance.ts';
import { temporaryFolder, until } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { Units } from '../harness/units.ts';

/** What the units demand of their processes, beside a client that is served. */
const root = join(import.meta.dirname, '..', '..');
const services = join(root, 'dist', 'appliance', 'service');
const noJit = join(import.meta.dirname, 'no-jit.py');
const python = '/usr/bin/python3';
const works = async (...words: readonly [string, ...string[]]): Promise<boolean> =>
  (await command(words[0], words.slice(1))).code === 0;
const denies = await works(python, noJit);
if (!denies) console.log('skipped: this kernel has no memory-deny-write-execute (Linux 6.3)');

const needs: readonly (readonly [there: boolean, what: string])[] = [
  [process.getuid?.() === 0, 'only root starts processes as others'],
  [denies, 'this kernel has no memory-deny-write-execute (Linux 6.3)'],
  [await works('systemd-socket-activate', '--version'), 'no systemd-socket-activate'],
  [await works('unshare', '--mount', '--net', 'true'), 'no namespaces are let be made here'],
];
const missing = needs.find(([there]) => !there)?.[1];
if (missing !== undefined) console.log(`skipped: ${missing}`);

test.serial.before('the compiled output is made', async (t) => {
  t.timeout(120_000);
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  const { code, stdout } = await command(tsc, ['-p', join(root, 'tsconfig.build.json')]);
  t.is(code, 0, stdout);
});

(denies ? test.serial : test.serial.skip)(
  'compiled keeper and token serve without a JIT, where no memory may become executable',
  async (t) => {
    t.timeout(120_000);
    const state = temporaryFolder();
    t.teardown(() => {
      removeFolder(state);
    });
    const options = ['--state', state, '--token', 'softhsm', '--listen', '127.0.0.1:0'];
    const started = launch(options, { file: join(services, 'trial.js') });
    t.teardown(() => started.child.kill('SIGKILL'));
    const first = await Promise.race([started.ready, started.ended]);
    if (typeof first !== 'string') throw new Error(first.stderr);
    const appliance = new RunningAppliance(state, first, started.child, started.ended);
    const client = new KmipClient(appliance);
    const id = await client.create();
    t.is((await client.get(id)).length, 64);
    client.end();
    for (const role of ['keeper', 'token'] as const) {
      const [pid = 0] = appliance.processes(role);
      t.true(readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0--jitless\0'), role);
    }
    await appliance.stop();

    // The limit bites: with its JIT the same Node cannot even start.
    t.not((await command(python, [noJit, process.execPath, '-e', '0'])).code, 0);
    mkdirSync(appliance.file('run'), { recursive: true });
    const configuration = appliance.file('twinlock.toml');
    const script = join(services, 'keeper.js');
    const keeper = spawn(
      python,
      [noJit, process.execPath, '--jitless', script, '--configuration', configuration],
      { stdio: 'ignore' },
    );
    t.teardown(() => keeper.kill('SIGKILL'));
    const link = new KeeperClient(appliance.file('run', 'keeper.sock'), 60_000);
    await until('the keeper opens its slots', async () => (await link.status()).state === 'open');
    const context = Buffer.from('context');
    const sealed = await link.seal(context, Buffer.from('a key'));
    t.is((await link.open(context, sealed)).toString(), 'a key');
    link.close();
    const ended = new Promise((resolve) => keeper.once('exit', resolve));
    keeper.kill('SIGTERM');
    t.is(await ended, 0);
  },
);

/** Numbers for the users of `systemd/sysusers.d`, and one more who has no business here. */
const users = {
  twinlock: 61_101,
  'twinlock-keeper': 61_102,
  'twinlock-token': 61_103,
  stranger: 61_104,
};
type User = keyof typeof users;
const userOf = {
  'twinlock-server': 'twinlock',
  'twinlock-keeper': 'twinlock-keeper',
  'twinlock-token': 'twinlock-token',
} as const;
type Unit = keyof typeof userOf;
const unitNames = Object.keys(userOf) as Unit[];
const others = (owner: User | 'root'): [string, number][] =>
  Object.entries(users).filter(([name]) => name !== owner);

/** What comes of one user's try (`may.py`): `allowed`, or the error's name. */
async function tried(user: number, act: string, what: string | number): Promise<string> {
  const { stdout } = await command('setpriv', [
    ...['--reuid', String(user), '--regid', String(user), '--clear-groups', '--no-new-privs'],
    ...['--bounding-set', '-all', python, join(import.meta.dirname, 'may.py'), act, String(what)],
  ]);
  return stdout.trim();
}

function hasLimits(t: ExecutionContext, node: Units, unit: Unit): void {
  const of = (name: string): string => readFileSync(`/proc/${node.pid(unit)}/${name}`, 'utf8');
  const user = users[userOf[unit]];
  const status = of('status');
  t.regex(status, new RegExp(`^Uid:\t${user}\t${user}\t${user}\t${user}$`, 'm'), unit);
  t.regex(status, /^CapEff:\t0+$/m, unit);
  t.regex(status, /^CapBnd:\t0+$/m, unit);
  t.regex(status, /^NoNewPrivs:\t1$/m, unit);
  t.regex(of('limits'), /^Max core file size +0 +0 /m, unit);
  t.regex(of('cmdline'), /\/dist\/appliance\/service\/\w+\.js\0/, unit);
  if (unit === 'twinlock-server') return;
  t.regex(of('cmdline'), /\0--jitless\0/, unit);
  t.notRegex(of('maps'), /^\S+ .wx/m, unit);
}

/** Each thing of value is its one user's; everybody else is refused. */
async function isApart(t: ExecutionContext, node: Units): Promise<void> {
  const things: readonly (readonly [act: string, what: string, owner: User | 'root'])[] = [
    ['connect', node.file('run', 'token.sock'), 'twinlock-keeper'],
    ['connect', node.file('run', 'keeper.sock'), 'twinlock'],
    ['connect', node.file('run', 'console.sock'), 'root'],
    ['connect', node.file('run', 'admin', 'admin.sock'), 'twinlock'],
    ['read', node.file('credentials', 'token-pin'), 'twinlock-keeper'],
    ['read', node.file('keeper', 'slots.a'), 'twinlock-keeper'],
    ['read', node.file('server', 'keystore.db'), 'twinlock'],
    ['read', node.file('token', 'softhsm2.conf'), 'twinlock-token'],
  ];
  for (const [act, what, owner] of things) {
    if (owner !== 'root') t.is(await tried(users[owner], act, what), 'allowed', what);
    for (const [name, user] of others(owner)) {
      t.is(await tried(user, act, what), 'EACCES', `${name}: ${act} ${what}`);
    }
  }
  for (const unit of unitNames) {
    for (const [name, user] of others(userOf[unit])) {
      for (const act of ['trace', 'copy', 'signal']) {
        t.is(await tried(user, act, node.pid(unit)), 'EPERM', `${name}: ${act} ${unit}`);
      }
      t.is(await tried(user, 'memory', node.pid(unit)), 'EACCES', `${name}: memory of ${unit}`);
    }
  }
}

(missing === undefined ? test.serial : test.serial.skip)(
  'server, keeper and token serve as three users from compiled output, and none reaches another',
  async (t) => {
    t.timeout(300_000);
    const state = temporaryFolder();
    const { module, environment } = softhsm(join(state, 'token'));
    const credentials = { 'token-pin': '4711-0815\n' };
    const node = await Units.start({ state, module, environment, credentials, users });
    t.teardown(async () => {
      await node.stop();
      removeFolder(state);
    });
    const shows = (what: RegExp): Promise<void> =>
      until(
        `status shows ${what.source}`,
        async () => what.test((await node.twinlock('status')).stdout),
        90_000,
      );
    await shows(/^NOT CONFIGURED/);
    const shares = node.file('shares');
    for (const words of [
      ['token', 'provision'],
      ['root', 'create'],
      ['recovery', 'create', '--out', shares],
      ['recovery', 'prove', ...[1, 3, 5].map((i) => join(shares, `share-${i}`))],
    ]) {
      const { code, stderr } = await node.twinlock(...words);
      t.is(code, 0, `${words.join(' ')}: ${stderr}`);
    }
    await shows(/^SERVING/);
    const enrolled = node.file('client');
    t.is((await node.twinlock('client', 'add', '--name', 'esx', '--out', enrolled)).code, 0);
    const client = new KmipClient(node);
    t.teardown(() => {
      client.end();
    });
    const id = await client.create();
    const key = await client.get(id);
    for (const unit of unitNames) hasLimits(t, node, unit);
    await isApart(t, node);

    // The keeper outlives its token process; what is started again is so under the same limits.
    node.kill('twinlock-token');
    t.is(await client.get(id), key);
    node.kill('twinlock-keeper');
    t.is(await client.insist(() => client.get(id)), key);
    await shows(/^SERVING/);
    for (const unit of unitNames) hasLimits(t, node, unit);
  },
);
