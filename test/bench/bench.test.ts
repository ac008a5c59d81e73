import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { whyNoPykmip } from '../../bench/peer.ts';
import { command, removeFolder, temporaryFolder } from '../harness/appliance.ts';

test('the bench measures the appliance beside its ceilings in one run', async (t) => {
  t.timeout(280_000);
  const main = join(import.meta.dirname, '..', '..', 'bench', 'main.ts');
  const options = [
    ...['--rounds', '1', '--seconds', '0.2', '--token', 'softhsm', '--keys', '500'],
    ...['--hosts', '100', '--part', 'servers,pair,rotation'],
  ];
  const { code, stdout, stderr } = await command(process.execPath, [main, ...options]);
  t.is(code, 0, stderr);
  const tables = stdout.split('### ').slice(1);
  const namesIn = (text: string): string[] =>
    text
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .slice(2)
      .map((row) => {
        t.regex(row, /\| 1\.0 \[|\| \d[\d.]* \[/);
        return row.split(' | ')[0]?.slice(2) ?? '';
      });
  const servers = ['Twinlock', 'Node TLS echo', ...(whyNoPykmip() === undefined ? ['PyKMIP'] : [])];
  const [rotation = '', ...others] = tables;
  t.regex(rotation, /^Get while 500 keys are sealed anew/);
  t.deepEqual(namesIn(rotation), ['meanwhile', 'quiet']);
  t.regex(rotation, /^Get p99 beside quiet: \d+\.\d\d; no Get without its key/m);
  for (const text of others.slice(0, 6)) t.deepEqual(namesIn(text), servers);
  const copies = ['two nodes', 'one node', '4 KiB written and flushed'];
  for (const text of others.slice(6, 9)) t.deepEqual(namesIn(text), copies);
  t.is(namesIn(others[9] ?? '').length, 4);
  t.is(tables.length, 11);
});

test('the bench measures whose time it is, abuse, and many keys beside few', async (t) => {
  t.timeout(280_000);
  const folder = temporaryFolder();
  t.teardown(() => {
    removeFolder(folder);
  });
  const main = join(import.meta.dirname, '..', '..', 'bench', 'main.ts');
  const { code, stdout, stderr } = await command(process.execPath, [
    ...[main, '--rounds', '1', '--seconds', '0.2', '--token', 'softhsm', '--silent', '100'],
    ...['--few', '200', '--many', '1000', '--part', 'keeper,abuse,scale', '--out', folder],
  ]);
  t.is(code, 0, stderr);
  t.is(stdout.split('### ').length - 1, 7);
  t.regex(stdout, /^\| beside handshakes of strangers \| \d/m);
  t.regex(stdout, /^1000 keys: \d+ MiB, -?\d+ KiB for an idle connection$/m);
  t.is(readFileSync(join(folder, 'results.md'), 'utf8').split('### ').length - 1, 7);
  t.regex(readFileSync(join(folder, 'results.svg'), 'utf8'), /^<svg [^]*<rect[^]*<\/svg>\n$/);
});
