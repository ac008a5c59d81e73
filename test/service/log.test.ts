import { spawn } from 'node:child_process';
import { openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Readable } from 'node:stream';
import test from 'ava';
import { redacted } from '../../appliance/service/log.ts';
import { command, removeFolder, startAppliance, temporaryFolder } from '../harness/appliance.ts';
import { buildFaultySystem, FaultySystem } from '../harness/faulty-system.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { request, wire, Wires } from '../harness/vcenter.ts';

test('what must not be in a log is struck out, wherever it stands in a line', async (t) => {
  const module = new URL('../../appliance/service/log.ts', import.meta.url).href;
  const script = `
    import { makeLog, redacted } from '${module}';
    const log = makeLog('test', 'debug');
    for (const name of redacted) {
      log('info', 'said', { [name]: 'swordfish', deep: { [name]: 'swordfish' } });
    }
    log('info', 'bytes', { answer: Buffer.from('swordfish') });`;
  const { stdout } = await command(process.execPath, ['--input-type=module', '-e', script]);
  const lines = stdout.trim().split('\n');
  t.is(lines.length, redacted.length + 1);
  t.notRegex(stdout, /swordfish|115,\s*119|c3dvcmRmaXNo/);
  t.is(stdout.split('(redacted)').length - 1, 2 * redacted.length);
  t.true(stdout.includes('(9 bytes)'));
});

test('at the loudest level no secret is logged, and one id runs through', async (t) => {
  const appliance = await startAppliance(t, { log: 'debug' });
  const client = new KmipClient(appliance);
  const id = await client.create();
  const key = await client.get(id);
  client.end();
  const { host, port } = appliance;
  const files = {
    cert: appliance.read('client', 'cert.pem'),
    key: appliance.read('client', 'key.pem'),
  };
  const wires = new Wires({ host, port, ...files });
  const credential = { user: 'root', password: 'swordfish-of-the-client' };
  await wires.exchange(request([wire.get(id), wire.get('no such key')], { credential }));
  wires.end();
  await appliance.stop();

  const pin = appliance.read('trial-pin').trim();
  const logs = readdirSync(appliance.file('log')).map((name) => appliance.read('log', name));
  const text = logs.join('');
  const base64 = Buffer.from(key, 'hex').toString('base64');
  for (const secret of [key, base64, pin, credential.password, 'BEGIN PRIVATE KEY']) {
    t.false(text.includes(secret));
  }
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { msg: string; level: string; request?: string });
  t.true(lines.some(({ level }) => level === 'debug'));
  const requests = lines.filter(({ request: of }) => of !== undefined);
  const ids = new Set(requests.map(({ request: of }) => of));
  t.true(ids.size >= 3);
  const refused = requests.find(({ msg }) => msg.includes('refused'));
  t.truthy(refused, 'the refusal stands in the log');
  const ofRefused = requests.filter(({ request: of }) => of === refused?.request);
  t.true(ofRefused.length >= 2, 'with the line of its request under the same id');
});

test('a log that takes nothing stops nobody, and goes on with its lines when it can', async (t) => {
  const folder = temporaryFolder();
  t.teardown(() => {
    removeFolder(folder);
  });
  const system = new FaultySystem(buildFaultySystem(folder), join(folder, 'orders'));
  const module = (name: string): string => new URL(`../../appliance/${name}`, import.meta.url).href;
  const script = `
    import { createInterface } from 'node:readline';
    import { makeLog } from '${module('service/log.ts')}';
    const log = makeLog('test');
    for await (const line of createInterface(process.stdin)) {
      log('info', line);
      process.stderr.write(line + '\\n');
    }`;
  const path = join(folder, 'log');
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', script, module('service/server.ts')],
    { stdio: ['pipe', openSync(path, 'a'), 'pipe'], env: system.environment },
  );
  t.teardown(() => child.kill());
  const said = createInterface(child.stderr as Readable)[Symbol.asyncIterator]();
  const log = async (line: string): Promise<void> => {
    child.stdin?.write(`${line}\n`);
    t.deepEqual(await said.next(), { value: line, done: false });
  };
  const lines = (): unknown[] =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { msg: string }).msg);

  await log('before');
  system.order({ write: 'ENOSPC' });
  for (let i = 0; i < 3; i++) await log(`full ${i}`);
  // More than memory is given for: the process goes on and drops what does not fit.
  for (let i = 0; i < 300; i++) await log('x'.repeat(10_000));
  t.deepEqual(lines(), ['before']);
  system.order({});
  await log('after');
  await log('and again');
  const kept = lines();
  t.deepEqual(kept.slice(0, 4), ['before', 'full 0', 'full 1', 'full 2']);
  t.is(kept.at(-1), 'and again');
});
