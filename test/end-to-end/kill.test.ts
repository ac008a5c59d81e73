import test from 'ava';
import { startAppliance, until } from '../harness/appliance.ts';
import type { Role } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';

test('a hundred kills at any moment lose nothing that was answered', async (t) => {
  t.timeout(600_000);
  const appliance = await startAppliance(t, { token: 'tpm' });
  const client = new KmipClient(appliance);
  const answered = new Map<string, string>();
  let killed = 0;
  const working = { on: true };
  const creating = (async () => {
    while (working.on) {
      try {
        const id = await client.create();
        answered.set(id, '');
        answered.set(id, await client.get(id));
      } catch {
        // Not answered: nothing was promised.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  })();
  const roles: readonly Role[] = ['server', 'server', 'server', 'keeper', 'token'];
  let before = 0;
  t.teardown(() => {
    working.on = false;
  });
  while (killed < 100) {
    const role = roles[killed % roles.length] ?? 'server';
    // Killed while at work: between two kills keys were answered, except in the first moments.
    await until('keys are answered', () => answered.size > before, 60_000);
    before = answered.size;
    if (appliance.signal(role, 'SIGKILL') > 0) killed++;
  }
  t.is(appliance.signal('swtpm', 'SIGKILL'), 1);
  working.on = false;
  await creating;
  t.true(answered.size >= 100);
  for (const [id, key] of answered) {
    const found = await client.insist(() => client.get(id));
    if (key !== '') t.is(found, key);
  }
  client.end();

  // The same after a complete stop: the token opens the slots again, its PIN was never guessed at.
  t.is((await appliance.stop()).code, 0);
  const again = await startAppliance(t, { token: 'tpm', state: appliance.state });
  const second = new KmipClient(again);
  for (const [id, key] of answered) {
    const found = await second.get(id);
    if (key !== '') t.is(found, key);
  }
  second.end();
});

test('clients do not notice that the keeper was killed, only that it took a moment', async (t) => {
  const appliance = await startAppliance(t, { token: 'tpm' });
  const client = new KmipClient(appliance);
  const id = await client.create();
  const key = await client.get(id);
  for (let i = 0; i < 3; i++) {
    t.is(appliance.signal('keeper', 'SIGKILL'), 1);
    t.is(await client.get(id), key);
    t.is((await client.create()).length, 36);
  }
  client.end();
});

test('clients do not notice that the token process hangs, crashes or is killed', async (t) => {
  t.timeout(120_000);
  const appliance = await startAppliance(t, { token: 'tpm' });
  const client = new KmipClient(appliance);
  const id = await client.create();
  const key = await client.get(id);
  const acts: readonly (readonly [Role, NodeJS.Signals])[] = [
    ['token', 'SIGSTOP'],
    ['token', 'SIGKILL'],
    ['token', 'SIGSEGV'],
    ['swtpm', 'SIGSTOP'],
    ['swtpm', 'SIGKILL'],
  ];
  for (const [role, signal] of acts) {
    appliance.signal(role, signal);
    for (let i = 0; i < 100; i++) t.is(await client.get(id), key);
    t.is((await client.create()).length, 36);
  }
  client.end();
});
