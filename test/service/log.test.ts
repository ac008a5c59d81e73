import { readdirSync } from 'node:fs';
import test from 'ava';
import { redacted } from '../../appliance/service/log.ts';
import { command, startAppliance } from '../harness/appliance.ts';
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
