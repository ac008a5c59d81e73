import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { command, removeFolder, temporaryFolder, until } from '../harness/appliance.ts';

const root = join(import.meta.dirname, '..', '..');

test('a server without an open keeper says so, and refuses what needs a key', async (t) => {
  const state = temporaryFolder();
  const run = join(state, 'run');
  mkdirSync(run);
  const configuration = join(state, 'twinlock.toml');
  const lines = [`state = "${state}"`, `run = "${run}"`, '[token]', 'module = "none"'];
  writeFileSync(configuration, [...lines, 'label = "none"', '[keeper]', '[server]'].join('\n'));
  const service = (name: string): string[] => [
    join(root, 'appliance', 'service', `${name}.ts`),
    ...['--configuration', configuration, '--with-parent'],
  ];
  const start = (name: string): void => {
    const child = spawn(process.execPath, service(name), { stdio: ['pipe', 'ignore', 'ignore'] });
    t.teardown(() => child.kill());
  };
  t.teardown(() => {
    removeFolder(state);
  });
  const twinlock = (...parameters: string[]): ReturnType<typeof command> =>
    command(join(root, 'scripts', 'twinlock'), ['--state', state, ...parameters]);
  start('server');
  await until('the admin API is there', async () => (await twinlock('status')).code === 0);
  start('keeper');
  await until('a keeper without slots is seen', async () =>
    (await twinlock('status')).stdout.startsWith('NOT CONFIGURED'),
  );
  const { stdout } = await twinlock('status', '--json');
  const status = JSON.parse(stdout) as Record<string, unknown>;
  t.like(status, { state: 'NOT CONFIGURED', keys: 0, clients: 0 });
  t.false('endpoint' in status);
  const refused = await twinlock('client', 'list');
  t.is(refused.code, 4);
  t.regex(refused.stderr, /^error: .+\nhint: .+\n$/);
});
