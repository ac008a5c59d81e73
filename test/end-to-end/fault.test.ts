import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { removeFolder, startAppliance, temporaryFolder, until } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { buildFaultySystem, FaultySystem } from '../harness/faulty-system.ts';
import type { Orders } from '../harness/faulty-system.ts';
import { KmipClient } from '../harness/kmip-client.ts';

/**
 * What breaks below the appliance: each time a client gets a right answer or a clear refusal, the
 * administrator an alarm, and after the repair nothing that was answered is lost.
 */
const answered = async (client: KmipClient, keys: number): Promise<Map<string, string>> => {
  const found = new Map<string, string>();
  for (let i = 0; i < keys; i++) {
    const id = await client.create();
    found.set(id, await client.get(id));
  }
  return found;
};

async function allThere(
  t: ExecutionContext,
  client: KmipClient,
  keys: ReadonlyMap<string, string>,
): Promise<void> {
  for (const [id, key] of keys) t.is(await client.insist(() => client.get(id)), key);
}

function faulty(t: ExecutionContext): FaultySystem {
  const folder = temporaryFolder();
  t.teardown(() => {
    removeFolder(folder);
  });
  return new FaultySystem(buildFaultySystem(folder), join(folder, 'orders'));
}

const disks: Readonly<Record<string, Orders>> = {
  'is read-only': { write: 'EROFS' },
  'does not flush': { flush: 'EIO' },
};

for (const [what, order] of Object.entries(disks)) {
  test(`a disk that ${what} costs no key that was answered, and no Get`, async (t) => {
    t.timeout(180_000);
    const system = faulty(t);
    const appliance = await startAppliance(t, { environment: system.environment });
    const client = new KmipClient(appliance);
    const keys = await answered(client, 10);
    system.order(order);
    await until('a new key is refused', async () => {
      const refusal = await client.create().then(
        async (id) => {
          keys.set(id, await client.get(id));
          return '';
        },
        (error: unknown) => String(error),
      );
      return refusal.includes('refused: 256');
    });
    await allThere(t, client, keys);
    const { stdout } = await appliance.twinlock('status');
    t.regex(stdout, /^DEGRADED/);
    t.regex(stdout, /nothing can be stored, keys are served: replace the disk$/m);
    system.order({});
    await client.insist(async () => {
      const id = await client.create();
      keys.set(id, await client.get(id));
    });
    client.end();
    await appliance.stop();
    const again = await startAppliance(t, { state: appliance.state });
    const after = new KmipClient(again);
    await allThere(t, after, keys);
    after.end();
  });
}

function limit(appliance: RunningAppliance, what: string, most: string): void {
  for (const pid of appliance.processes('server')) {
    execFileSync('prlimit', ['--pid', String(pid), `--${what}=${most}`]);
  }
}

test('without file descriptors who is connected is served, and the others later', async (t) => {
  t.timeout(180_000);
  const appliance = await startAppliance(t);
  const client = new KmipClient(appliance);
  const keys = await answered(client, 5);
  limit(appliance, 'nofile', '16:');
  await allThere(t, client, keys);
  for (const [id, key] of await answered(client, 5)) keys.set(id, key);
  const others = Array.from({ length: 4 }, () => new KmipClient(appliance));
  const waiting = others.map(async (other) => {
    await allThere(t, other, keys);
    other.end();
  });
  for (let i = 0; i < 50; i++) await allThere(t, client, keys);
  limit(appliance, 'nofile', '1024:');
  await Promise.all(waiting);
  client.end();
  t.is((await appliance.stop()).code, 0);
});

test('without memory the server ends, and the next one has every key', async (t) => {
  t.timeout(180_000);
  const appliance = await startAppliance(t);
  const client = new KmipClient(appliance);
  const keys = await answered(client, 5);
  const first = appliance.processes('server');
  limit(appliance, 'data', '1048576:unlimited');
  for (let i = 0; i < 40; i++) {
    await client.insist(async () => {
      const id = await client.create();
      keys.set(id, await client.get(id));
    });
  }
  t.notDeepEqual(appliance.processes('server'), first, 'it did end');
  await allThere(t, client, keys);
  client.end();
  t.is((await appliance.stop()).code, 0);
});

test('a keeper that is killed again and again keeps no Get from its answer', async (t) => {
  t.timeout(180_000);
  const appliance = await startAppliance(t);
  const client = new KmipClient(appliance);
  const keys = await answered(client, 5);
  for (let kill = 0; kill < 20; kill++) {
    appliance.signal('keeper', 'SIGKILL');
    await allThere(t, client, keys);
  }
  await client.insist(async () => {
    const id = await client.create();
    keys.set(id, await client.get(id));
  });
  await allThere(t, client, keys);
  await until('the root key is proven again', async () =>
    /^root key +ready/m.test((await appliance.twinlock('status')).stdout),
  );
  client.end();
});
