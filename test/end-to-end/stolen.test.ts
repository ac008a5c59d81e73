import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { launch, removeFolder, startAppliance, temporaryFolder } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';

/** One key in an appliance that was stopped, and a thief's folder for what was stolen of it. */
async function stolen(
  t: ExecutionContext,
  folders: readonly string[],
): Promise<{ thief: string; state: string; id: string; key: string }> {
  const [state, thief] = [temporaryFolder(), temporaryFolder()];
  t.teardown(() => {
    removeFolder(state);
    removeFolder(thief);
  });
  const appliance = await startAppliance(t, { token: 'tpm', state });
  const client = new KmipClient(appliance);
  const id = await client.create();
  const key = await client.get(id);
  client.end();
  await appliance.stop();
  for (const name of folders) {
    t.true(existsSync(join(state, name)), name);
    cpSync(join(state, name), join(thief, name), { recursive: true });
  }
  return { thief, state, id, key };
}

// The TPM is a chip on the board: its own state is in "tpm", the disk has all the rest.
const onDisk = ['keeper', 'server', 'token', 'trial-pin', 'client', 'log'];

test('a stolen disk alone opens nothing, with every file of it and its PIN', async (t) => {
  t.timeout(180_000);
  const { thief, state, id, key } = await stolen(t, onDisk);
  const options = ['--state', thief, '--token', 'tpm', '--listen', '127.0.0.1:0'];
  const { code, stdout, stderr } = await launch(options).ended;
  t.true([12, 13, 21].includes(code ?? 0), `${code} ${stderr}`);
  t.regex(stderr, /^error: .+\nhint: .+\n$/);
  t.notRegex(stdout, /READY/);
  // What was stolen lacked the chip alone: with it the owner has everything.
  const owner = await startAppliance(t, { token: 'tpm', state });
  const client = new KmipClient(owner);
  t.is(await client.get(id), key);
  client.end();
});

test('a stolen token alone, with its PIN, has no key of any client', async (t) => {
  t.timeout(180_000);
  const { thief, id } = await stolen(t, ['tpm', 'token', 'trial-pin']);
  const options = ['--state', thief, '--token', 'tpm', '--listen', '127.0.0.1:0'];
  const started = launch(options);
  t.teardown(async () => {
    started.child.kill('SIGTERM');
    await started.ended;
  });
  const first = await Promise.race([started.ready, started.ended]);
  // A box that takes the token for its own begins another cluster, and knows of no such key.
  if (typeof first !== 'string') {
    t.regex(first.stderr, /^error: .+\nhint: .+\n$/);
    return;
  }
  const [host = '', port = ''] = first.split(':');
  const file = (...parts: readonly string[]): string => join(thief, ...parts);
  const client = new KmipClient({ host, port: Number(port), file });
  await t.throwsAsync(client.get(id), { message: /^refused: / });
  client.end();
});
