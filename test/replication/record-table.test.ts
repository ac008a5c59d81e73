import { randomBytes } from 'node:crypto';
import test from 'ava';
import { makeAuthorityCertificate, makePrivateKey } from '../../appliance/pki/authority.ts';
import { createPrivateKey } from 'node:crypto';
import { connectToPrimary } from '../../appliance/replication/postgresql.ts';
import { RecordTable } from '../../appliance/replication/record-table.ts';
import { logStart } from '../../appliance/replication/shared-log.ts';
import type { SealedRow } from '../../appliance/replication/shared-log.ts';
import { PostgresPair } from '../harness/postgresql.ts';
import { until } from '../harness/twin.ts';

function row(): SealedRow {
  return { id: randomBytes(32), key: randomBytes(77), sealed: randomBytes(300) };
}

const ids = (rows: readonly SealedRow[]): string[] => rows.map(({ id }) => id.toString('hex'));

test('rows are added and followed, and nobody changes them', async (t) => {
  const pair = await PostgresPair.start(t);
  // All at once: one makes the schema, the others wait for it.
  const tables = await Promise.all([1, 2, 3].map(() => RecordTable.open(pair.address)));
  t.teardown(() => {
    for (const table of tables) table.close();
  });
  const [one, two] = tables as [RecordTable, RecordTable];
  const rows = [row(), row(), row()];
  let woken = false;
  two.onWake(() => (woken = true));
  await one.publish(rows, row());
  t.deepEqual(ids(await two.after(logStart, 10)), ids(rows));
  await until(() => woken);
  // What is there already is not there twice.
  await two.publish(rows, row());
  const last = row();
  await two.publish([last], row());
  const first = await two.after(logStart, 3);
  const place = first.at(-1)?.place ?? logStart;
  t.deepEqual(ids(await two.after(place, 10)), ids([last]));
  t.true(await two.holds(place));
  t.false(await two.holds({ ...place, id: '00' }));
  t.true(await two.has(rows.map(({ id }) => id)));
  t.false(await two.has([...rows, row()].map(({ id }) => id)));
  t.is((await two.standings()).length, 3);

  const link = await connectToPrimary(pair.address);
  await link.run('SET ROLE twinlock_node');
  for (const forbidden of [
    `UPDATE twinlock.record SET sealed = ''`,
    'DELETE FROM twinlock.record',
    'TRUNCATE twinlock.record',
    'DELETE FROM twinlock.standing',
    'DROP TABLE twinlock.record',
    `INSERT INTO twinlock.record (id, key, sealed, transaction) VALUES ('', '', '', '1')`,
  ]) {
    await t.throwsAsync(link.run(forbidden), { code: 'schema' }, forbidden);
  }
  link.close();
  // Not its owner either, by mistake.
  await t.throwsAsync(pair.primary.sql('DELETE FROM twinlock.record', 'twinlock'), {
    message: /only added to/,
  });
});

test('another authority’s certificate is not taken, nor a wrong password', async (t) => {
  const pair = await PostgresPair.start(t);
  const key = createPrivateKey({ key: makePrivateKey('p256'), format: 'der', type: 'pkcs8' });
  const around = { now: () => Math.floor(Date.now() / 1000), random: randomBytes };
  const ca = makeAuthorityCertificate(key, 'Database authority', around);
  await t.throwsAsync(RecordTable.open({ ...pair.address, ca }), { code: 'unreachable' });
  const named = { ...pair.address, name: 'elsewhere.example' };
  await t.throwsAsync(RecordTable.open(named), { code: 'unreachable' });
  const wrong = { ...pair.address, password: 'another' };
  await t.throwsAsync(RecordTable.open(wrong), { code: 'unreachable', message: /password/ });
});

test('a row whose transaction ends late is no gap: those behind it wait', async (t) => {
  const pair = await PostgresPair.start(t);
  const table = await RecordTable.open(pair.address);
  t.teardown(() => {
    table.close();
  });
  const late = row();
  const slow = await pair.primary.administrator('twinlock');
  await slow.query('BEGIN');
  await slow.query('INSERT INTO twinlock.record (id, key, sealed) VALUES ($1, $2, $3)', [
    late.id,
    late.key,
    late.sealed,
  ]);
  const quick = row();
  await table.publish([quick], row());
  t.deepEqual(await table.after(logStart, 10), []);
  await slow.query('COMMIT');
  await slow.end();
  t.deepEqual(ids(await table.after(logStart, 10)), ids([late, quick]));
});

test('a cancelled commit is in doubt, and what it left is not taken for stored', async (t) => {
  const pair = await PostgresPair.start(t);
  const table = await RecordTable.open(pair.address);
  const rows = [row()];
  pair.standby.signal('SIGSTOP');
  const waiting = `SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'`;
  const cancelled = table.publish(rows, row());
  await until(async () => (await pair.primary.sql(waiting)).length === 1);
  const cancel = t.throwsAsync(cancelled, { code: 'in-doubt' });
  await pair.primary.sql(`SELECT pg_cancel_backend(pid) FROM (${waiting}) AS w`);
  await cancel;
  // It is on one disk, and seen: whoever finds it there waits for the other disk all the same.
  t.deepEqual(ids(await table.after(logStart, 10)), ids(rows));
  let stored = false;
  const again = table.publish(rows, row()).then(() => (stored = true));
  await until(async () => (await pair.primary.sql(waiting)).length === 1);
  t.false(stored);
  pair.standby.signal('SIGCONT');
  await again;
  table.close();

  // A connection that is broken meanwhile says as little.
  pair.standby.signal('SIGSTOP');
  const other = await RecordTable.open(pair.address);
  const broken = t.throwsAsync(other.publish([row()], row()), { code: 'in-doubt' });
  await until(async () => (await pair.primary.sql(waiting)).length === 1);
  other.close();
  await broken;
  pair.standby.signal('SIGCONT');
});

test('without a synchronous standby nothing is taken', async (t) => {
  const pair = await PostgresPair.start(t);
  const table = await RecordTable.open(pair.address);
  t.teardown(() => {
    table.close();
  });
  t.true(await table.hasStandby());
  await pair.primary.sql(`ALTER SYSTEM SET synchronous_standby_names = ''`);
  await pair.primary.sql('SELECT pg_reload_conf()');
  await until(async () => !(await table.hasStandby()));
  await t.throwsAsync(table.publish([row()], row()), { code: 'no-standby' });
  t.deepEqual(await table.after(logStart, 10), []);
  await pair.standby.kill();
  await t.throwsAsync(RecordTable.open({ ...pair.address, servers: [] }), { code: 'unreachable' });
});
