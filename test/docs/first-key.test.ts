import { createServer } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readmePath, willInstall } from '../first-key/path.ts';
import { command } from '../harness/appliance.ts';

const root = join(import.meta.dirname, '..', '..');
const main = join(root, 'test', 'first-key', 'main.ts');

/** Whether what the README serves at may be had: in a network of its own, or in this one. */
async function isFree(): Promise<boolean> {
  const own = [...(process.getuid?.() === 0 ? [] : ['--map-root-user']), '--net'];
  if ((await command('unshare', [...own, 'ip', 'link', 'set', 'lo', 'up'])).code === 0) return true;
  return new Promise((resolve) => {
    const server = createServer().once('error', () => {
      resolve(false);
    });
    server.listen(5696, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

test('what the README has a new user type leads to a key at both nodes', async (t) => {
  t.timeout(300_000);
  const { steps, seen } = readmePath(root);
  t.is(seen.length, 2);
  t.is(steps.length, 2);
  t.true(
    readFileSync(join(root, 'README.md'), 'utf8').includes(`That were ${steps.length} steps`),
    'the README says how many there are',
  );
  if (willInstall(root) || !(await isFree())) {
    const why = willInstall(root) ? 'packages would be installed anew' : 'port 5696 is taken';
    console.log(`skipped: ${why}: the README’s path`);
    t.pass();
    return;
  }
  const { code, stdout, stderr } = await command(process.execPath, [main]);
  t.is(code, 0, stdout + stderr);
  t.regex(stdout, /made +AES-256 key \S+ at 127\.0\.0\.1:5696\n/);
  t.regex(stdout, /fetched +32 bytes at 127\.0\.0\.1:5696\n/);
  t.regex(stdout, /fetched +the same 32 bytes at 127\.0\.0\.2:5696\n/);
  t.regex(stdout, /\n2 steps, [\d.]+ s from the first command to the first key\n$/);
});

test('a first key where nobody serves fails in two lines', async (t) => {
  const firstKey = join(root, 'scripts', 'first-key');
  for (const words of [[], [join(root, 'nowhere'), '127.0.0.1:1']]) {
    const { code, stdout, stderr } = await command(firstKey, words);
    t.is(code, 1);
    t.is(stdout, '');
    t.regex(stderr, /^error: .+\nhint: .+\n$/);
  }
});
