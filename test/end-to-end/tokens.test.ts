import test from 'ava';
import { startAppliance, until } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';

/** Names of the tokens that the slot table's root keys are in, as it lies on the disk. */
function tokensOfSlots(appliance: RunningAppliance): string[] {
  const { table } = JSON.parse(appliance.read('keeper', 'slots.a')) as {
    table: { slots: { kind: string; token?: string }[] };
  };
  return table.slots.filter(({ kind }) => kind === 'token').map(({ token }) => token ?? '');
}

test('the root key moves from a TPM to an HSM and back while clients fetch', async (t) => {
  t.timeout(180_000);
  const more = ['--second-token', 'softhsm'];
  const appliance = await startAppliance(t, { token: 'tpm', more });
  const client = new KmipClient(appliance);
  const id = await client.create();
  const key = await client.get(id);
  const moveTo = async (here: RunningAppliance, name: string, fetch: KmipClient): Promise<void> => {
    const rotated = { done: false };
    const rotation = here.twinlock('root', 'rotate', '--token', name, '--json');
    void rotation.then(() => (rotated.done = true));
    while (!rotated.done) t.is(await fetch.get(id), key);
    const { code, stderr } = await rotation;
    t.is(code, 0, stderr);
    t.deepEqual(tokensOfSlots(here), [name]);
    t.regex((await here.twinlock('status')).stdout, new RegExp(`root key +ready, .*${name}`));
    const listed = (await here.twinlock('token', 'list')).stdout;
    t.regex(listed, new RegExp(`^${name} +ready +root key`, 'm'));
    t.is((await fetch.get(await fetch.create())).length, 64);
  };
  await moveTo(appliance, 'second', client);
  // It is the HSM that opens the slots now, after a restart too.
  appliance.signal('keeper', 'SIGKILL');
  t.is(await client.insist(() => client.get(id)), key);
  client.end();
  await appliance.stop();
  const again = await startAppliance(t, { token: 'tpm', state: appliance.state });
  const reader = new KmipClient(again);
  t.is(await reader.get(id), key);
  await moveTo(again, 'primary', reader);
  reader.end();
});

test('a move that is killed at any moment ends in one token or the other', async (t) => {
  t.timeout(240_000);
  const appliance = await startAppliance(t, { more: ['--second-token', 'softhsm'] });
  const client = new KmipClient(appliance);
  const id = await client.create();
  const key = await client.get(id);
  for (const [pause, role] of [
    [0, 'keeper'],
    [400, 'token'],
    [800, 'keeper'],
    [1200, 'token'],
    [1600, 'keeper'],
  ] as const) {
    const [from = 'primary'] = tokensOfSlots(appliance);
    const to = from === 'primary' ? 'second' : 'primary';
    const rotating = appliance.twinlock('root', 'rotate', '--token', to);
    // A moment of its own in each round: how far the move is then does not matter.
    for (let turns = 0; turns < pause; turns++) await new Promise((done) => setImmediate(done));
    appliance.signal(role, 'SIGKILL');
    await rotating;
    t.is(await client.insist(() => client.get(id)), key);
    await until('the slots lie in one token', () => new Set(tokensOfSlots(appliance)).size === 1);
    await until('the move ends when it is asked for again', async () => {
      const { code } = await appliance.twinlock('root', 'rotate', '--token', to);
      return code === 0;
    });
    t.deepEqual(tokensOfSlots(appliance), [to]);
  }
  t.is((await appliance.twinlock('root', 'rotate', '--token', 'nothing')).code, 6);
  client.end();
});
