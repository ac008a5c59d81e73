import { randomBytes } from 'node:crypto';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { SqliteKeystore } from '../../appliance/keystore/store.ts';
import { Greeting, headDigestFeature } from '../../appliance/replication/greeting.ts';
import type { Hello } from '../../appliance/replication/message.ts';
import { messageKind, toJson } from '../../appliance/replication/message.ts';
import { carry, makeKey, secretOf, testCluster, TestNode } from '../harness/replica.ts';
import { areEqual, twins, until } from '../harness/twin.ts';

const starts = 10_000;
const features = [headDigestFeature];

/** Begins so many epochs as starts would, each with its one record, in few commits. */
async function begin({ replica }: SqliteKeystore, count: number): Promise<void> {
  const [last] = replica.heads()[replica.epoch] ?? [0];
  let epoch = replica.epoch;
  const begun = Array.from({ length: count }, (_, i) => {
    const next = randomBytes(16).toString('hex');
    const aside = replica.putAside(epoch, i === 0 ? last : 1, next);
    epoch = next;
    return aside;
  });
  for (const aside of await Promise.all(begun)) if (aside !== 0) throw new Error('it lost some');
}

interface End {
  readonly keystore: SqliteKeystore;
  readonly sent: { readonly kind: number; readonly payload: Buffer }[];
  readonly greeting: Greeting;
}

function endOf(keystore: SqliteKeystore, peer: string): End {
  const sent: End['sent'][number][] = [];
  const now = (): number => 1_700_000_000;
  const greeting = new Greeting({
    ...{ replica: keystore.replica, peer, features, able: () => true },
    surroundings: {
      ...{ elapsed: () => 0, now, random: randomBytes, log: () => {} },
      after: () => () => {},
    },
    send: (kind, message) => void sent.push({ kind, payload: toJson(message) }),
  });
  return { keystore, sent, greeting };
}

/** Lets two ends speak until both know where the other one stands; gives that. */
function greet(one: End, two: End): Map<End, Hello> {
  const heard = new Map<End, Hello>();
  for (let at = 0; heard.size < 2; at++) {
    for (const [from, to] of [[one, two] as const, [two, one] as const]) {
      const message = from.sent[at];
      if (message === undefined) continue;
      if (heard.has(to)) {
        if (message.kind === messageKind.more) to.greeting.tell();
        continue;
      }
      const hello = to.greeting.hear(message.kind, message.payload);
      if (hello !== undefined) heard.set(to, hello);
    }
  }
  return heard;
}

async function knownToEachOther(
  t: ExecutionContext,
): Promise<{ one: SqliteKeystore; two: SqliteKeystore }> {
  const cluster = testCluster();
  const [a, b] = [new TestNode(t, cluster), new TestNode(t, cluster)];
  const [one, two] = [a.open({ features }), b.open({ features })];
  t.teardown(() => Promise.all([one.close(), two.close()]));
  await one.change((draft) => {
    draft.append(a.joining);
    draft.append(b.joining);
  });
  await two.replica.trust(a.id, a.publicKey, 'paired');
  await carry(one, two);
  await carry(two, one);
  return { one, two };
}

/** Each notes that the other one has what it has. */
function note(one: SqliteKeystore, two: SqliteKeystore): void {
  one.replica.receipts.replace(two.replica.node, two.replica.heads());
  two.replica.receipts.replace(one.replica.node, one.replica.heads());
}

test('after ten thousand starts a greeting is as long as after a hundred', async (t) => {
  t.timeout(240_000);
  const { one, two } = await knownToEachOther(t);
  await begin(one, starts);
  // A start names what changed since the one before, and not all that ever was.
  const { entries } = one.replica.after({}, { records: starts * 2, bytes: 1 << 30 });
  t.true(entries.length > starts);
  for (const { body } of entries) t.true(body.length < 1_024);
  await carry(one, two, 2_000);
  note(one, two);
  const ends = [endOf(one, two.replica.node), endOf(two, one.replica.node)] as const;
  const heard = greet(...ends);
  for (const [end, { heads, remembered }] of heard) {
    t.deepEqual(heads, end.keystore.replica.heads());
    t.deepEqual(remembered, heads);
    t.is(end.sent.length, 1);
    t.true((end.sent[0]?.payload.length ?? Infinity) < 32_768);
  }
  t.true(Object.keys(one.replica.heads()).length > starts);
  // What differs is named in pages, and nothing in a message that grows.
  await begin(two, 100);
  await begin(one, 150);
  const apart = [endOf(one, two.replica.node), endOf(two, one.replica.node)] as const;
  const told = greet(...apart);
  t.deepEqual(told.get(apart[1])?.heads, one.replica.heads());
  t.deepEqual(told.get(apart[0])?.heads, two.replica.heads());
  t.deepEqual(told.get(apart[0])?.remembered, two.replica.receipts.heads(one.replica.node));
  for (const { sent } of apart) {
    t.true(sent.length > starts / 1_000);
    for (const { payload } of sent) t.true(payload.length < 262_144);
  }
});

test('nodes of very many starts meet, copy keys, and meet again', async (t) => {
  t.timeout(240_000);
  const { one, two } = await twins(t, () => {}, { features });
  await begin(one.keystore, starts / 4);
  await until(() => areEqual(one, two), 120);
  await two.stop();
  await until(() => !one.carrier.present);
  const alone = await makeKey(one.keystore, Buffer.alloc(32, 1));
  await two.start({ features });
  two.link();
  await until(() => one.carrier.present && two.carrier.present);
  const id = await makeKey(two.keystore, Buffer.alloc(32, 2));
  t.deepEqual(await secretOf(one.keystore, id), Buffer.alloc(32, 2));
  await until(() => areEqual(one, two));
  t.deepEqual(await secretOf(two.keystore, alone), Buffer.alloc(32, 1));
  t.is(one.keystore.replica.uncopied(1).count, 0);
});

test('what a node lost of an old epoch shows through the digest', async (t) => {
  const { one, two } = await knownToEachOther(t);
  const lost = await makeKey(one, Buffer.alloc(32, 1));
  await begin(one, 200);
  note(one, two);
  // The other node remembers of this one what its disk no longer has.
  const remembers = endOf(one, two.replica.node);
  one.replica.receipts.replace(two.replica.node, one.replica.heads());
  const end = endOf(two, one.replica.node);
  const heard = greet(remembers, end).get(end);
  t.deepEqual(heard?.heads, one.replica.heads());
  t.is(two.object(lost), undefined);
});
