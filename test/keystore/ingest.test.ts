import { generateKeyPairSync, randomBytes } from 'node:crypto';
import test from 'ava';
import { State } from '../../appliance/kmip/enumeration.ts';
import { openDatabase } from '../../appliance/keystore/database.ts';
import { KeystoreError } from '../../appliance/keystore/error.ts';
import type { Entry } from '../../appliance/keystore/exchange.ts';
import { decodeHead, signRecord } from '../../appliance/keystore/record.ts';
import type { RecordHead } from '../../appliance/keystore/record.ts';
import type { SqliteKeystore } from '../../appliance/keystore/store.ts';
import { carry, makeKey, pairOf, secretOf, testCluster, TestNode } from '../harness/replica.ts';

const most = { records: 100, bytes: 1 << 20 };

function all(keystore: SqliteKeystore): Entry[] {
  return keystore.replica.after({}, { records: 1000, bytes: 1 << 24 }).entries;
}

function headOf(entry: Entry | undefined): RecordHead {
  const head = entry && decodeHead(entry.body);
  if (head === undefined) throw new Error('no record');
  return head;
}

test('two nodes that exchange records hold the same keys, whoever made them', async (t) => {
  const { one, two } = await pairOf(t);
  const first = await makeKey(one, Buffer.alloc(32, 1));
  const second = await makeKey(two, Buffer.alloc(32, 2));
  await one.change((draft) => {
    draft.append({ kind: 'object-activated', object: first, date: 1_600_000_000 });
  });
  t.true((await carry(one, two)) > 0);
  t.true((await carry(two, one)) > 0);
  for (const node of [one, two]) {
    t.deepEqual(await secretOf(node, first), Buffer.alloc(32, 1));
    t.deepEqual(await secretOf(node, second), Buffer.alloc(32, 2));
    t.is(node.object(first)?.state, State.Active);
    t.deepEqual(node.replica.lacking(10), []);
  }
  t.deepEqual(one.replica.heads(), two.replica.heads());
  t.is(await carry(one, two), 0);
  await one.close();
  await two.close();
});

test('what came in is there after closing and opening, and every signature holds', async (t) => {
  const { a, b, one, two } = await pairOf(t);
  const key = await makeKey(one, Buffer.alloc(32, 1));
  await carry(one, two);
  await two.close();
  const again = b.open();
  t.deepEqual(await secretOf(again, key), Buffer.alloc(32, 1));
  t.true(again.verify().records >= 5);
  await again.close();
  const database = openDatabase(b.path, b.pageKey);
  database.prepare('UPDATE record SET signature = zeroblob(64) WHERE node = ?').run(a.id);
  database.close();
  const damaged = b.open();
  t.deepEqual(await secretOf(damaged, key), Buffer.alloc(32, 1));
  t.is(t.throws(() => damaged.verify(), { instanceOf: KeystoreError }).code, 'chain-broken');
  const wrong = damaged.replica.unsound(100);
  t.true(wrong.length >= 4);
  t.true(wrong.every(({ epoch }) => damaged.replica.authorOf(epoch) === a.id));
  await damaged.close();
  await one.close();
});

test('duplicates change nothing', async (t) => {
  const { one, two } = await pairOf(t);
  const key = await makeKey(one, Buffer.alloc(32, 1));
  const entries = all(one);
  const first = await two.replica.ingest(entries);
  t.is(first.added, entries.length);
  const again = await two.replica.ingest([...entries, ...entries]);
  const none = { added: 0, forks: [], corrupt: [], returned: [] };
  t.deepEqual(again, { ...none, duplicates: entries.length * 2 });
  t.deepEqual(await secretOf(two, key), Buffer.alloc(32, 1));
  t.is(two.count().objects, 1);
  await one.close();
  await two.close();
});

test('records of strangers, of other clusters, changed or forged are refused', async (t) => {
  const { a, one, two } = await pairOf(t);
  await makeKey(one, Buffer.alloc(32, 1));
  const stranger = new TestNode(t, testCluster()).open();
  const entries = all(one);
  const head = headOf(entries[0]);
  const flipped = entries.map(({ body, ...rest }, i) => {
    const bytes = Buffer.from(body);
    if (i === 1) bytes[bytes.length - 5] = (bytes.at(-5) ?? 0) ^ 1;
    return { ...rest, body: bytes };
  });
  const { privateKey } = generateKeyPairSync('ed25519');
  const elsewhere = { ...head, cluster: 'ff'.repeat(16) };
  const wild = { ...head, lamport: Number.MAX_SAFE_INTEGER };
  const offers: Record<string, readonly Entry[]> = {
    'a stranger': all(stranger),
    'a flipped bit': flipped,
    'another key': [signRecord(head, privateKey)],
    'another cluster': [signRecord(elsewhere, a.recordKey)],
    'a wild counter': [signRecord(wild, a.recordKey)],
    garbage: [{ body: randomBytes(200), signature: randomBytes(64) }],
    nothing: [{ body: Buffer.alloc(0), signature: Buffer.alloc(0) }],
  };
  for (const [what, offer] of Object.entries(offers)) {
    const refusal = await t.throwsAsync(two.replica.ingest(offer), { instanceOf: KeystoreError });
    t.is(refusal.code, 'record-refused', what);
  }
  t.is(two.count().objects, 0);
  for (const each of [one, two, stranger]) await each.close();
});

test('a record whose predecessor is missing is asked for again', async (t) => {
  const { one, two } = await pairOf(t);
  await makeKey(one, Buffer.alloc(32, 1));
  const refusal = await t.throwsAsync(two.replica.ingest(all(one).slice(1)), {
    instanceOf: KeystoreError,
  });
  t.is(refusal.code, 'record-gap');
  t.is(two.count().objects, 0);
  await one.close();
  await two.close();
});

test('only a member’s word makes a member, and its records come with it', async (t) => {
  const cluster = testCluster();
  const { one, two } = await pairOf(t, cluster);
  const c = new TestNode(t, cluster);
  const three = c.open();
  await makeKey(three, Buffer.alloc(32, 3));
  await three.change((draft) => {
    draft.append(c.joining);
  });
  await t.throwsAsync(two.replica.ingest(all(three)), { code: 'record-refused' });
  await one.change((draft) => {
    draft.append(c.joining);
  });
  // Its joining and its records may even come in one go.
  await two.replica.ingest([...all(one), ...all(three)]);
  t.is(two.replica.members().length, 3);
  t.is(two.count().objects, 1);
  for (const each of [one, two, three]) await each.close();
});

test('a removed node writes no more, but what it had written stays good', async (t) => {
  const { b, one, two } = await pairOf(t);
  const before = await makeKey(two, Buffer.alloc(32, 2));
  await carry(two, one);
  await one.change((draft) => {
    draft.append({ kind: 'member-removed', node: b.id });
  });
  t.is(one.replica.members().find(({ node }) => node === b.id)?.removed, true);
  t.deepEqual(await secretOf(one, before), Buffer.alloc(32, 2));
  await makeKey(two, Buffer.alloc(32, 4));
  const late = two.replica.after(one.replica.heads(), most).entries;
  await t.throwsAsync(one.replica.ingest(late), { code: 'record-refused' });
  t.is(one.verify().records > 3, true);
  await one.close();
  await two.close();
});

test('two records at one place are both kept, the second one apart', async (t) => {
  const { a, one, two } = await pairOf(t);
  await makeKey(one, Buffer.alloc(32, 1));
  await carry(one, two);
  const [last] = all(one).slice(-1);
  const head = headOf(last);
  const other = signRecord({ ...head, object: 'another', time: 1 }, a.recordKey);
  const next = signRecord(
    { ...head, seq: head.seq + 1, object: 'next', prevHash: other.hash.toString('hex') },
    a.recordKey,
  );
  const before = two.replica.heads();
  const { added, forks } = await two.replica.ingest([other, next]);
  t.is(added, 0);
  t.deepEqual(
    forks.map(({ object }) => object),
    ['another', 'next'],
  );
  t.deepEqual(two.replica.heads(), before);
  t.is(two.object('another'), undefined);
  await one.close();
  await two.close();
});

test('two creations under one identifier: one is served everywhere, the other kept', async (t) => {
  const { one, two } = await pairOf(t);
  const id = await makeKey(one, Buffer.alloc(32, 1));
  await makeKey(two, Buffer.alloc(32, 2), id);
  await carry(one, two);
  await carry(two, one);
  t.deepEqual(await secretOf(one, id), await secretOf(two, id));
  t.is(one.replica.materials([id]).length, 2);
  t.is(two.replica.materials([id]).length, 2);
  await one.close();
  await two.close();
});

test('a kind of a newer version is carried on as it is', async (t) => {
  const { a, one, two } = await pairOf(t);
  const id = await makeKey(one, Buffer.alloc(32, 1));
  const head = headOf(all(one).at(-1));
  const newer = signRecord(
    { ...head, seq: head.seq + 1, kind: 'object-sung', payload: '{"song":"?"}', prevHash: '' },
    a.recordKey,
  );
  const [seq, hash] = one.replica.heads()[head.epoch] ?? [0, ''];
  t.is(seq, head.seq);
  const fitting = signRecord({ ...(decodeHead(newer.body) ?? head), prevHash: hash }, a.recordKey);
  await two.replica.ingest([...all(one), fitting]);
  t.is(two.replica.heads()[head.epoch]?.[0], seq + 1);
  t.true(all(two).some(({ body }) => Buffer.from(body).equals(fitting.body)));
  t.deepEqual(await secretOf(two, id), Buffer.alloc(32, 1));
  await one.close();
  await two.close();
});

test('what an older version carried is folded by the version that knows it', async (t) => {
  const { b, one, two } = await pairOf(t);
  const id = await makeKey(one, Buffer.alloc(32, 1));
  await carry(one, two);
  await two.close();
  // As a version leaves it that took these records in and did not know their kinds.
  const database = openDatabase(b.path, b.pageKey);
  database.exec(`UPDATE meta SET value = '0.older' WHERE name = 'fold'; DELETE FROM object;
    DELETE FROM attribute;`);
  database.close();
  const again = b.open();
  t.deepEqual(await secretOf(again, id), Buffer.alloc(32, 1));
  await again.close();
  await one.close();
});

test('a secret that comes later is asked for, checked and taken', async (t) => {
  const { one, two } = await pairOf(t);
  const id = await makeKey(one, Buffer.alloc(32, 1));
  const bare = all(one).map(({ body, signature }) => ({ body, signature }));
  await two.replica.ingest(bare);
  t.deepEqual(two.replica.lacking(10), [id]);
  await t.throwsAsync(secretOf(two, id), { code: 'material-missing' });
  const [material] = one.replica.materials([id]);
  if (material === undefined) throw new Error('no material');
  const sealed = Buffer.from(material.sealed);
  sealed[20] = (sealed[20] ?? 0) ^ 1;
  t.is(await two.replica.ingestMaterials([{ ...material, sealed }]), 0);
  t.deepEqual(two.replica.lacking(10), [id]);
  t.is(await two.replica.ingestMaterials([material]), 1);
  t.deepEqual(await secretOf(two, id), Buffer.alloc(32, 1));
  t.deepEqual(two.replica.lacking(10), []);
  await one.close();
  await two.close();
});

test('a secret that is not what its record says is left out, and its record taken', async (t) => {
  const { one, two } = await pairOf(t);
  const first = await makeKey(one, Buffer.alloc(32, 1));
  const entries = all(one).map((entry) => {
    if (entry.sealed === undefined) return entry;
    const sealed = Buffer.from(entry.sealed);
    sealed[20] = (sealed[20] ?? 0) ^ 1;
    return { ...entry, sealed };
  });
  const { corrupt } = await two.replica.ingest(entries);
  t.deepEqual(corrupt, [first]);
  t.deepEqual(two.replica.lacking(10), [first]);
  t.truthy(two.object(first));
  await one.close();
  await two.close();
});

test('a secret that became unreadable here is replaced by the other node’s', async (t) => {
  const { b, one, two } = await pairOf(t);
  const id = await makeKey(one, Buffer.alloc(32, 1));
  await carry(one, two);
  const database = openDatabase(b.path, b.pageKey);
  database.exec('UPDATE material SET sealed = zeroblob(77)');
  database.close();
  await t.throwsAsync(secretOf(two, id), { code: 'material-corrupt' });
  // The note of it is committed behind whatever was queued.
  await two.change(() => {});
  t.deepEqual(two.replica.lacking(10), [id]);
  await two.replica.ingestMaterials(one.replica.materials([id]));
  t.deepEqual(await secretOf(two, id), Buffer.alloc(32, 1));
  await one.close();
  await two.close();
});
