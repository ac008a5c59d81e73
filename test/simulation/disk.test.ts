import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { removeFolder, temporaryFolder } from '../harness/appliance.ts';
import { behindPowerCut, compilePowerCut } from '../harness/power-cut.ts';

const folder = temporaryFolder();
const library = compilePowerCut(folder);

test.after.always(() => {
  removeFolder(folder);
});

async function hold(name: string): Promise<string> {
  const env = behindPowerCut(library, join(folder, name));
  const script = join(import.meta.dirname, 'disk-case.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script, name], { env });
  return stdout;
}

test('what was answered was flushed: a power cut does not take it', async (t) => {
  t.is(await hold('answered'), 'held');
});

test('a node that starts on a full disk serves the keys it has', async (t) => {
  t.is(await hold('full'), 'held');
});

test('what is answered after a failed flush and a restart survives a power cut', async (t) => {
  t.is(await hold('failed'), 'held');
});

test('while the bytes of a failed flush cannot be written, a node only reads', async (t) => {
  t.is(await hold('stuck'), 'held');
});
