import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { command, launch, startAppliance, temporaryFolder, until } from '../harness/appliance.ts';
import { removeFolder } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';

const probe = temporaryFolder();
const mount = (folder: string): ReturnType<typeof command> =>
  command('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder]);
const mounts = (await mount(probe)).code === 0;
if (mounts) await command('umount', [probe]);
else console.log('skipped: no file system can be mounted here, so no disk can be filled');
removeFolder(probe);

/** Takes all the space that is left, to the last page. */
function fill(folder: string): void {
  const file = openSync(join(folder, 'filling'), 'a');
  for (const bytes of [1 << 16, 4096, 512]) {
    const chunk = Buffer.alloc(bytes, 1);
    try {
      for (;;) if (writeSync(file, chunk) < bytes) break;
    } catch {
      // This is what full means.
    }
  }
  closeSync(file);
}

(mounts ? test : test.skip)(
  'a full disk loses nothing that was answered, stops no Get, and mends by itself',
  async (t) => {
    t.timeout(180_000);
    const disk = temporaryFolder();
    t.is((await mount(disk)).code, 0);
    t.teardown(async () => {
      await command('umount', ['-l', disk]);
      removeFolder(disk);
    });
    const state = join(disk, 'state');
    mkdirSync(state);
    const appliance = await startAppliance(t, { state });
    const client = new KmipClient(appliance);
    const answered = new Map<string, string>();
    const keep = async (): Promise<void> => {
      const id = await client.create();
      answered.set(id, await client.get(id));
    };
    for (let i = 0; i < 20; i++) await keep();
    fill(disk);
    t.is(statfsSync(disk).bavail, 0);
    // The log before the database may still have room; sooner or later there is none.
    let refusal = '';
    for (let i = 0; i < 5000 && refusal === ''; i++) {
      await keep().catch((error: unknown) => {
        refusal = String(error);
      });
      fill(disk);
    }
    t.regex(refusal, /refused: 256/, 'General Failure, on a connection that goes on');
    for (const [id, key] of answered) t.is(await client.get(id), key);
    const status = await appliance.twinlock('status');
    t.regex(status.stdout, /DEGRADED[\s\S]*nothing can be stored/);

    rmSync(join(disk, 'filling'));
    await client.insist(keep);
    for (const [id, key] of answered) t.is(await client.insist(() => client.get(id)), key);
    client.end();
    await appliance.stop();

    const again = await startAppliance(t, { state });
    const after = new KmipClient(again);
    for (const [id, key] of answered) t.is(await after.get(id), key);
    after.end();
  },
);

(mounts ? test : test.skip)('a first start on a full disk says so in two lines', async (t) => {
  const disk = temporaryFolder();
  t.is((await mount(disk)).code, 0);
  t.teardown(async () => {
    await command('umount', ['-l', disk]);
    removeFolder(disk);
  });
  const state = join(disk, 'state');
  mkdirSync(state);
  fill(disk);
  const options = ['--state', state, '--token', 'softhsm', '--listen', '127.0.0.1:0'];
  const { code, stderr } = await launch(options).ended;
  t.is(code, 19, stderr);
  t.regex(stderr, /^error: .+\nhint: .+\n$/);
  await until('nothing half-made stands in the way', () => {
    rmSync(join(disk, 'filling'), { force: true });
    return statfsSync(disk).bavail > 0;
  });
  await startAppliance(t, { state });
});
