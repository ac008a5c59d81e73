import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { KeeperError } from '../../appliance/keeper-client/keeper.ts';
import type { KeyKeeper } from '../../appliance/keeper/keeper.ts';
import type { StoredTable } from '../../appliance/keeper/slot-table.ts';
import { blankKeeper, NearToken, removeToken } from '../harness/near-token.ts';

test.after.always(removeToken);

const day = 86_400;
const hour = 3_600;
const start = 1_800_000_000;

/** A keeper whose two clocks the test sets; both keys are rotated after 30 days. */
async function scheduled(
  t: ExecutionContext,
  { every = { rootKey: 30 * day, wrappingKey: 45 * day }, isProven = true } = {},
): Promise<{
  keeper: KeyKeeper;
  token: NearToken;
  clock: { wall: number; monotonic: number };
  /** Lets time go by, looking every half hour, as both clocks do. */
  live: (seconds: number, step?: number) => Promise<void>;
  table: () => StoredTable['table'];
}> {
  const clock = { wall: start, monotonic: 5 };
  const token = new NearToken();
  const { keeper, folder } = blankKeeper(
    t,
    token,
    {},
    {
      ...{ now: () => clock.wall, monotonic: () => clock.monotonic, rotation: every },
    },
  );
  await keeper.initialise('root');
  const shares = await keeper.makeRecovery({ threshold: 2, shares: 3 });
  if (isProven) await keeper.proveRecovery(shares.slice(0, 2));
  const live = async (seconds: number, step = hour / 2): Promise<void> => {
    for (let lived = 0; lived < seconds; lived += step) {
      clock.wall += step;
      clock.monotonic += step;
      await keeper.advance();
    }
  };
  const table = (): StoredTable['table'] =>
    (JSON.parse(readFileSync(join(folder, 'slots.a'), 'utf8')) as StoredTable).table;
  await keeper.advance();
  return { keeper, token, clock, live, table };
}

test('a key is rotated at its age, each by its own, and an old root key goes', async (t) => {
  const { keeper, token, live, table } = await scheduled(t);
  const [root, generation] = [keeper.status().rootKey, keeper.status().generation];
  t.is(keeper.status().schedule?.rootKey?.due, start + 30 * day);
  await live(30 * day - 6 * hour, 6 * hour);
  t.is(keeper.status().rootKey, root);
  await live(7 * hour);
  t.not(keeper.status().rootKey, root);
  t.is(keeper.status().generation, generation);
  t.is(token.keys().length, 1);
  await live(15 * day, 6 * hour);
  t.not(keeper.status().generation, generation);
  t.deepEqual(keeper.status().older, [generation]);
  // Not again while the older one is still needed, and each counts from its own beginning.
  const begun = table().written;
  await live(50 * day, 12 * hour);
  t.is(table().written, begun);
  await keeper.retire(keeper.status().older ?? []);
  await live(2 * hour);
  t.not(table().written, begun);
});

test('a clock that jumps rotates nothing before it has gone evenly for an hour', async (t) => {
  const { keeper, clock, live } = await scheduled(t);
  const root = keeper.status().rootKey;
  await live(2 * hour);
  for (let i = 0; i < 20; i++) {
    clock.wall += 400 * day;
    await live(hour / 2);
    clock.wall -= 400 * day;
    await live(hour / 2);
  }
  t.is(keeper.status().rootKey, root);
  clock.wall += 400 * day;
  await live(hour / 2);
  t.is(keeper.status().rootKey, root);
  await live(2 * hour);
  const ahead = keeper.status().rootKey;
  t.not(ahead, root);
  // Set right again: the key seems to be of the future, which a person has to settle.
  clock.wall -= 400 * day;
  await live(3 * hour);
  t.is(keeper.status().rootKey, ahead);
  t.is(keeper.status().schedule?.rootKey?.failed, 'clock');
  await keeper.rotateRootKey({ rootKeyLabel: 'by hand' });
  t.is(keeper.status().schedule?.rootKey?.failed, undefined);
});

test('what fails is said, and tried again after an hour, not before', async (t) => {
  const { keeper, token, live } = await scheduled(t, {
    every: { rootKey: 30 * day, wrappingKey: 99 * day },
  });
  const root = keeper.status().rootKey;
  await live(30 * day - 6 * hour, 6 * hour);
  const making = token.makeRootKey;
  let tries = 0;
  token.makeRootKey = () => {
    tries++;
    return Promise.reject(new KeeperError('token', 'full'));
  };
  await live(6 * hour + hour / 2);
  t.is(tries, 1);
  t.truthy(keeper.status().schedule?.rootKey?.failed);
  await live(2 * hour);
  t.true(tries >= 2 && tries <= 4);
  token.makeRootKey = making;
  await live(2 * hour);
  t.not(keeper.status().rootKey, root);
  t.is(keeper.status().schedule?.rootKey?.failed, undefined);
});

test('nothing is rotated by itself before the recovery set is proven', async (t) => {
  const { keeper, live } = await scheduled(t, { isProven: false });
  const root = keeper.status().rootKey;
  await live(31 * day, 6 * hour);
  t.is(keeper.status().rootKey, root);
});
