import test from 'ava';
import { openDatabase } from '../../appliance/keystore/database.ts';
import { KeystoreError } from '../../appliance/keystore/error.ts';
import { makeKey, secretOf } from '../harness/replica.ts';
import { areEqual, twins, until } from '../harness/twin.ts';

const secret = Buffer.alloc(32, 7);

test('a peer that can store nothing counts as away, and serves what it has', async (t) => {
  const { one, two } = await twins(t);
  const id = await makeKey(one.keystore, secret);
  await one.keystore.change((draft) => {
    draft.append({ kind: 'copy-policy-set', policy: 'refuse', seconds: 0 });
  });
  // Its disk takes nothing more: the next commit fails, and that is final until it starts anew.
  const full = openDatabase(two.node.path, two.node.pageKey);
  full.exec('BEGIN IMMEDIATE');
  const stuck = two.keystore.change(() => {});
  await t.throwsAsync(stuck, { instanceOf: KeystoreError });
  full.exec('ROLLBACK');
  full.close();
  t.truthy(two.keystore.failure);
  await until(() => !one.carrier.present);
  await t.throwsAsync(makeKey(one.keystore, secret), { code: 'copies-missing' });
  t.deepEqual(await secretOf(two.keystore, id), secret);
  await two.restart();
  await until(() => one.carrier.present);
  t.truthy(await makeKey(one.keystore, secret));
  await until(() => areEqual(one, two));
});
