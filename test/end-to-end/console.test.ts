import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { command, startAppliance } from '../harness/appliance.ts';
import { Screen } from '../harness/screen.ts';

const root = join(import.meta.dirname, '..', '..');

function consoleOf(t: ExecutionContext, state: string): Screen {
  const node = join(root, 'node_modules', '.bin', 'node');
  const program = join(root, 'appliance', 'service', 'console.ts');
  const screen = new Screen([node, program, '--state', state]);
  t.teardown(() => {
    screen.close();
  });
  return screen;
}

const idle = /<F2> Configure/;

test('it shows how the node is, and outlives its server and a smaller screen', async (t) => {
  t.timeout(600_000);
  const appliance = await startAppliance(t, { token: 'softhsm' });
  const screen = consoleOf(t, appliance.state);
  const lines = await screen.until(idle);
  t.true(lines.some((line) => line.includes(`KMIP            127.0.0.1:`)));
  t.true(lines.some((line) => /SHA-1 +([\dA-F]{2}:){19}[\dA-F]{2}$/.test(line)));
  t.true(lines.some((line) => /! this node is alone/.test(line)));
  screen.resize(60, 20);
  await screen.until(/<F2> Configure[^]*<F8> Di/);
  screen.resize(80, 25);
  appliance.signal('server', 'SIGSTOP');
  await screen.until(/! the server does not answer: F8/);
  appliance.signal('server', 'SIGCONT');
  await screen.until(/! this node is alone/);
});

test('F5, F8 and F12 say what they found, and Escape leads back', async (t) => {
  t.timeout(600_000);
  const appliance = await startAppliance(t, { token: 'softhsm' });
  const screen = consoleOf(t, appliance.state);
  await screen.until(idle);
  screen.press('F5');
  await screen.until(/\[ OK \] KMIP port +127\.0\.0\.1:\d+ takes connections/);
  screen.press('Escape');
  await screen.until(idle);
  screen.press('F8');
  await screen.until(/! this node is alone[^]*log, newest first/);
  screen.press('Escape');
  await screen.until(idle);
  screen.press('F12');
  await screen.until(/No other node serves meanwhile/);
  screen.press('2');
  const lines = await screen.until(/this is a trial: the machine that it runs on is left alone/);
  t.true(lines.some((line) => line.includes('Restart or shut down')));
});

test('F2 asks for the administrator’s passphrase, and lets nobody else in', async (t) => {
  t.timeout(600_000);
  const appliance = await startAppliance(t, { token: 'softhsm' });
  const screen = consoleOf(t, appliance.state);
  await screen.until(idle);
  const typeLine = (text: string): void => {
    screen.type(text);
    screen.press('Enter');
  };
  // Nobody becomes administrator of keys that are there by standing before the box.
  screen.press('F2');
  await screen.until(/No passphrase was set yet\. As root: twinlock administrator set/);
  screen.press('Escape');
  await screen.until(idle);
  const file = appliance.file('passphrase');
  const set = (...more: string[]): ReturnType<typeof appliance.twinlock> =>
    appliance.twinlock('administrator', 'set', '--passphrase-file', file, ...more);
  writeFileSync(file, 'too short\n');
  const short = await set();
  t.is(short.code, 3);
  t.regex(short.stderr, /^error: .*15 characters or more\nhint: /);
  writeFileSync(file, 'a passphrase for here\n');
  const done = await set('--json');
  t.deepEqual([done.code, done.stdout], [0, '{"set":true}\n'], done.stderr);
  t.is((await set()).code, 2, 'the old one is asked for');
  screen.press('F2');
  await screen.until(/administrator's passphrase, please/);
  typeLine('somebody else’s guess');
  const refused = await screen.until(/that is not the passphrase/);
  t.false(refused.join('\n').includes('guess'));
  typeLine('a passphrase for here');
  await screen.until(/Seal +wipe the wrapping key/);
  screen.press('2');
  await screen.until(/Unseal +open the wrapping key/);
  screen.press('2');
  await screen.until(/Seal +wipe the wrapping key/);
  t.regex((await appliance.twinlock('status')).stdout, /^(SERVING|DEGRADED)/);
});

test('the first administrator elsewhere is let in at the console, by a fingerprint', async (t) => {
  t.timeout(600_000);
  const appliance = await startAppliance(t, {
    token: 'softhsm',
    more: ['--admin', '127.0.0.1:0'],
  });
  const passphrase = appliance.file('passphrase');
  writeFileSync(passphrase, 'a passphrase for here\n');
  await appliance.twinlock('administrator', 'set', '--passphrase-file', passphrase);
  const screen = consoleOf(t, appliance.state);
  const lines = await screen.until(idle);
  const toMenu = async (): Promise<void> => {
    screen.press('F2');
    await screen.until(/administrator's passphrase, please/);
    screen.type('a passphrase for here');
    screen.press('Enter');
    await screen.until(/Let an administrator in/);
  };
  await toMenu();
  screen.press('5');
  await screen.until(/Nobody has knocked/);
  screen.press('Escape');

  // Elsewhere: nothing is known there but the address and what the console shows.
  const twinlock = join(root, 'scripts', 'twinlock');
  const shown = /SHA-256 +([\dA-F:]{47})\s+([\dA-F:]{47})/.exec(lines.join('\n'));
  const out = appliance.file('anna');
  const node = `127.0.0.1:${appliance.adminPort}`;
  const make = ['administrator', 'identity', node, '--name', 'anna', '--out', out, '--json'];
  const other = await command(twinlock, [...make, '--fingerprint', 'aa'.repeat(32)]);
  t.is(other.code, 3, other.stderr);
  t.regex(other.stderr, /somebody may be in between/);
  const compared = ['--fingerprint', `${shown?.[1] ?? ''}:${shown?.[2] ?? ''}`];
  const made = await command(twinlock, [...make, ...compared]);
  t.is(made.code, 0, made.stderr);
  const { fingerprint } = JSON.parse(made.stdout) as { fingerprint: string };
  const asks = ['--node', node, '--identity', out];
  t.is((await command(twinlock, [...asks, 'status'])).code, 5);

  await screen.until(/Let an administrator in/);
  screen.press('5');
  await screen.until(/anna +from 127\.0\.0\.1/);
  screen.press('Enter');
  const question = await screen.until(/make its holder a security officer/);
  for (const half of [fingerprint.slice(0, 48), fingerprint.slice(48)]) {
    t.true(question.some((line) => line.includes(half)));
  }
  screen.type('y');
  await screen.until(/anna is a security officer from elsewhere now/);
  const status = await command(twinlock, [...asks, 'status']);
  t.is(status.code, 0, status.stderr);
  t.is((await command(twinlock, [...asks, 'group', 'make', 'storage'])).code, 0);
});
