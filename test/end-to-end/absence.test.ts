import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { softwareTpm } from '../../appliance/service/software-token/tpm.ts';
import {
  launch,
  removeFolder,
  startAppliance,
  temporaryFolder,
  until,
} from '../harness/appliance.ts';
import type { Ended, RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';

const twoLines = /^error: .+\nhint: .+\n$/;

function start(state: string, token = 'softhsm'): Promise<Ended> {
  return launch(['--state', state, '--token', token, '--listen', '127.0.0.1:0']).ended;
}

test('a token that is gone stops the start, and nothing is lost when it is back', async (t) => {
  t.timeout(120_000);
  const first = await startAppliance(t);
  const id = await new KmipClient(first).create();
  const key = await new KmipClient(first).get(id);
  await first.stop();
  renameSync(first.file('token', 'tokens'), first.file('token', 'elsewhere'));
  const { code, stderr } = await start(first.state);
  t.is(code, 12, stderr);
  t.regex(stderr, twoLines);
  renameSync(first.file('token', 'elsewhere'), first.file('token', 'tokens'));
  const again = await startAppliance(t, { state: first.state });
  t.is(await new KmipClient(again).get(id), key);
});

test('the files of a token that are gone stop no Get while the appliance runs', async (t) => {
  const appliance = await startAppliance(t);
  const client = new KmipClient(appliance);
  const id = await client.create();
  const key = await client.get(id);
  renameSync(appliance.file('token', 'tokens'), appliance.file('token', 'elsewhere'));
  appliance.signal('token', 'SIGKILL');
  for (let i = 0; i < 200; i++) t.is(await client.get(id), key);
  const made = await client.create();
  t.is((await client.get(made)).length, 64);
  client.end();
});

const library = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`)
  .find((path) => existsSync(path));
if (library === undefined) console.log('skipped: no faketime to turn the clock with');

/** Wrong passwords for an object of the TPM's own, until it takes none for anything. */
function guessUntilLocked(tcti: string, made: string): void {
  const tool = (name: string, ...parameters: string[]): number | null =>
    spawnSync(name, ['-T', tcti, ...parameters], { stdio: 'ignore' }).status;
  tool('tpm2_createprimary', '-Q', '-C', 'o', '-p', 'right', '-c', made);
  while (!isLocked(tcti)) {
    tool('tpm2_create', '-Q', '-C', made, '-P', 'wrong', '-u', `${made}.pub`, '-r', `${made}.key`);
    for (const what of ['-t', '-l', '-s']) tool('tpm2_flushcontext', what);
  }
}

function isLocked(tcti: string): boolean {
  const text = execFileSync('tpm2_getcap', ['-T', tcti, 'properties-variable'], { stdio: 'pipe' });
  return /^ *inLockout: +1$/m.test(text.toString());
}

/** For this TPM ten minutes are three seconds. */
async function waitedUntilOpen(appliance: RunningAppliance, port = 0): Promise<void> {
  Object.assign(process.env, { LD_PRELOAD: library, FAKETIME: '+0 x200' });
  // With a port given it is started before this returns.
  const starting = softwareTpm(appliance.file('tpm'), appliance.file('token'), port);
  delete process.env['LD_PRELOAD'];
  delete process.env['FAKETIME'];
  const tpm = await starting;
  const tcti = tpm.environment['TPM2_PKCS11_TCTI'] ?? '';
  await until('the TPM forgets a try', () => !isLocked(tcti));
  await tpm.stop();
}

(library === undefined ? test.skip : test)(
  'a locked TPM is said to be locked, is not tried, and opens itself after ten minutes',
  async (t) => {
    t.timeout(180_000);
    const first = await startAppliance(t, { token: 'tpm' });
    const id = await new KmipClient(first).create();
    await first.stop();
    const tpm = await softwareTpm(first.file('tpm'), first.file('token'));
    guessUntilLocked(tpm.environment['TPM2_PKCS11_TCTI'] ?? '', first.file('guessed'));
    await tpm.stop();
    const locked = await start(first.state, 'tpm');
    t.is(locked.code, 14, locked.stderr);
    t.regex(locked.stderr, twoLines);
    await waitedUntilOpen(first, tpm.port);
    const again = await startAppliance(t, { token: 'tpm', state: first.state });
    t.is((await new KmipClient(again).get(id)).length, 64);
  },
);

test('a damaged database or slot table stops the start and is left as it is', async (t) => {
  t.timeout(120_000);
  const first = await startAppliance(t);
  const id = await new KmipClient(first).create();
  const key = await new KmipClient(first).get(id);
  await first.stop();
  const spoil = async (paths: readonly string[], expected: number): Promise<void> => {
    const whole = paths.map((path) => readFileSync(first.file(path)));
    const damaged = whole.map((bytes) => {
      const copy = Buffer.from(bytes);
      const at = Math.floor(copy.length / 3);
      copy.fill(0x5a, at);
      return copy;
    });
    for (const [i, path] of paths.entries()) writeFileSync(first.file(path), damaged[i] ?? '');
    const { code, stderr } = await start(first.state);
    t.is(code, expected, stderr);
    t.regex(stderr, twoLines);
    for (const [i, path] of paths.entries()) {
      // Of a database the pages that were whole may be written; what is damaged stays for a look.
      if (expected !== 16) t.true(damaged[i]?.equals(readFileSync(first.file(path))), path);
      writeFileSync(first.file(path), whole[i] ?? '');
    }
  };
  await spoil(['server/keystore.db'], 16);
  await spoil(['keeper/slots.a', 'keeper/slots.b'], 21);
  const again = await startAppliance(t, { state: first.state });
  t.is(await new KmipClient(again).get(id), key);
});

(library === undefined ? test.skip : test)(
  'a wild clock is an alarm and refuses nothing',
  async (t) => {
    t.timeout(180_000);
    const first = await startAppliance(t);
    const id = await new KmipClient(first).create();
    const key = await new KmipClient(first).get(id);
    await first.stop();
    const made = [id];
    for (const time of ['1971-01-01 00:00:00', '2090-01-01 00:00:00']) {
      const environment = {
        ...process.env,
        LD_PRELOAD: library,
        FAKETIME: `@${time}`,
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      };
      const wild = await startAppliance(t, { state: first.state, environment });
      const client = new KmipClient(wild);
      t.is(await client.get(id), key);
      made.push(await client.create());
      const { stdout } = await wild.twinlock('status');
      t.regex(stdout, /DEGRADED[\s\S]*the clock .*: set the time/, time);
      client.end();
      await wild.stop();
    }
    const again = await startAppliance(t, { state: first.state });
    const client = new KmipClient(again);
    for (const each of made) t.is((await client.get(each)).length, 64);
    t.regex((await again.twinlock('status')).stdout, /SERVING/);
    client.end();
  },
);

test('a folder that was copied while another start uses it is refused', async (t) => {
  const first = await startAppliance(t);
  const copy = temporaryFolder();
  t.teardown(() => {
    removeFolder(copy);
  });
  await first.stop();
  cpSync(first.state, join(copy, 'state'), { recursive: true });
  // A copy without its token opens nothing.
  removeFolder(join(copy, 'state', 'token', 'tokens'));
  const { code } = await start(join(copy, 'state'));
  t.is(code, 12);
});
