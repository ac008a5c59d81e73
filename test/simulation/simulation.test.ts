import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';

const main = join(import.meta.dirname, 'main.ts');

async function simulate(...options: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...options]);
  return stdout;
}

/** A taste of `npm run simulate`, which `scripts/test` runs over two thousand seeds. */
test('pairs under every trouble lose nothing and come together again', async (t) => {
  const said = await simulate('--seeds', '16', '--from', '1000001');
  t.regex(said, /^16 seeds from 1000001: \d{3,} keys answered/);
  t.regex(said, /nothing lost, nothing wrong, nothing divergent, nothing resurrected\n$/);
});

test('a seed is the same run again: every message, every flush, every word', async (t) => {
  const traces = async (): Promise<string[]> => {
    const said = await simulate('--seeds', '6', '--from', '70', '--traces');
    return said
      .split('\n')
      .filter((line) => line.startsWith('seed '))
      .sort();
  };
  const once = await traces();
  t.is(once.length, 6);
  t.true(once.every((line) => /^seed \d+: [0-9a-f]{64}$/.test(line)));
  t.deepEqual(await traces(), once);
});
