import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { KeeperClient } from '../../appliance/keeper-client/client.ts';
import { command, launch, removeFolder, RunningAppliance } from '../harness/appliance.ts';
import { temporaryFolder, until } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';

const root = join(import.meta.dirname, '..', '..');
const services = join(root, 'dist', 'appliance', 'service');
const noJit = join(import.meta.dirname, 'no-jit.py');
const python = '/usr/bin/python3';
const denies = (await command(python, [noJit])).code === 0;
if (!denies) console.log('skipped: this kernel has no memory-deny-write-execute (Linux 6.3)');

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
