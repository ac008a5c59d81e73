import { join } from 'node:path';
import test from 'ava';
import { command } from '../harness/appliance.ts';
import type { Ended, RunningAppliance } from '../harness/appliance.ts';
import { startPair } from '../harness/pair.ts';

const program = join(import.meta.dirname, '..', '..', 'appliance', 'service', 'serving.ts');

const asked = (node: RunningAppliance, ...words: readonly string[]): Promise<Ended> => {
  const socket = ['--socket', node.file('run', 'admin.sock')];
  return command(process.execPath, [program, ...socket, ...words]);
};

test('a node is well while it serves and its peer is in step, or says why not', async (t) => {
  t.timeout(240_000);
  const { a, b } = await startPair(t);
  const well = await asked(a);
  t.is(well.code, 0, well.stderr);
  t.is((await asked(a, '--within', '60')).code, 0);

  b.signal('server', 'SIGSTOP');
  t.teardown(() => {
    b.signal('server', 'SIGCONT');
  });
  const hung = await asked(b, '--within', '0');
  t.is(hung.code, 1);
  t.regex(hung.stderr, /^error: .+\nhint: mend that first/);
  let alone = await asked(a, '--within', '0');
  while (alone.code === 0) alone = await asked(a, '--within', '0');
  t.regex(alone.stderr, /^error: the node \S+ is (away|slow|unable), \d+ records behind\nhint: /);
  b.signal('server', 'SIGCONT');
  t.is((await asked(a, '--within', '120')).code, 0);
  t.is((await asked(a, '--within', 'soon')).code, 2);
});
