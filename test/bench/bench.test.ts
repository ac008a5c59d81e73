import { join } from 'node:path';
import test from 'ava';
import { whyNoPykmip } from '../../bench/peer.ts';
import { command } from '../harness/appliance.ts';

test('the bench measures the appliance beside its ceilings in one run', async (t) => {
  t.timeout(120_000);
  const main = join(import.meta.dirname, '..', '..', 'bench', 'main.ts');
  const options = ['--rounds', '1', '--seconds', '0.2', '--token', 'softhsm'];
  const { code, stdout, stderr } = await command(process.execPath, [main, ...options]);
  t.is(code, 0, stderr);
  const tables = stdout.split('### ').slice(1);
  t.is(tables.length, 4);
  const servers = ['Twinlock', 'Node TLS echo', ...(whyNoPykmip() === undefined ? ['PyKMIP'] : [])];
  for (const text of tables) {
    const rows = text
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .slice(2);
    t.deepEqual(
      rows.map((row) => row.split(' | ')[0]?.slice(2)),
      servers,
    );
    for (const row of rows) t.regex(row, /\| 1\.0 \[|\| \d[\d.]* \[/);
  }
});
