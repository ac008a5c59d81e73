import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { launch, removeFolder, RunningAppliance, startAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';

for (const token of ['tpm', 'softhsm'] as const) {
  test(`a lost ${token} loses no key: three shares move them to a new one`, async (t) => {
    t.timeout(180_000);
    const first = await startAppliance(t, { token });
    const client = new KmipClient(first);
    const keys = new Map<string, string>();
    for (let i = 0; i < 50; i++) {
      const id = await client.create();
      keys.set(id, await client.get(id));
    }
    client.end();
    t.regex((await first.twinlock('status')).stdout, /recovery +3 of 5 shares, proven/);
    t.is(readdirSync(first.file('trial-shares')).length, 5);
    await first.stop();
    for (const folder of ['token', 'tpm']) removeFolder(first.file(folder));
    // Two shares went with the token.
    for (const share of ['share-1', 'share-4']) removeFolder(first.file('trial-shares', share));

    const options = ['--state', first.state, '--token', token, '--listen', '127.0.0.1:0'];
    const started = launch([...options, '--new-token']);
    t.teardown(async () => {
      started.child.kill('SIGTERM');
      await started.ended;
    });
    const ready = await Promise.race([started.ready, started.ended]);
    if (typeof ready !== 'string') throw new Error(ready.stderr);
    const second = new RunningAppliance(first.state, ready, started.child, started.ended);
    const reader = new KmipClient(second);
    for (const [id, key] of keys) t.is(await reader.get(id), key);
    t.is((await reader.create()).length, 36);
    reader.end();
    await second.stop();
    const third = await startAppliance(t, { token, state: first.state });
    const last = new KmipClient(third);
    for (const [id, key] of keys) t.is(await last.get(id), key);
    last.end();
  });
}

test('recovery: create, prove, restore, and what each refuses', async (t) => {
  t.timeout(120_000);
  const appliance = await startAppliance(t);
  const out = appliance.file('shares');
  const run = (...parameters: string[]): ReturnType<RunningAppliance['twinlock']> =>
    appliance.twinlock('recovery', ...parameters);
  const made = await run('create', '--threshold', '2', '--shares', '3', '--out', out, '--json');
  t.is(made.code, 0, made.stderr);
  t.deepEqual(JSON.parse(made.stdout), { threshold: 2, files: 3, folder: out });
  const share = (i: number): string => appliance.file('shares', `share-${i}`);
  const status = await appliance.twinlock('status');
  t.regex(status.stdout, /DEGRADED[\s\S]*2 of 3 shares, not yet proven/);
  const fails = async (code: number, ...parameters: string[]): Promise<void> => {
    const ended = await run(...parameters);
    t.is(ended.code, code, ended.stderr);
    t.regex(ended.stderr, /^error: .+\nhint: .+\n$/);
  };
  await fails(2, 'create', '--threshold', '9', '--shares', '3');
  await fails(3, 'create', '--out', out);
  await fails(2, 'prove', share(1));
  await fails(2, 'prove', share(1), appliance.file('trial-shares', 'share-1'));
  await fails(2, 'prove', share(1), share(1));
  const words = readFileSync(share(1), 'utf8');
  const mistyped = appliance.file('mistyped');
  for (const [wrong, what] of [
    [words.replace(/(?<=\s)5 [a-z]+/, '5 qqqq'), 'word 5 is not one of the list'],
    [words.replace(/(?<=\s)5 [a-z]+/, '5 zoo'), 'word 5 is not the one that was written down'],
  ] as const) {
    writeFileSync(mistyped, wrong);
    const { stderr } = await run('prove', mistyped, share(2));
    t.true(stderr.startsWith(`error: ${mistyped}: ${what}\nhint: `), stderr);
  }
  const sheets = readdirSync(out).filter((name) => name.endsWith('.html'));
  t.deepEqual(sheets, ['share-1.html', 'share-2.html', 'share-3.html']);
  for (const name of readdirSync(out)) t.is(statSync(join(out, name)).mode & 0o777, 0o600, name);
  await fails(2, 'prove', appliance.file('no-such-share'));
  await fails(3, 'restore', share(1), share(2));
  const proven = await run('prove', share(3), share(1), '--json');
  t.deepEqual(JSON.parse(proven.stdout), { proven: true });
  t.regex((await appliance.twinlock('status')).stdout, /2 of 3 shares, proven/);
});
