import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { answerOf } from '../harness/answer.ts';
import { startAppliance, temporaryFolder, removeFolder, until } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { json } from '../harness/pairing.ts';

const twoLines = /^error: .+\nhint: .+\n$/;

async function warningsOf(node: RunningAppliance): Promise<readonly string[]> {
  return (await json<{ warnings: readonly string[] }>(node, 'status')).warnings;
}

const isOld = (warning: string): boolean => warning.startsWith('an older database was put back');

/** Puts the file there and nothing besides, as somebody does who means well. */
function putBack(state: string, image: string): void {
  const path = join(state, 'server', 'keystore.db');
  for (const file of [`${path}-wal`, `${path}-shm`]) rmSync(file, { force: true });
  copyFileSync(image, path);
}

test('a lone node notices an old database, only reads, and heals by a backup', async (t) => {
  t.timeout(290_000);
  const first = await startAppliance(t);
  const { state } = first;
  const away = temporaryFolder();
  t.teardown(() => {
    removeFolder(away);
  });
  const begun = new KmipClient(first);
  const early = await begun.create();
  const secret = await begun.get(early);
  begun.end();
  await first.stop();
  const image = join(away, 'keystore.db');
  copyFileSync(join(state, 'server', 'keystore.db'), image);

  const second = await startAppliance(t, { state });
  const client = new KmipClient(second);
  const late = await client.create();
  const key = await client.get(late);
  client.end();
  const backup = join(away, 'late.backup');
  t.is((await second.twinlock('backup', 'create', '--to', backup)).code, 0);
  t.is((await second.twinlock('database', 'accept-loss', '--yes')).code, 3);
  await second.stop();
  putBack(state, image);

  const third = await startAppliance(t, { state });
  const reader = new KmipClient(third);
  t.is(await reader.get(early), secret);
  await t.throwsAsync(reader.get(late));
  await t.throwsAsync(reader.create(), { message: /refused/ });
  t.true((await warningsOf(third)).some(isOld));
  // It stays so through a start: the file that tells of it is not written over.
  third.signal('server', 'SIGKILL');
  await until('it says so again', async () => {
    const { code, stdout } = await third.twinlock('status');
    return code === 0 && stdout.includes('an older database was put back');
  });
  const restored = await third.twinlock('restore', backup, '--json');
  t.is(restored.code, 0, restored.stderr);
  await until('it makes keys again', async () => !(await warningsOf(third)).some(isOld));
  t.is(await reader.insist(() => reader.get(late)), key);
  t.is((await reader.create()).length, 36);
  reader.end();
  await third.stop();
  putBack(state, image);

  const fourth = await startAppliance(t, { state });
  t.true((await warningsOf(fourth)).some(isOld));
  const unsure = await fourth.twinlock('database', 'accept-loss');
  t.is(unsure.code, 3);
  t.regex(unsure.stderr, twoLines);
  const accept = await fourth.twinlock('database', 'accept-loss', '--yes', '--json');
  t.deepEqual(answerOf('database accept-loss', accept), { accepted: true });
  t.false((await warningsOf(fourth)).some(isOld));
  const last = new KmipClient(fourth);
  t.is((await last.create()).length, 36);
  t.is(await last.get(early), secret);
  last.end();
});
