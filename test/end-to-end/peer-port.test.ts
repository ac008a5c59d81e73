import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import {
  launch,
  removeFolder,
  RunningAppliance,
  temporaryFolder,
  until,
} from '../harness/appliance.ts';

test('a peer port that was taken is opened later, and pairing hears of it', async (t) => {
  t.timeout(240_000);
  const stranger = createServer();
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  const { port } = stranger.address() as AddressInfo;
  const state = temporaryFolder();
  const { ready, ended, child } = launch([
    ...['--state', state, '--token', 'softhsm', '--listen', '127.0.0.1:0'],
    ...['--peer', `127.0.0.1:${port}`],
  ]);
  t.teardown(async () => {
    child.kill('SIGTERM');
    await ended;
    removeFolder(state);
  });
  const endpoint = await Promise.race([ready, ended]);
  if (typeof endpoint !== 'string') throw new Error(endpoint.stderr);
  const node = new RunningAppliance(state, endpoint, child, ended);
  const refused = await node.twinlock('peer', 'invite', '--no-wait');
  t.is(refused.code, 3);
  t.is(
    refused.stderr,
    'error: no port is open for another node\n' +
      'hint: set replication.listen to an address of this machine and a free port\n',
  );
  await new Promise((resolve) => stranger.close(resolve));
  await until('the port is opened', async () => {
    const invited = await node.twinlock('peer', 'invite', '--no-wait');
    return invited.code === 0 && invited.stdout.includes(`127.0.0.1:${port} `);
  });
});
