import test from 'ava';
import { startAppliance, until } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';

test('sealed by order, nothing is served by any restart, until it is unsealed', async (t) => {
  t.timeout(120_000);
  const appliance = await startAppliance(t);
  const client = new KmipClient(appliance);
  const id = await client.create();
  const key = await client.get(id);
  const sealed = await appliance.twinlock('seal', '--json');
  t.is(sealed.code, 0, sealed.stderr);
  t.deepEqual(JSON.parse(sealed.stdout), { sealed: true });
  await t.throwsAsync(client.get(id), { message: 'refused: 256' });
  await t.throwsAsync(client.create(), { message: 'refused: 256' });
  t.regex((await appliance.twinlock('status')).stdout, /^SEALED[\s\S]*twinlock unseal/);
  const rotate = await appliance.twinlock('wrapping-key', 'rotate');
  t.is(rotate.code, 4);
  t.regex(rotate.stderr, /^error: sealed by order\nhint: twinlock unseal\n$/);
  const unlock = await appliance.twinlock(
    'token',
    'unlock',
    '--pin-file',
    appliance.file('trial-pin'),
  );
  const untried = 'the token was unlocked already, this PIN was not tried';
  t.is(unlock.stdout, `${untried}; the keeper is sealed by order: twinlock unseal\n`);
  await t.throwsAsync(client.get(id), { message: 'refused: 256' });

  // The order outlasts the keeper that took it.
  const [before] = appliance.processes('keeper');
  appliance.signal('keeper', 'SIGKILL');
  await until('another keeper answers', async () => {
    const [now] = appliance.processes('keeper');
    if (now === undefined || now === before) return false;
    const { code, stdout } = await appliance.twinlock('status');
    return code === 0 && stdout.startsWith('SEALED');
  });
  await t.throwsAsync(client.get(id), { message: 'refused: 256' });

  const opened = await appliance.twinlock('unseal', '--json');
  t.is(opened.code, 0, opened.stderr);
  t.deepEqual(JSON.parse(opened.stdout), { sealed: false });
  t.is(await client.get(id), key);
  t.is((await client.create()).length, 36);
  t.regex((await appliance.twinlock('status')).stdout, /^SERVING/);
  client.end();
  await appliance.stop();
  t.is((await appliance.twinlock('seal')).code, 5);
});
