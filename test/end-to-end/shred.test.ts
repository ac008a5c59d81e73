import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { removeFolder, startAppliance, temporaryFolder, until } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { atTerminal } from '../harness/terminal.ts';

const script = join(import.meta.dirname, '..', '..', 'scripts', 'twinlock');

function refuses({ host, port }: RunningAppliance): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => {
      resolve(true);
    });
  });
}

async function isShredded(appliance: RunningAppliance): Promise<boolean> {
  const { stdout } = await appliance.twinlock('status');
  return stdout.startsWith('SHREDDED') && !stdout.includes('still in tokens');
}

test('with the cluster’s name typed nothing is served, and what to do is said', async (t) => {
  t.timeout(120_000);
  const appliance = await startAppliance(t, { more: ['--second-token', 'softhsm'] });
  const client = new KmipClient(appliance);
  const id = await client.create();
  const key = await client.get(id);
  t.is((await appliance.twinlock('root', 'rotate', '--token', 'second')).code, 0);
  const backup = appliance.file('a.backup');
  t.is((await appliance.twinlock('backup', 'create', '--to', backup)).code, 0);

  const held = (await appliance.twinlock('holders')).stdout;
  t.regex(held, /^root key +[\da-f]+ in second \(SoftHSM, ready\), in use$/m);
  t.regex(held, /^root key +[\da-f]+ in primary \(.*\), rotated away$/m);
  t.regex(held, /^recovery +any 3 of the 5 shares of set/m);
  const name = /^cluster +(\S+)$/m.exec(held)?.[1] ?? '';
  const words = [script, '--state', appliance.state, 'shred'];
  const wrong = await atTerminal(words, [[/name in full: /, name.slice(0, -1)]]);
  t.is(wrong.code, 3);
  t.regex(wrong.shown, /error: that is not the cluster’s name\r\nhint: nothing was changed/);
  t.is((await appliance.twinlock('shred')).code, 3);
  t.is(await client.get(id), key);

  const right = await atTerminal(words, [[/name in full: /, name]]);
  t.is(right.code, 0, right.shown);
  for (const what of [/destroy the shares/, /every backup/, /re-key in vCenter/, /SoftHSM/]) {
    t.regex(right.shown, what);
  }
  await until('the server says what it is', () => isShredded(appliance));
  await until('KMIP’s port is closed', () => refuses(appliance));
  t.false(existsSync(appliance.file('keeper', 'slots.a')));
  client.end();
  await appliance.stop();
  await t.throwsAsync(startAppliance(t, { state: appliance.state }), {
    message: /ended with 23: error: every key of this node was destroyed/,
  });
});

test('a keeper that is killed while it shreds goes on by itself', async (t) => {
  t.timeout(180_000);
  for (const role of ['keeper', 'token'] as const) {
    const appliance = await startAppliance(t);
    const client = new KmipClient(appliance);
    await client.create();
    client.end();
    const { name } = JSON.parse((await appliance.twinlock('holders', '--json')).stdout) as {
      name: string;
    };
    const shredding = appliance.twinlock('shred', '--name', name, '--json');
    await until('the order is given', () => existsSync(appliance.file('keeper', 'shredded')));
    appliance.signal(role, 'SIGKILL');
    await shredding;
    await until('it is done', () => isShredded(appliance));
    t.false(existsSync(appliance.file('keeper', 'slots.a')));
    const order = JSON.parse(readFileSync(appliance.file('keeper', 'shredded'), 'utf8')) as {
      left: unknown[];
    };
    t.deepEqual(order.left, []);
    await appliance.stop();
  }
});

test('an old copy of a TPM’s store and of the disk opens nothing after shred', async (t) => {
  t.timeout(180_000);
  const state = temporaryFolder();
  const copy = temporaryFolder();
  t.teardown(() => {
    removeFolder(state);
    removeFolder(copy);
  });
  const appliance = await startAppliance(t, { token: 'tpm', state });
  const client = new KmipClient(appliance);
  const id = await client.create();
  const key = await client.get(id);
  const whole = ['keeper', 'server', 'token'];
  await appliance.stop();
  for (const folder of whole) cpSync(join(state, folder), join(copy, folder), { recursive: true });
  const putBack = (): void => {
    for (const folder of whole) {
      rmSync(join(state, folder), { recursive: true });
      cpSync(join(copy, folder), join(state, folder), { recursive: true });
    }
  };

  // The copy is good: with the same TPM it gives the key.
  putBack();
  const again = await startAppliance(t, { token: 'tpm', state });
  const reader = new KmipClient(again);
  t.is(await reader.get(id), key);
  reader.end();
  client.end();
  const { name } = JSON.parse((await again.twinlock('holders', '--json')).stdout) as {
    name: string;
  };
  const { code, stdout } = await again.twinlock('shred', '--name', name);
  t.is(code, 0);
  t.regex(stdout, /^- primary is cleared: a disk that it opened needs its recovery key$/m);
  t.notRegex(stdout, /an old copy of its store/);
  await again.stop();

  putBack();
  await t.throwsAsync(startAppliance(t, { token: 'tpm', state }), {
    message: /^the appliance ended with (12|13|21): error: .*\nhint: /s,
  });
});
