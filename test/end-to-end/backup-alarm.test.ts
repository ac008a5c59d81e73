import { appendFileSync, closeSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { readFileSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import {
  command,
  removeFolder,
  startAppliance,
  temporaryFolder,
  until,
} from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { buildFaultySystem, FaultySystem } from '../harness/faulty-system.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { json } from '../harness/pairing.ts';

const twoLines = /^error: .+\nhint: .+\n$/;
const day = 86_400;

const probe = temporaryFolder();
const mount = (folder: string): ReturnType<typeof command> =>
  command('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', folder]);
const mounts = (await mount(probe)).code === 0;
if (mounts) await command('umount', [probe]);
else console.log('skipped: no file system can be mounted here, so no disk can be filled');
removeFolder(probe);

interface Status {
  readonly state: string;
  readonly warnings: readonly string[];
  readonly backup: {
    readonly verified: { readonly file: string; readonly seconds: number } | null;
    readonly failed: { readonly reason: string } | null;
  };
}

const statusOf = (node: RunningAppliance): Promise<Status> => json<Status>(node, 'status');

async function warningsOf(node: RunningAppliance): Promise<string[]> {
  return (await statusOf(node)).warnings.filter((each) => each.includes('backup'));
}

function temporary(t: ExecutionContext): string {
  const folder = temporaryFolder();
  t.teardown(() => {
    removeFolder(folder);
  });
  return folder;
}

/** Has the server answer metrics from its next start on, which is now; gives how to ask. */
async function withMetrics(node: RunningAppliance): Promise<(name: string) => Promise<number>> {
  appendFileSync(node.file('twinlock.toml'), '\n[metrics]\nlisten = "127.0.0.1:0"\n');
  node.signal('server', 'SIGKILL');
  const port = (): string | undefined =>
    /"port":(\d+)[^\n]*metrics are answered/.exec(node.read('log', 'server.log'))?.[1];
  await until('metrics are answered', () => port() !== undefined);
  return async (name) => {
    const answer = await fetch(`http://127.0.0.1:${port() ?? ''}/metrics`);
    const line = (await answer.text()).split('\n').find((each) => each.startsWith(`${name} `));
    return Number(line?.split(' ')[1]);
  };
}

test('how old the last backup is, is on the status, in the metrics, and an alarm', async (t) => {
  t.timeout(180_000);
  const folder = temporary(t);
  const system = new FaultySystem(buildFaultySystem(folder), join(folder, 'orders'));
  const node = await startAppliance(t, { environment: system.environment });
  const client = new KmipClient(node);
  await client.create();
  client.end();
  const metric = await withMetrics(node);
  await until('it serves', async () => (await statusOf(node)).state === 'SERVING');
  t.deepEqual(await warningsOf(node), []);
  t.is(await metric('twinlock_backup_age_seconds'), Number.NaN);
  // Without a schedule somebody has to think of it: eight days.
  system.order({ ahead: 9 * day });
  t.deepEqual(await warningsOf(node), ['no backup was ever made: twinlock backup create']);
  t.is((await statusOf(node)).state, 'DEGRADED');

  const backups = temporary(t);
  const create = (): ReturnType<typeof node.twinlock> =>
    node.twinlock('backup', 'create', '--to', backups);
  t.is((await create()).code, 0);
  t.deepEqual(await warningsOf(node), []);
  system.order({ ahead: 16 * day });
  t.deepEqual(await warningsOf(node), []);
  system.order({ ahead: 18 * day });
  t.deepEqual(await warningsOf(node), [
    'the last backup that was read back is too old: twinlock backup create',
  ]);
  const { verified } = (await statusOf(node)).backup;
  t.true((verified?.seconds ?? 0) >= 9 * day && (verified?.seconds ?? 0) < 10 * day);
  const age = await metric('twinlock_backup_age_seconds');
  t.true(age >= 9 * day && age < 10 * day);
  t.is((await create()).code, 0);
  t.deepEqual(await warningsOf(node), []);
  t.true((await metric('twinlock_backup_age_seconds')) < day);
});

/** Takes the space that is left; gives how to give it back. */
function fill(folder: string): () => void {
  const path = join(folder, 'filling');
  const file = openSync(path, 'a');
  try {
    for (const chunk = Buffer.alloc(4096, 1); ;) if (writeSync(file, chunk) < 4096) break;
  } catch {
    // This is what full means.
  }
  closeSync(file);
  return () => {
    rmSync(path);
  };
}

(mounts ? test : test.skip)('a full disk leaves no half backup, and is an alarm', async (t) => {
  t.timeout(180_000);
  const disk = temporary(t);
  t.is((await mount(disk)).code, 0);
  t.teardown(async () => {
    await command('umount', ['-l', disk]);
  });
  const node = await startAppliance(t);
  const client = new KmipClient(node);
  for (let i = 0; i < 15; i++) await client.createAll(100);
  const metric = await withMetrics(node);
  const folder = join(disk, 'backups');
  mkdirSync(folder);
  const create = (): ReturnType<typeof node.twinlock> =>
    node.twinlock('backup', 'create', '--to', folder);
  const refused = async (how: string, creating = create()): Promise<void> => {
    const { code, stderr } = await creating;
    t.is(code, 3, how);
    t.regex(stderr, twoLines, how);
    t.regex(stderr, /room|full/, how);
    t.deepEqual(readdirSync(folder), [], how);
    t.deepEqual(await warningsOf(node), [
      'the last backup failed (no-room): twinlock backup create',
    ]);
    t.is((await statusOf(node)).backup.failed?.reason, 'no-room');
    t.is(await metric('twinlock_backup_failed'), 1, how);
  };
  const free = fill(disk);
  t.is(statfsSync(disk).bavail, 0);
  await refused('full before it begins');
  free();

  // It begins while there is room, and somebody else takes that.
  let empty = (): void => undefined;
  for (let tries = 0; ; tries++) {
    const course = { over: false };
    const creating = create().finally(() => (course.over = true));
    const begun = (): boolean => readdirSync(folder).length > 0;
    while (!begun() && !course.over) await new Promise((resolve) => setImmediate(resolve));
    empty = fill(disk);
    const { code } = await creating;
    if (code !== 0) {
      await refused('full amid its writing', creating);
      break;
    }
    // It was faster than that: once more.
    empty();
    t.true(tries < 20);
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
  }
  const [id = ''] = await client.createAll(1);
  t.is((await client.get(id)).length, 64, 'clients notice nothing');
  empty();

  const made = await create();
  t.is(made.code, 0, made.stderr);
  const [name = '', ...others] = readdirSync(folder);
  t.deepEqual(others, []);
  t.is((await node.twinlock('backup', 'verify', join(folder, name))).code, 0);
  t.deepEqual(await warningsOf(node), []);
  t.is(await metric('twinlock_backup_failed'), 0);
  t.is(readFileSync(join(folder, name)).subarray(0, 7).toString(), 'TWLKBKP');
  client.end();
});
