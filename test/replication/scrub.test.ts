import { closeSync, openSync, writeSync } from 'node:fs';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { openDatabase } from '../../appliance/keystore/database.ts';
import type { SqliteKeystore } from '../../appliance/keystore/store.ts';
import { Scrubbing } from '../../appliance/replication/scrubbing.ts';
import { makeKey, secretOf, TestNode, testCluster } from '../harness/replica.ts';
import { areEqual, twins, until } from '../harness/twin.ts';
import type { Twin } from '../harness/twin.ts';

const secret = Buffer.alloc(32, 7);

let today = 1_700_000_000;
const now = (): number => today;

/** A day later: lets a node look at all it has, as fast as it can. */
async function pass({ replica }: SqliteKeystore): Promise<void> {
  today += 86_400;
  while (await replica.scrub.step(16));
}

/** What a disk or memory does of its own: the row is there and says something else. */
function damage(node: TestNode, ...statements: readonly (readonly [string, ...string[]])[]): void {
  const database = openDatabase(node.path, node.pageKey);
  for (const [sql, ...values] of statements) {
    if (database.prepare(sql).run(...values).changes === 0) throw new Error(`nothing: ${sql}`);
  }
  database.close();
}

/** One bit of a column of bytes, somewhere in its middle. */
const flipped = (column: string): string =>
  `CAST(substr(${column}, 1, length(${column}) / 2) || char(7) ||
    substr(${column}, length(${column}) / 2 + 2) AS BLOB)`;

interface Setting {
  readonly one: Twin;
  readonly two: Twin;
  readonly keys: readonly [string, string, string, ...string[]];
}

async function setting(t: ExecutionContext): Promise<Setting> {
  const { one, two } = await twins(t, () => {}, { now });
  const keys: string[] = [];
  for (let i = 0; i < 40; i++) keys.push(await makeKey(one.keystore, secret));
  await two.keystore.change((draft) => {
    draft.append({ kind: 'group-made', group: 'hosts' });
    draft.append({
      ...{ kind: 'client-enrolled', client: 'c1', name: 'vcenter', group: 'hosts' },
      ...{ fingerprint: 'f1', certificate: 'pem', state: 'allowed' },
    });
    draft.append({ kind: 'client-blocked', client: 'c1' });
    for (const object of keys) draft.append({ kind: 'object-activated', object, date: 1 });
  });
  await until(() => areEqual(one, two));
  return { one, two, keys: keys as unknown as Setting['keys'] };
}

async function whole({ one, two, keys }: Setting, t: ExecutionContext): Promise<void> {
  await until(() => two.keystore.replica.unsound(1).length === 0);
  await until(() => two.keystore.replica.lacking(1).length === 0);
  for (const id of keys) t.deepEqual(await secretOf(two.keystore, id), secret);
  t.true(await areEqual(one, two));
  t.is(two.keystore.verify().records, one.keystore.verify().records);
  const { found } = two.keystore.replica.scrub.view;
  await pass(two.keystore);
  await pass(two.keystore);
  t.is(two.keystore.replica.scrub.view.found, 0, `${found} before, nothing more`);
}

test.serial('what nobody touched is found whole', async (t) => {
  const { one, two } = await setting(t);
  for (const { keystore } of [one, two]) {
    await pass(keystore);
    t.like(keystore.replica.scrub.view, { found: 0, unsound: 0, unreadable: false });
    t.true((keystore.replica.scrub.view.finished ?? 0) > 0);
  }
});

const records: readonly (readonly [string, string])[] = [
  ['its body', `UPDATE record SET body = ${flipped('body')} WHERE object = ?`],
  ['its signature', `UPDATE record SET signature = ${flipped('signature')} WHERE object = ?`],
  ['its hash', `UPDATE record SET hash = ${flipped('hash')} WHERE object = ?`],
  ['what it is about', `UPDATE record SET kind = 'group-made' WHERE object = ?`],
  ['all of it, which is gone', `DELETE FROM record WHERE object = ?`],
];

for (const [what, sql] of records) {
  test.serial(`a record that is damaged is had from the peer: ${what}`, async (t) => {
    const found = await setting(t);
    const { two, keys } = found;
    damage(two.node, [sql, keys[0]], [sql, keys[2]]);
    await pass(two.keystore);
    t.true(two.keystore.replica.scrub.view.found >= 4);
    await whole(found, t);
    const acts = two.keystore.trail.page(0, 1000).filter(({ entry }) => entry.includes('damaged'));
    t.true(acts.length >= 4);
  });
}

/** Damage that nobody has noted when the nodes meet is not taken for another life of the node. */
test.serial('a damaged record is no fork when the nodes meet', async (t) => {
  const found = await setting(t);
  const { one, two, keys } = found;
  await until(() => areEqual(one, two));
  for (const [, sql] of records.slice(2)) {
    damage(two.node, [sql, keys.at(-1) ?? '']);
    two.said.length = 0;
    one.proxy.reset();
    two.proxy.reset();
    await until(() => two.said.includes('connected to the peer'));
    await pass(two.keystore);
    await until(() => two.keystore.replica.unsound(1).length === 0);
    await until(() => areEqual(one, two));
    t.is(two.history.wound, undefined);
    t.deepEqual(two.keystore.replica.conflicts(10), []);
  }
  await whole(found, t);
});

for (const [what, sql] of records.slice(0, 3)) {
  test.serial(`a record found damaged at a start is had from the peer: ${what}`, async (t) => {
    const found = await setting(t);
    const { two, keys } = found;
    await two.stop();
    const newest = keys.at(-1) ?? '';
    damage(two.node, [sql, newest]);
    await two.start({ now });
    t.true(two.keystore.replica.unsound(10).length > 0);
    t.deepEqual(await secretOf(two.keystore, keys[0]), secret);
    two.link();
    await until(() => two.keystore.replica.unsound(1).length === 0);
    await until(() => areEqual(found.one, two));
    await whole(found, t);
    t.is(two.history.wound, undefined);
    t.deepEqual(two.keystore.replica.conflicts(10), []);
    t.deepEqual(await secretOf(two.keystore, newest), secret);
  });
}

test.serial('rows that say something else than their records are written anew', async (t) => {
  const found = await setting(t);
  const { two, keys } = found;
  const { keystore } = two;
  damage(
    two.node,
    ['UPDATE object SET activation_date = 7, activated = 0 WHERE identifier = ?', keys[0]],
    [`UPDATE attribute SET value = ${flipped('value')} WHERE object = ?`, keys[1]],
    ['DELETE FROM attribute WHERE object = ?', keys[2]],
    ['DELETE FROM object WHERE identifier = ?', keys[3] ?? ''],
    [`UPDATE client SET state = 'allowed' WHERE id = ?`, 'c1'],
    [`UPDATE head SET seq = seq - 1 WHERE node = ?`, two.node.id],
  );
  t.is(keystore.client('f1')?.state, 'allowed');
  await pass(keystore);
  t.is(keystore.client('f1')?.state, 'blocked');
  t.like(keystore.object(keys[0]), { activationDate: 1 });
  t.is(keystore.object(keys[2])?.attributes.length, 2);
  await whole(found, t);
});

test.serial('a secret that does not open any more, or is gone, is had from the peer', async (t) => {
  const found = await setting(t);
  const { two, keys } = found;
  damage(
    two.node,
    [`UPDATE material SET sealed = ${flipped('sealed')} WHERE object = ?`, keys[0]],
    ['DELETE FROM material WHERE object = ?', keys[1]],
  );
  await pass(two.keystore);
  t.is(two.keystore.replica.scrub.view.found, 2);
  await whole(found, t);
});

test.serial('a node looks at all it has by itself, while everybody is served', async (t) => {
  const found = await setting(t);
  const { one, two, keys } = found;
  const sql = `UPDATE record SET body = ${flipped('body')} WHERE object = ?`;
  damage(two.node, [sql, keys[0]]);
  damage(two.node, ['DELETE FROM material WHERE object = ?', keys[1]]);
  const scrubbing = [one, two].map(
    ({ keystore: { replica }, surroundings }) => new Scrubbing({ replica, surroundings, tick: 5 }),
  );
  let reads = 0;
  await until(async () => {
    t.deepEqual(await secretOf(two.keystore, keys[2]), secret);
    t.deepEqual(await secretOf(two.keystore, await makeKey(two.keystore, secret)), secret);
    reads++;
    return two.said.some((text) => text.includes('had from the peer'));
  });
  await until(() => secretOf(two.keystore, keys[1]).then(Boolean, () => false));
  t.true(reads > 1);
  for (const each of scrubbing) each.stop();
  await until(() => areEqual(one, two));
  await whole(found, t);
});

test.serial('a node alone says what is damaged, and what is read in mends it', async (t) => {
  const cluster = testCluster();
  const node = new TestNode(t, cluster);
  const open = (): SqliteKeystore => node.open({ now });
  let keystore = open();
  const id = await makeKey(keystore, secret);
  await makeKey(keystore, secret);
  const { entries } = keystore.replica.after({}, { records: 100, bytes: 1 << 20 });
  damage(node, [`UPDATE record SET signature = ${flipped('signature')} WHERE object = ?`, id]);
  await pass(keystore);
  t.is(keystore.replica.scrub.view.unsound, 1);
  await keystore.close();
  keystore = open();
  t.is(keystore.replica.scrub.view.unsound, 1, 'a restart does not forget it');
  t.deepEqual(keystore.replica.at(keystore.replica.unsound(1)), [], 'nor is it given to others');
  t.is((await keystore.replica.ingest(entries)).added, 0);
  t.is(keystore.replica.scrub.view.unsound, 0);
  t.notThrows(() => keystore.verify());
  t.deepEqual(await secretOf(keystore, id), secret);
  await keystore.close();
});

/** The numbers of a table's pages that hold rows. */
function leavesOf(node: TestNode, table: string): number[] {
  const database = openDatabase(node.path, node.pageKey);
  try {
    const leaves = `SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno`;
    return database.prepare(leaves).pluck().all(table) as number[];
  } finally {
    database.close();
  }
}

test.serial('pages of the disk that cannot be read are said, and the rest is served', async (t) => {
  const node = new TestNode(t, testCluster());
  const first = node.open({ now });
  const keys: string[] = [];
  for (let i = 0; i < 150; i++) keys.push(await makeKey(first, Buffer.alloc(2_000, i)));
  await first.close();
  const keystore = node.open({ now, cacheKiB: 16 });
  const file = openSync(node.path, 'r+');
  const page = 4096;
  // Of the records alone: a page of the middle may be anything, or one that everything hangs from.
  for (const at of leavesOf(node, 'record').slice(10, 14)) {
    writeSync(file, Buffer.from('damaged'), 0, 7, (at - 1) * page + 100);
  }
  closeSync(file);
  await pass(keystore);
  t.true(keystore.replica.scrub.view.unreadable);
  const served = await Promise.all(
    keys.map((id) => secretOf(keystore, id).then(Boolean, () => false)),
  );
  t.true(served.filter(Boolean).length > 20);
  await keystore.close();
});
