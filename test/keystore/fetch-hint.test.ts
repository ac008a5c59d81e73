import { randomBytes, randomUUID } from 'node:crypto';
import test from 'ava';
import { makeKey, pairOf } from '../harness/replica.ts';

test('a fetch is a hint: the newest counts, refusals and other acts do not', async (t) => {
  const { one } = await pairOf(t);
  t.teardown(() => one.close());
  const id = await makeKey(one, randomBytes(32));
  t.is(one.fetched(id), undefined);
  const get = { request: '', actor: 'client:vc', act: 'Get', object: id } as const;
  one.note({ ...get, outcome: 'denied' });
  one.note({ ...get, act: 'GetAttributes', outcome: 'success' });
  one.note({ ...get, object: randomUUID(), outcome: 'success' });
  await one.change(() => undefined);
  t.is(one.fetched(id), undefined);
  one.note({ ...get, outcome: 'success' });
  await one.change(() => undefined);
  t.like(one.fetched(id), { object: id, client: 'vc' });
  const time = one.fetched(id)?.time ?? 0;
  // What another node answered earlier changes nothing, and what it answered later does.
  await one.replica.ingestFetches([{ object: id, time: time - 5, client: 'earlier' }]);
  t.is(one.fetched(id)?.client, 'vc');
  t.deepEqual(one.replica.newerFetches(0, 9).fetches, [{ object: id, time, client: 'vc' }]);
  await one.replica.ingestFetches([{ object: id, time: time + 5, client: 'later' }]);
  t.is(one.fetched(id)?.client, 'later');
  // And is not sent back to whom it came from.
  t.deepEqual(one.replica.newerFetches(0, 9).fetches, []);
});
