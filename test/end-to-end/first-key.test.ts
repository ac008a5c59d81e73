import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { softhsm } from '../../appliance/service/software-token/softhsm.ts';
import { answerOf } from '../harness/answer.ts';
import { command, removeFolder, temporaryFolder, until } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { Units } from '../harness/units.ts';
import type { UnitsOptions } from '../harness/units.ts';

/**
 * An administrator with a box that was never set up, from the first command to the first key: the
 * units' own sockets, commands and configuration.
 */
const present = (await command('systemd-socket-activate', ['--version'])).code === 0;
if (!present) console.log('skipped: no systemd-socket-activate to start the units');
const there = present ? test : test.skip;
const twoLines = /error: .+\r?\nhint: .+\r?\n$/;
const pin = '20261';

async function box(
  t: ExecutionContext,
  options: Partial<UnitsOptions> = {},
  state = temporaryFolder(),
): Promise<Units> {
  const { module, environment } = softhsm(join(state, 'token'));
  mkdirSync(join(state, 'keeper'), { recursive: true });
  const units = await Units.start({ state, module, environment, ...options });
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

/** What was typed at the keeper before there was an audit is in it, wrong PINs too. */
async function showsConsole(t: ExecutionContext, units: Units): Promise<void> {
  const tail = async (): Promise<string> => (await units.twinlock('audit', 'tail')).stdout;
  await until('the PIN is in the audit', async () => (await tail()).includes('token unlock'));
  const audit = await tail();
  t.regex(audit, /console {2}token provision {2}primary {2}success/);
  t.regex(audit, /console {2}root create {2}primary {2}denied {2}pin-wrong/);
  t.regex(audit, /console {2}root create {2}failed {2}token-unknown/);
  t.regex(audit, /console {2}root create {2}primary {2}success/);
  t.regex(audit, /console {2}token unlock {2}primary {2}success/);
  for (const typed of [pin, '999999']) t.false(audit.includes(typed));
}

there(
  'attended: token, root key, recovery set, proof, first key, and a PIN after a restart',
  async (t) => {
    t.timeout(300_000);
    const attended = (text: string): string => text.replace(/^pin_file = .*\n/m, '');
    const units = await box(t, { configure: attended });
    await shows(units, /^NOT CONFIGURED/);

    const early = await units.twinlock('root', 'create');
    t.is(early.code, 4);
    t.regex(early.stderr, /absent\nhint: .*twinlock token provision\n$/);
    const typed = await units.typed(
      ['token', 'provision', '--typed'],
      [
        [/new PIN: /, pin],
        [/again: /, pin],
      ],
    );
    t.is(typed.code, 0, typed.shown);
    t.regex(typed.shown, /security officer's PIN: \w{16}/);

    // Nobody to ask: refused, and the token is not even tried.
    const silent = await units.twinlock('root', 'create');
    t.is(silent.code, 2);
    t.regex(silent.stderr, /there is no PIN\nhint: .*--pin-file/);
    const wrong = await units.typed(['root', 'create'], [[/PIN of primary: /, '999999']]);
    t.is(wrong.code, 4, wrong.shown);
    t.regex(wrong.shown, /pin-wrong\r\nhint: it will not be tried again/);
    t.is((await units.twinlock('root', 'create', '--token', 'no-such')).code, 6);
    const { stdout: tokens } = await units.twinlock('token', 'list');
    t.regex(tokens, /a wrong PIN was given: fewer tries are left/);
    const made = await units.typed(['root', 'create'], [[/PIN of primary: /, pin]]);
    t.is(made.code, 0, made.shown);
    t.regex(made.shown, /next: twinlock recovery create/);
    t.false(made.shown.includes(pin));
    const second = await units.twinlock('root', 'create');
    t.is(second.code, 3);
    t.regex(second.stderr, /^error: there is a slot table already\nhint: .*root rotate/);

    await shows(units, /recovery set/);
    const enrolled = units.file('client');
    t.is((await units.twinlock('client', 'add', '--name', 'esx', '--out', enrolled)).code, 0);
    const client = new KmipClient(units);
    await t.throwsAsync(client.create(), { message: /refused/ });
    const out = units.file('shares');
    t.is((await units.twinlock('recovery', 'create', '--out', out)).code, 0);
    const three = [1, 3, 5].map((i) => join(out, `share-${i}`));
    t.is((await units.twinlock('recovery', 'prove', ...three)).code, 0);
    await shows(units, /^SERVING/);
    const id = await client.create();
    const key = await client.get(id);
    client.end();

    // A boot: nothing opens before somebody types the PIN.
    await units.stop();
    const again = await box(t, { configure: attended }, units.state);
    await shows(again, /^SEALED[^]*pin-needed/);
    t.is((await again.twinlock('root', 'create')).code, 3);
    const { code, shown } = await again.typed(['token', 'unlock', '--json'], [[/PIN: /, pin]]);
    const stdout = shown.slice(shown.indexOf('{'));
    t.like(answerOf('token unlock', { code, stdout, stderr: shown }), { unlocked: true });
    await shows(again, /^SERVING/);
    const reader = new KmipClient(again);
    t.is(await reader.get(id), key);
    reader.end();
    await showsConsole(t, again);
  },
);

there('unattended: the PIN of the credential makes the root key and opens it again', async (t) => {
  t.timeout(300_000);
  const credentials = { 'token-pin': '4711-0815\n' };
  const units = await box(t, { credentials });
  await shows(units, /^NOT CONFIGURED/);
  t.is((await units.twinlock('token', 'provision')).code, 0);
  const made = await units.twinlock('root', 'create', '--json');
  const { rootKey } = answerOf('root create', made) as { rootKey: string };
  t.true(readFileSync(units.file('keeper', 'slots.a'), 'utf8').includes(rootKey));
  await shows(units, /no key is made before/);
  await units.stop();
  const again = await box(t, { credentials }, units.state);
  await shows(again, /root key +ready/);
  // A damaged slot table is one that is there: no second set-up on top of it.
  for (const copy of ['slots.a', 'slots.b']) writeFileSync(again.file('keeper', copy), 'damaged');
  await again.stop();
  const damaged = await box(t, { credentials }, units.state);
  await shows(damaged, /^SEALED/);
  const refused = await damaged.twinlock('root', 'create');
  t.is(refused.code, 3);
  t.regex(refused.stderr, twoLines);
});

there('a file of answers makes a blank token ours, with the PIN that it names', async (t) => {
  t.timeout(300_000);
  const attended = (text: string): string => text.replace(/^pin_file = .*\n/m, '');
  const units = await box(t, { configure: attended });
  await shows(units, /^NOT CONFIGURED/);
  const answers = units.file('answers.toml');
  const lines = ['[root_key]', 'pin_file = "pin"', '[node]', 'role = "first"'];
  writeFileSync(answers, lines.join('\n'));
  writeFileSync(units.file('pin'), `${pin}\n`);
  const done = await units.twinlock('setup', '--from', answers, '--yes', '--json');
  t.is(done.code, 0, done.stderr);
  t.regex(done.stderr, /making a blank token ours\nsecurity officer's PIN: [\da-f]{16}\n/);
  t.regex(done.stderr, /giving the token its PIN\nmaking the root key/);
  t.like(JSON.parse(done.stdout), { set: true });
  await shows(units, /^DEGRADED[^]*recovery/);
});
