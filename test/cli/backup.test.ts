import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { command, startAppliance } from '../harness/appliance.ts';
import type { Ended } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';

const twinlock = join(import.meta.dirname, '..', '..', 'scripts', 'twinlock');

test('backup: create, verify, list; restore; and what each refuses', async (t) => {
  t.timeout(120_000);
  const appliance = await startAppliance(t);
  const client = new KmipClient(appliance);
  const id = await client.create();
  const key = await client.get(id);
  const folder = appliance.file('away');
  mkdirSync(folder);
  const json = async (...parameters: readonly string[]): Promise<Record<string, unknown>> => {
    const { code, stdout, stderr } = await appliance.twinlock(...parameters, '--json');
    t.is(code, 0, stderr);
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  const fails = async (code: number, ...parameters: readonly string[]): Promise<Ended> => {
    const ended = await appliance.twinlock(...parameters);
    t.is(ended.code, code, `${parameters.join(' ')}: ${ended.stderr}`);
    t.regex(ended.stderr, /^error: .+\nhint: .+\n$/);
    t.is(ended.stdout, '');
    return ended;
  };
  t.like(await json('status'), { backup: { verified: null, failed: null, everyHours: null } });
  const made = await json('backup', 'create', '--to', folder);
  t.like(made, { keys: 1, absent: 0, deleted: [] });
  const file = String(made['file']);
  t.like(await json('status'), { backup: { verified: { file, keys: 1 }, failed: null } });
  t.like(await json('backup', 'verify', file), { keys: 1, records: made['records'] });
  const { backups } = await json('backup', 'list', folder);
  t.like(backups, [{ file, bytes: made['bytes'] }]);
  t.like(await json('restore', file), { added: 0, fresh: false, missing: [] });

  // For a program: bytes on standard output, and nothing else.
  const piped = appliance.file('piped');
  const state = `--state '${appliance.state}'`;
  const shell = `'${twinlock}' ${state} backup create --to - > '${piped}' &&
    '${twinlock}' ${state} backup verify - --json < '${piped}'`;
  const program = await command('sh', ['-c', shell]);
  t.is(program.code, 0, program.stderr);
  t.like(JSON.parse(program.stdout), { keys: 1 });

  await fails(3, 'backup', 'create');
  await fails(3, 'backup', 'create', '--to', file);
  await fails(3, 'backup', 'create', '--to', appliance.file('no-such-folder', 'file'));
  await fails(3, 'backup', 'list', appliance.file('no-such-folder'));
  await fails(2, 'backup', 'verify', appliance.file('no-such-file'));
  await fails(2, 'backup', 'verify', twinlock);
  await fails(2, 'restore', twinlock);
  await fails(2, 'restore', appliance.file('no-such-file'));
  const cut = appliance.file('cut');
  const { stdout } = await command('sh', ['-c', `head -c -1 '${piped}' > '${cut}'`]);
  t.is(stdout, '');
  t.regex((await fails(3, 'restore', cut)).stderr, /damaged/);
  // A path that was mistyped is no backup that failed.
  t.like(await json('status'), { state: 'SERVING', backup: { failed: null } });
  writeFileSync(cut, 'TWLKBKP\u0002 of a later version');
  t.regex((await fails(2, 'restore', cut)).stderr, /later version/);
  t.is((await json('backup', 'create', '--to', folder))['keys'], 1);
  t.like(await json('status'), { state: 'SERVING', backup: { failed: null } });

  const stranger = await startAppliance(t);
  const foreign = await stranger.twinlock('restore', piped);
  t.is(foreign.code, 3, foreign.stderr);
  t.regex(foreign.stderr, /of the cluster .+\nhint: /);
  t.is(await client.get(id), key);
  client.end();
});
