import { mkdirSync, writeFileSync } from 'node:fs';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { removeFolder, temporaryFolder } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { waitFor } from '../torture/node.ts';
import type { Place } from '../torture/node.ts';
import { TorturedPair } from '../torture/pair.ts';

async function startPair(t: ExecutionContext): Promise<TorturedPair> {
  const folder = temporaryFolder();
  const pair = await TorturedPair.start(folder);
  t.teardown(async () => {
    await pair.stop();
    removeFolder(folder);
  });
  // The client that was made on one node is let in on the other with the same files.
  mkdirSync(pair.b.appliance.file('client'));
  writeFileSync(pair.b.appliance.file('client', 'cert.pem'), pair.credentials.cert);
  writeFileSync(pair.b.appliance.file('client', 'key.pem'), pair.credentials.key);
  return pair;
}

const peerOf = async (place: Place) => (await place.admin.peers()).peers[0];
const readsEnough = 20;

test('reads wait for nobody: not for a peer, not for a client that does', async (t) => {
  t.timeout(280_000);
  const pair = await startPair(t);
  const { a, b } = pair;
  const [creating, here, there] = [a, a, b].map(({ appliance }) => new KmipClient(appliance));
  if (creating === undefined || here === undefined || there === undefined) return;
  const id = await creating.create();
  const key = await creating.get(id);
  const faults: readonly (readonly [string, () => void, () => void])[] = [
    ['held', () => (a.proxy.weather = b.proxy.weather = { kind: 'held' }), fair],
    ['blackhole', () => (a.proxy.weather = b.proxy.weather = { kind: 'blackhole' }), fair],
    [
      'frozen',
      () => {
        b.signal(['server'], 'SIGSTOP');
      },
      () => {
        b.signal(['server'], 'SIGCONT');
      },
    ],
  ];
  function fair(): void {
    a.proxy.weather = b.proxy.weather = { kind: 'fair' };
  }
  for (const [name, begin, end] of faults) {
    // On a machine that is busy elsewhere a try may have no turn before the wait is over.
    let most = 0;
    for (let tries = 0; tries < 5 && most < readsEnough; tries++) {
      await pair.converged();
      begin();
      const course = { waits: true };
      const waiting = creating.create().finally(() => (course.waits = false));
      let read = 0;
      while (course.waits) {
        t.is(await here.get(id), key);
        if (name !== 'frozen') t.is(await there.get(id), key);
        read++;
      }
      t.is((await waiting).length, 36);
      end();
      // The last one may have been answered after the wait.
      most = Math.max(most, read - 1);
    }
    t.true(most >= readsEnough, `${name}: ${most} reads while a client waited`);
  }
  for (const client of [creating, here, there]) client.end();
});

test('a slow peer makes one client wait, and not every one after it', async (t) => {
  t.timeout(180_000);
  const pair = await startPair(t);
  const { a, b } = pair;
  const client = new KmipClient(a.appliance);
  await client.create();
  for (const { proxy } of [a, b]) proxy.weather = { kind: 'delay', milliseconds: 1_500 };
  await client.create();
  t.is((await peerOf(a))?.state, 'slow');
  let waited = 0;
  const clients = 5;
  for (let i = 0; i < clients; i++) {
    // It has confirmed all that it was sent, each time late.
    await waitFor('the peer has it', async () => (await a.admin.peers()).single.count === 0);
    if ((await peerOf(a))?.state === 'present') waited++;
    t.is((await client.create()).length, 36);
  }
  t.true(waited < clients / 2, `${waited} of ${clients} waited`);
  for (const { proxy } of [a, b]) proxy.weather = { kind: 'fair' };
  await waitFor('it is quick again', async () => {
    await client.create();
    return (await peerOf(a))?.state === 'present';
  });
  client.end();
});
