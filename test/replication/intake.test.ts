import { randomBytes } from 'node:crypto';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Entry } from '../../appliance/keystore/exchange.ts';
import type { SqliteKeystore } from '../../appliance/keystore/store.ts';
import { Intake } from '../../appliance/replication/intake.ts';
import type { Surroundings } from '../../appliance/replication/surroundings.ts';
import { makeKey, pairOf } from '../harness/replica.ts';

const messageRecords = 64;

interface Taken {
  /** Records of each commit, and the milliseconds that were left to clients before it. */
  readonly pieces: { readonly records: number; readonly rest: number }[];
  readonly intake: Intake;
}

/** An intake whose clock goes on by one millisecond with each record that is stored. */
function intakeOf(keystore: SqliteKeystore, peer: string, asking: () => boolean): Taken {
  const { replica } = keystore;
  const pieces: Taken['pieces'] = [];
  let [time, rest] = [0, 0];
  const ingest = replica.ingest.bind(replica);
  replica.ingest = async (entries, sender) => {
    const ingested = await ingest(entries, sender);
    pieces.push({ records: entries.length, rest });
    time += entries.length;
    rest = 0;
    return ingested;
  };
  const surroundings: Surroundings = {
    elapsed: () => time,
    now: () => 1_700_000_000,
    random: randomBytes,
    log: () => {},
    after: (milliseconds, act) => {
      time += milliseconds;
      rest += milliseconds;
      setImmediate(() => {
        if (asking()) keystore.client('a client of these');
        act();
      });
      return () => {};
    },
  };
  const past = (): void => {};
  return { pieces, intake: new Intake({ replica, surroundings, peer, past, open: () => true }) };
}

async function twoNodes(
  t: ExecutionContext,
  keys: number,
): Promise<{ one: SqliteKeystore; two: SqliteKeystore; messages: Entry[][] }> {
  const { one, two } = await pairOf(t);
  t.teardown(() => Promise.all([one.close(), two.close()]));
  await Promise.all(Array.from({ length: keys }, () => makeKey(one, Buffer.alloc(32, 1))));
  const messages: Entry[][] = [];
  for (let heads = two.replica.heads(); ;) {
    const page = one.replica.after(heads, { records: messageRecords, bytes: 1 << 20 });
    if (page.entries.length === 0) return { one, two, messages };
    messages.push(page.entries);
    heads = page.heads;
  }
}

test('clients who ask while a node catches up get half of its time, in small pieces', async (t) => {
  const { one, two, messages } = await twoNodes(t, 600);
  const { pieces, intake } = intakeOf(two, one.replica.node, () => true);
  for (const message of messages) t.true(await intake.take(message, true));
  t.is(two.count().objects, 600);
  for (const { records } of pieces.slice(3)) t.true(records <= 8);
  for (const [i, { rest }] of pieces.slice(1).entries()) t.true(rest >= (pieces[i]?.records ?? 0));
});

test('where nobody asks it goes on without a rest, in larger pieces', async (t) => {
  const { one, two, messages } = await twoNodes(t, 600);
  const { pieces, intake } = intakeOf(two, one.replica.node, () => false);
  for (const message of messages) t.true(await intake.take(message, true));
  t.is(two.count().objects, 600);
  t.true(pieces.every(({ rest }) => rest === 0));
  t.true(pieces.some(({ records }) => records >= 32));
});

test('what is new is taken as it comes: a client of the other node waits for it', async (t) => {
  const { one, two, messages } = await twoNodes(t, 100);
  const { pieces, intake } = intakeOf(two, one.replica.node, () => true);
  for (const message of messages) t.true(await intake.take(message, false));
  t.deepEqual(
    pieces.map(({ records }) => records),
    messages.map((message) => message.length),
  );
});

test('before a gap is taken what is whole, and the rest is asked for again', async (t) => {
  const { one, two, messages } = await twoNodes(t, 200);
  const { intake } = intakeOf(two, one.replica.node, () => true);
  const [first = [], second = []] = messages;
  t.true(await intake.take(first, true));
  t.false(await intake.take([...second.slice(0, 10), ...second.slice(20)], true));
  const missing = two.replica.heads();
  for (let heads = missing; ;) {
    const page = one.replica.after(heads, { records: messageRecords, bytes: 1 << 20 });
    if (page.entries.length === 0) break;
    t.true(await intake.take(page.entries, true));
    heads = page.heads;
  }
  t.is(two.count().objects, 200);
});
