import test from 'ava';
import { setImmediate } from 'node:timers/promises';
import type { KeeperClient } from '../../appliance/keeper-client/client.ts';
import { caughtUp } from '../../appliance/service/joining.ts';
import type { Joined } from '../../appliance/service/joining.ts';
import type { Replication } from '../../appliance/service/replication.ts';
import { carry, makeKey, pairOf } from '../harness/replica.ts';

/**
 * What a node that joins hears of the other one, while records come in: each moment by itself.
 */
test('a node has caught up once it has all that the other had, and nothing differs', async (t) => {
  const { a, one, two } = await pairOf(t);
  await carry(one, two);
  for (let i = 0; i < 20; i++) await makeKey(one, Buffer.alloc(32, i));
  const heard = {
    state: 'away',
    equal: undefined as boolean | undefined,
    heads: {},
    elapsed: 0,
    looks: 0,
  };
  const peer = () => ({ node: a.id, name: 'one', ...heard });
  const acts: string[] = [];
  const replication = {
    view: () => {
      heard.looks++;
      return { peers: [peer()] };
    },
    surroundings: { elapsed: () => heard.elapsed },
    linkAll: () => acts.push('linked to all'),
  };
  const keeper = {
    status: () => Promise.resolve({ pair: { joining: true } }),
    joined: () => {
      acts.push('joined');
      return Promise.resolve();
    },
  };
  const course = caughtUp({
    keystore: two,
    keeper: keeper as unknown as KeeperClient,
    replication: replication as unknown as Replication,
    joined: { node: a.id, name: 'one' } as unknown as Joined,
    log: () => {},
  });
  const look = async (): Promise<void> => {
    const from = heard.looks;
    while (heard.looks < from + 3) await setImmediate();
  };
  await look();
  // The states were equal at heads that both had, and there is much beyond them.
  Object.assign(heard, { state: 'catching-up', equal: true, heads: one.replica.heads() });
  await look();
  heard.elapsed += 60_000;
  await look();
  t.deepEqual(acts, []);
  heard.equal = false;
  await carry(one, two);
  await look();
  heard.elapsed += 60_000;
  await look();
  t.deepEqual(acts, []);
  heard.equal = true;
  await course;
  t.deepEqual(acts, ['joined', 'linked to all']);
  await one.close();
  await two.close();
});
