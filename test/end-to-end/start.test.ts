import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { launch, removeFolder, startAppliance, temporaryFolder } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';

const twoLines = /^error: .+\nhint: .+\n$/;

test('started again it serves the same keys; stopped it leaves nothing running', async (t) => {
  const first = await startAppliance(t, { clients: 2 });
  const client = new KmipClient(first);
  const id = await client.create();
  const key = await client.get(id);
  t.is(await new KmipClient(first, 'client2').get(id), key);
  client.end();
  t.is((await first.stop('SIGINT')).code, 0);
  for (const role of ['server', 'keeper', 'token'] as const) t.deepEqual(first.processes(role), []);
  t.throws(() => statSync(first.file('run')), { code: 'ENOENT' });
  t.is(statSync(first.file('trial-pin')).mode & 0o777, 0o600);

  const certificate = first.read('client', 'cert.pem');
  const second = await startAppliance(t, { state: first.state, clients: 3 });
  t.is(second.read('client', 'cert.pem'), certificate);
  t.is(await new KmipClient(second, 'client3').get(id), key);
  const other = launch(['--state', first.state, '--token', 'softhsm', '--listen', '127.0.0.1:0']);
  const refused = await other.ended;
  t.is(refused.code, 20);
  t.regex(refused.stderr, twoLines);
  t.is(await new KmipClient(second).get(id), key);
});

test('when the trial itself is killed, everything it started ends', async (t) => {
  const appliance = await startAppliance(t, { token: 'softhsm' });
  const before = ['server', 'keeper', 'token'] as const;
  for (const role of before) t.is(appliance.processes(role).length, 1, role);
  await appliance.stop('SIGKILL');
  for (const role of before) {
    while (appliance.processes(role).length > 0) await new Promise((done) => setImmediate(done));
  }
  const again = await startAppliance(t, { token: 'softhsm', state: appliance.state });
  t.is((await new KmipClient(again).create()).length, 36);
});

test('a port that is taken is said in two lines', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => holder.once('listening', done));
  const { port } = holder.address() as { port: number };
  const state = temporaryFolder();
  const listen = `127.0.0.1:${port}`;
  const { code, stderr } = await launch([
    '--state',
    state,
    '--token',
    'softhsm',
    '--listen',
    listen,
  ]).ended;
  t.is(code, 11);
  t.regex(stderr, twoLines);
  holder.close();
  removeFolder(state);
});

test('a wrong PIN is tried once, never again, and the right one opens everything', async (t) => {
  const first = await startAppliance(t, { token: 'tpm' });
  const id = await new KmipClient(first).create();
  const key = await new KmipClient(first).get(id);
  await first.stop();
  const pin = first.file('trial-pin');
  const right = readFileSync(pin);
  writeFileSync(pin, 'not the pin\n');
  const arguments_ = ['--state', first.state, '--token', 'tpm', '--listen', '127.0.0.1:0'];
  // Forty starts would lock a TPM that takes 32 wrong tries, were the PIN tried at each.
  for (let i = 0; i < 3; i++) {
    const { code, stderr } = await launch(arguments_).ended;
    t.is(code, 13);
    t.regex(stderr, twoLines);
  }
  const log = first.read('log', 'keeper.log');
  t.is(log.split('"code":"pin-wrong"').length - 1 > 0, true);
  t.false(log.includes('not the pin'));
  t.false(log.includes(right.toString().trim()));
  writeFileSync(pin, right);
  const again = await startAppliance(t, { token: 'tpm', state: first.state });
  t.is(await new KmipClient(again).get(id), key);
});

test('a foreign database stops the start and is not touched', async (t) => {
  const first = await startAppliance(t);
  await first.stop();
  const path = join(first.state, 'server', 'keystore.db');
  const ours = readFileSync(path);
  const foreign = Buffer.from(`SQLite format 3\0${'x'.repeat(4080)}`);
  writeFileSync(path, foreign);
  const { code, stderr } = await launch([
    ...['--state', first.state, '--token', 'softhsm', '--listen', '127.0.0.1:0'],
  ]).ended;
  t.is(code, 17);
  t.regex(stderr, twoLines);
  t.deepEqual(readFileSync(path), foreign);
  writeFileSync(path, ours);
  await startAppliance(t, { state: first.state });
});

test('options that make no sense are refused with the usage', async (t) => {
  for (const wrong of [['--clients', '0'], ['--token', 'paper'], ['--nonsense']]) {
    const { code, stderr } = await launch(wrong).ended;
    t.is(code, 2);
    t.regex(stderr, twoLines);
  }
});
