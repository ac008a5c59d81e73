import { join } from 'node:path';
import test from 'ava';
import { startAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { atTerminal } from '../harness/terminal.ts';

const script = join(import.meta.dirname, '..', '..', 'scripts', 'twinlock');

test('a rotation draws a bar where standard error is a terminal, and none elsewhere', async (t) => {
  t.timeout(300_000);
  const appliance = await startAppliance(t);
  const client = new KmipClient(appliance);
  for (let i = 0; i < 30; i++) await client.create();
  client.end();
  const rotate = ['wrapping-key', 'rotate'];
  const seen = await atTerminal([script, '--state', appliance.state, ...rotate], []);
  t.is(seen.code, 0, seen.shown);
  t.regex(seen.shown, /wrapping key \[\.{30}\] 0 of 30/);
  t.regex(seen.shown, /wrapping key \[#{30}\] 30 of 30/);
  const result = /everything is sealed under the new wrapping key [\da-f]{32}\r\n$/;
  t.regex(seen.shown, result, 'the line that the bar had is left clean');
  t.is((await appliance.twinlock(...rotate)).stderr, '');
  const { stdout, stderr } = await appliance.twinlock(...rotate, '--json');
  t.regex((JSON.parse(stdout) as { generation: string }).generation, /^[\da-f]{32}$/);
  for (const line of stderr.trim().split('\n')) {
    t.like(JSON.parse(line), { progress: { what: 'wrapping key', of: 30 } });
  }
});

test('so do backup and restore, which say how far the node is', async (t) => {
  t.timeout(300_000);
  const appliance = await startAppliance(t);
  const client = new KmipClient(appliance);
  for (let i = 0; i < 128; i++) await client.createAll(32);
  client.end();
  const at = (...words: string[]): ReturnType<typeof atTerminal> =>
    atTerminal([script, '--state', appliance.state, ...words], []);
  const file = appliance.file('a.backup');
  const made = await at('backup', 'create', '--to', file);
  t.is(made.code, 0, made.shown);
  t.regex(made.shown, /(writing|reading back) the backup \[#*\.*\] \d+ of \d{4}/);
  t.regex(made.shown, /is made and was read back: 4096 keys, .*\r\n$/);
  const restored = await at('restore', file);
  t.is(restored.code, 0, restored.shown);
  t.regex(restored.shown, /(reading|taking in) the backup \[#*\.*\] \d+ of \d{4}/);
  const { stdout } = await appliance.twinlock('status', '--json');
  const { backup } = JSON.parse(stdout) as { backup: object };
  t.false('work' in backup, 'over');
});
