import test from 'ava';
import { startAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';

interface Entry {
  readonly seq: number;
  readonly actor: string;
  readonly act: string;
  readonly object?: string;
  readonly outcome: string;
}

test('audit: verify, export, tail', async (t) => {
  const appliance = await startAppliance(t);
  const client = new KmipClient(appliance);
  const id = await client.create();
  await client.get(id);
  await t.throwsAsync(client.get('00000000-0000-4000-8000-000000000000'));
  client.end();
  const lines = async (...parameters: string[]): Promise<Entry[]> => {
    const { stdout } = await appliance.twinlock('audit', ...parameters);
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Entry);
  };
  const said = (entries: readonly Entry[], act: string, outcome: string): boolean =>
    entries.some(
      (entry) => entry.act === act && entry.outcome === outcome && entry.actor === 'client:client',
    );
  let entries: Entry[] = [];
  do entries = await lines('tail', '--json', '--lines', '100');
  while (!said(entries, 'Get', 'failed') && !said(entries, 'Get', 'denied'));
  t.true(said(entries, 'Create', 'success'));
  t.true(entries.some(({ act, object }) => act === 'Get' && object === id));

  const exported = await lines('export');
  t.deepEqual(exported.slice(0, entries.length), entries);
  const two = await lines('export', '--from', '2', '--to', '3');
  t.deepEqual(
    two.map(({ seq }) => seq),
    [2, 3],
  );
  const { stdout: csv } = await appliance.twinlock('audit', 'export', '--format', 'csv');
  t.true(csv.startsWith('seq,time,actor,act,object,outcome,reason,request,hash\n1,'));

  const verified = await appliance.twinlock('audit', 'verify', '--json');
  t.is(verified.code, 0);
  t.true((JSON.parse(verified.stdout) as { entries: number }).entries >= entries.length);

  for (const wrong of [
    ['export', '--format', 'xml'],
    ['export', '--from', 'x'],
    ['tail', '--lines', '-1'],
    ['verify', 'more'],
  ]) {
    const ended = await appliance.twinlock('audit', ...wrong);
    t.is(ended.code, 2, wrong.join(' '));
    t.regex(ended.stderr, /^error: .+\nhint: .+\n$/);
  }
});
