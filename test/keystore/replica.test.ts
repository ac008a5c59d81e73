import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { openDatabase } from '../../appliance/keystore/database.ts';
import { decodeHead, signRecord } from '../../appliance/keystore/record.ts';
import { carry, makeKey, pairOf, secretOf, testCluster, TestNode } from '../harness/replica.ts';

const pause = (): Promise<void> => setImmediate();
const epoch = (): string => randomBytes(16).toString('hex');

test('the digest is the same where the same is held, and shows a row that was lost', async (t) => {
  const { b, one, two } = await pairOf(t);
  await makeKey(one, Buffer.alloc(32, 1));
  const id = await makeKey(two, Buffer.alloc(32, 2));
  t.notDeepEqual(await one.replica.digest(pause), await two.replica.digest(pause));
  await carry(one, two);
  await carry(two, one);
  const digest = await one.replica.digest(pause);
  t.deepEqual(digest, await two.replica.digest(pause));
  const database = openDatabase(b.path, b.pageKey);
  database.prepare('DELETE FROM object WHERE identifier = ?').run(id);
  database.exec('DELETE FROM material');
  database.close();
  t.notDeepEqual(await two.replica.digest(pause), digest);
  await two.replica.refold();
  t.deepEqual(await two.replica.digest(pause), digest);
  t.is(two.replica.lacking(10).length, 2);
  await two.replica.ingestMaterials(one.replica.materials(two.replica.lacking(10)));
  t.deepEqual(await secretOf(two, id), Buffer.alloc(32, 2));
  await one.close();
  await two.close();
});

test('receipts outlast a restart, and say which keys have one copy', async (t) => {
  const { a, b, one, two } = await pairOf(t);
  const first = await makeKey(one, Buffer.alloc(32, 1));
  await carry(one, two);
  one.replica.receipts.note(b.id, two.replica.heads());
  await one.replica.saveReceipts();
  const second = await makeKey(one, Buffer.alloc(32, 2));
  t.is(one.replica.copies(first), 'both');
  t.is(one.replica.copies(second), 'single');
  await one.close();
  const again = a.open();
  t.is(again.replica.copies(first), 'both');
  t.deepEqual(again.replica.uncopied(10), { count: 1, objects: [second] });
  await again.change((draft) => {
    draft.append({ kind: 'member-removed', node: b.id });
  });
  t.is(again.replica.copies(first), 'single');
  t.is(again.replica.uncopied(10).count, 2);
  await again.close();
  await two.close();
});

test('how many keys have one copy is counted on, whatever comes, goes and is lost', async (t) => {
  const { b, one, two } = await pairOf(t);
  const { receipts } = one.replica;
  const stands = (): number => receipts.heads(b.id)[one.replica.epoch]?.[0] ?? 0;
  for (let i = 0; i < 60; i++) {
    const id = await makeKey(one, Buffer.alloc(32, i));
    await one.change((draft) => {
      draft.append({ kind: 'object-activated', object: id, date: 1 });
    });
    if (i % 7 === 3) await carry(one, two);
    if (i % 7 === 3) receipts.note(b.id, two.replica.heads());
    // Put back to where it had been: what it had and has no more is single again.
    const there = Object.entries(two.replica.heads());
    const back = there.map(([epoch, [seq, hash]]) => [epoch, [seq - 3, hash]] as const);
    if (i % 7 === 5) receipts.replace(b.id, Object.fromEntries(back));
    receipts.noteLacking(b.id, i % 9 === 8 ? [id, keyAt(0), keyAt(5)] : []);
    const all = one.list({ limit: 100 }).map(({ uniqueIdentifier: each }) => each);
    const single = all.filter((each) => one.copies(each) === 'single');
    const found = one.replica.uncopied(4);
    t.is(found.count, single.length, `at ${i}, it stands at ${stands()}`);
    t.true(found.objects.every((each) => single.includes(each)));
    t.is(found.objects.length, Math.min(4, single.length));
  }
  function keyAt(at: number): string {
    return one.list({ limit: 100 })[at]?.uniqueIdentifier ?? '';
  }
  await one.close();
  await two.close();
});

test('of policies that nobody saw together the stricter one holds', async (t) => {
  const { one, two } = await pairOf(t);
  t.is(one.replica.copyPolicy().policy, 'alone-for');
  await one.change((draft) => {
    draft.append({ kind: 'copy-policy-set', policy: 'alone-for', seconds: 3600 });
  });
  await two.change((draft) => {
    draft.append({ kind: 'copy-policy-set', policy: 'refuse', seconds: 0 });
  });
  await carry(one, two);
  await carry(two, one);
  t.is(one.replica.copyPolicy().policy, 'refuse');
  t.deepEqual(one.replica.copyPolicy(), two.replica.copyPolicy());
  await one.change((draft) => {
    draft.append({ kind: 'copy-policy-set', policy: 'alone-for', seconds: 60 });
  });
  await carry(one, two);
  t.is(two.replica.copyPolicy().seconds, 60);
  await one.close();
  await two.close();
});

test('a feature is on once every present member can', async (t) => {
  const cluster = testCluster();
  const a = new TestNode(t, cluster);
  const b = new TestNode(t, cluster);
  const one = a.open({ features: ['x', 'y'] });
  await one.change((draft) => {
    draft.append(a.joining);
    draft.append(b.joining);
  });
  const open = async (features: string[]): Promise<void> => {
    const two = b.open({ features });
    await two.replica.trust(a.id, a.publicKey, 'paired');
    await carry(one, two);
    await carry(two, one);
    await two.close();
  };
  t.deepEqual(one.replica.features(), []);
  await open([]);
  t.deepEqual(one.replica.features(), []);
  await open(['y', 'z']);
  t.deepEqual(one.replica.features(), ['y']);
  await one.close();
});

test('own records that stand elsewhere in another form are said again, none lost', async (t) => {
  const { a, one, two } = await pairOf(t);
  const shared = await makeKey(one, Buffer.alloc(32, 1));
  const common = Object.entries(one.replica.heads()).find(([id]) => id === one.replica.epoch);
  const seq = common?.[1][0] ?? 0;
  await carry(one, two);
  // The node goes on, and elsewhere the same place is taken by what it said in another life.
  const own = await makeKey(one, Buffer.alloc(32, 2));
  await one.change((draft) => {
    draft.append({
      kind: 'attribute-set',
      object: own,
      attribute: { name: 'x-Name', index: 0, value: { type: 'TextString', value: 'one' } },
      mode: 'add',
    });
  });
  await one.change((draft) => {
    draft.append({ kind: 'attribute-deleted', object: own, name: 'x-Name', index: 0 });
  });
  const entries = one.replica.after({}, { records: 100, bytes: 1 << 20 }).entries;
  const last = entries.map(({ body }) => decodeHead(body)).find((head) => head?.object === shared);
  if (last === undefined) throw new Error('no record');
  const prevHash = common?.[1][1] ?? '';
  const head = { ...last, kind: 'group-made', payload: '{}', object: 'other', seq: seq + 1 };
  const other = signRecord({ ...head, lamport: last.lamport + 1, prevHash }, a.recordKey);
  await two.replica.ingest([other]);
  t.is((await one.replica.ingest([other])).forks.length, 1);

  t.is(await one.replica.putAside(last.epoch, seq, epoch()), 3);
  t.is(one.object(own), undefined);
  t.is((await one.replica.ingest([other])).added, 1);
  const why = { why: 'fork', epoch: last.epoch, common: seq, recovered: 1 } as const;
  await one.replica.endHealing(why, epoch());
  t.deepEqual(await secretOf(one, own), Buffer.alloc(32, 2));
  t.deepEqual(
    one.object(own)?.attributes.filter(({ name }) => name === 'x-Name'),
    [],
  );
  t.true(one.groups().includes('other'));
  await carry(one, two);
  t.deepEqual(await secretOf(two, own), Buffer.alloc(32, 2));
  const [here, there] = [await one.replica.digest(pause), await two.replica.digest(pause)];
  t.is(here.digest, there.digest);
  t.true(one.verify().records > 5);
  t.is(one.replica.conflicts(10).length, 3);
  await one.close();
  await two.close();
});
