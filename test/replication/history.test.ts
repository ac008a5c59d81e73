import { copyFileSync, existsSync, rmSync } from 'node:fs';
import test from 'ava';
import { openDatabase } from '../../appliance/keystore/database.ts';
import { makeKey, secretOf } from '../harness/replica.ts';
import { areEqual, twins, until } from '../harness/twin.ts';
import type { Twin } from '../harness/twin.ts';

const secret = Buffer.alloc(32, 7);

/** Copies the database as a person who makes an image of the disk would. */
function image(twin: Twin): () => void {
  const { path } = twin.node;
  const files = [path, `${path}-wal`].filter((file) => existsSync(file));
  for (const file of files) copyFileSync(file, `${file}.image`);
  return () => {
    for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file, { force: true });
    for (const file of files) copyFileSync(`${file}.image`, file);
  };
}

test('a node on an old disk reads only, takes back what it had lost, and says so', async (t) => {
  const { one, two } = await twins(t);
  const early = await makeKey(one.keystore, secret);
  await one.stop();
  const putBack = image(one);
  await one.start();
  one.link();
  await until(() => one.carrier.present);
  const own = await makeKey(one.keystore, Buffer.alloc(32, 1));
  const others = await makeKey(two.keystore, Buffer.alloc(32, 2));
  await one.stop();
  putBack();
  await one.start();
  t.is(one.keystore.object(own), undefined);
  const epoch = one.keystore.replica.epoch;
  one.link();
  await until(() => one.keystore.object(own) !== undefined && one.history.wound === undefined);
  t.deepEqual(await secretOf(one.keystore, early), secret);
  t.deepEqual(await secretOf(one.keystore, own), Buffer.alloc(32, 1));
  t.deepEqual(await secretOf(one.keystore, others), Buffer.alloc(32, 2));
  t.not(one.keystore.replica.epoch, epoch);
  t.true(one.said.some((text) => text.includes('older disk')));
  await until(() => one.carrier.present && two.carrier.present);
  t.truthy(await makeKey(one.keystore, secret));
  await until(() => areEqual(one, two));
  t.deepEqual(one.keystore.replica.conflicts(10), []);
  // It is written down for everybody, not only in a log.
  t.is(two.keystore.replica.healings().length, 1);
});

test('an audit’s signed head comes back from the peer, and convicts an old audit', async (t) => {
  const { one, two } = await twins(t);
  await makeKey(one.keystore, secret);
  await one.stop();
  const putBack = image(one);
  await one.start();
  one.link();
  await until(() => one.carrier.present);
  const act = { request: '', actor: 'client:vc', act: 'Get', outcome: 'success' } as const;
  for (let i = 0; i < 20; i++) one.keystore.note(act);
  await one.keystore.change(() => {});
  await one.keystore.trail.sign();
  const signed = one.keystore.trail.head();
  t.true(signed >= 20);
  t.is((await one.keystore.trail.check()).contradicted, undefined);
  await until(() => areEqual(one, two));
  await one.stop();
  putBack();
  await one.start();
  t.is((await one.keystore.trail.check()).contradicted, undefined);
  one.link();
  await until(() => one.history.wound === undefined && one.carrier.present);
  await until(async () => (await one.keystore.trail.check()).contradicted === signed);
});

test('an old disk that had only lost what the peer wrote is noticed too', async (t) => {
  const { one, two } = await twins(t);
  await makeKey(one.keystore, secret);
  await one.stop();
  const putBack = image(one);
  await one.start();
  one.link();
  await until(() => one.carrier.present && two.carrier.present);
  const others = await makeKey(two.keystore, secret);
  await until(() => two.keystore.replica.copies(others) === 'both');
  await one.stop();
  putBack();
  await one.start();
  one.link();
  await until(() => two.keystore.replica.healings().length === 1);
  t.deepEqual(await secretOf(one.keystore, others), secret);
  await until(() => areEqual(one, two));
});

test('while it heals a node makes no keys, but shuts out whom it must', async (t) => {
  const { one } = await twins(t);
  Object.defineProperty(one.history, 'wound', { get: () => ({ why: 'rollback', epoch: '' }) });
  await t.throwsAsync(makeKey(one.keystore, secret), { code: 'read-only' });
  await one.keystore.change((draft) => {
    draft.append({ kind: 'client-blocked', client: 'c' });
  });
  t.false(one.promise.view().accepting);
});

test('two lives led from one image: both are kept, under a new epoch', async (t) => {
  const { one, two } = await twins(t);
  await makeKey(one.keystore, secret);
  await until(() => areEqual(one, two));
  // A machine put back with its memory goes on in the epoch that it had already used up.
  const epoch = 'e'.repeat(32);
  await one.restart({ epoch });
  await until(() => one.carrier.present);
  await until(() => areEqual(one, two));
  await one.stop();
  const putBack = image(one);
  await one.start({ epoch: 'd'.repeat(32) });
  one.link();
  await until(() => one.carrier.present);
  const first = await makeKey(one.keystore, Buffer.alloc(32, 1));
  await one.stop();
  putBack();
  await one.start({ epoch: 'd'.repeat(32) });
  const second = await makeKey(one.keystore, Buffer.alloc(32, 2));
  const third = await makeKey(one.keystore, Buffer.alloc(32, 3));
  one.link();
  await until(() => two.keystore.object(third) !== undefined && one.history.wound === undefined);
  for (const node of [one, two]) {
    t.deepEqual(await secretOf(node.keystore, first), Buffer.alloc(32, 1));
    t.deepEqual(await secretOf(node.keystore, second), Buffer.alloc(32, 2));
    t.deepEqual(await secretOf(node.keystore, third), Buffer.alloc(32, 3));
  }
  await until(() => areEqual(one, two));
  t.true(one.keystore.replica.conflicts(10).length > 0);
  t.is(two.keystore.replica.healings()[0]?.why, 'fork');
  t.notThrows(() => one.keystore.verify());
});

test('rows that one node lost are noticed by the digests and made again', async (t) => {
  const { one, two } = await twins(t);
  const id = await makeKey(one.keystore, secret);
  await Promise.all(Array.from({ length: 700 }, () => makeKey(one.keystore, secret)));
  await until(() => areEqual(one, two));
  await two.stop();
  const database = openDatabase(two.node.path, two.node.pageKey);
  database.exec('DELETE FROM object; DELETE FROM attribute; DELETE FROM material;');
  database.close();
  await two.start();
  t.is(two.keystore.object(id), undefined);
  two.link();
  await until(() => two.keystore.object(id) !== undefined);
  await until(() => two.keystore.replica.lacking(1).length === 0);
  t.deepEqual(await secretOf(two.keystore, id), secret);
  await until(() => one.keystore.replica.uncopied(1).count === 0);
  await until(() => one.carrier.peers()[0]?.equal === true);
  t.is(two.carrier.peers()[0]?.equal, true);
});
