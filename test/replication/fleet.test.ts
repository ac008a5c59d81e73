import { cpSync, rmSync } from 'node:fs';
import test from 'ava';
import { KeystoreError } from '../../appliance/keystore/error.ts';
import { fleetOf, sameOnAll } from '../harness/fleet.ts';
import type { FleetNode } from '../harness/fleet.ts';
import { keepFolder, PostgresPair } from '../harness/postgresql.ts';
import { makeKey, secretOf } from '../harness/replica.ts';
import { until } from '../harness/twin.ts';

const secret = Buffer.alloc(32, 7);

/** Makes keys on a node until told to end; gives those that were answered. */
function maker({ keystore }: FleetNode): () => Promise<string[]> {
  const answered: string[] = [];
  const state = { on: true };
  const work = (async () => {
    while (state.on) {
      try {
        answered.push(await makeKey(keystore, secret));
      } catch (error) {
        if (!(error instanceof KeystoreError)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  })();
  return async () => {
    state.on = false;
    await work;
    return answered;
  };
}

test('what one node answers every node has, and the database learns nothing', async (t) => {
  const pair = await PostgresPair.start(t);
  const nodes = await fleetOf(t, pair, 4);
  const made: string[] = [];
  for (const { keystore } of nodes) made.push(await makeKey(keystore, secret));
  await sameOnAll(nodes);
  for (const { keystore } of nodes) {
    for (const id of made) {
      t.deepEqual(await secretOf(keystore, id), secret);
      t.is(keystore.replica.copies(id), 'both');
    }
  }
  await until(() =>
    nodes.every(({ carrier }) => carrier.peers().every((p) => p.state === 'present')),
  );
  const rows = await pair.primary.sql(
    'SELECT id, key, sealed FROM twinlock.record UNION ALL TABLE twinlock.standing',
    'twinlock',
  );
  const all = Buffer.concat(rows.flatMap((row) => Object.values(row) as Buffer[]));
  const names = nodes.flatMap(({ node }) => [node.id, node.id.slice(0, 8)]);
  for (const word of [
    ...made,
    ...names,
    'default',
    'object-created',
    nodes[0]?.keystore.replica.cluster ?? '',
  ]) {
    t.false(all.includes(word), word);
  }
});

test('without the database keys are served, and none with one copy is answered', async (t) => {
  const pair = await PostgresPair.start(t);
  const nodes = await fleetOf(t, pair, 2);
  const [one, two] = nodes as [FleetNode, FleetNode];
  const id = await makeKey(one.keystore, secret);
  pair.standby.signal('SIGSTOP');
  await t.throwsAsync(makeKey(one.keystore, secret, 'doubtful'), { code: 'copies-missing' });
  t.false(one.carrier.present);
  t.regex(one.carrier.alarms().join(), /late|away/);
  pair.standby.signal('SIGCONT');
  await until(() => one.carrier.present);
  await until(() => two.keystore.object('doubtful') !== undefined);
  pair.primary.signal('SIGSTOP');
  await t.throwsAsync(makeKey(two.keystore, secret, 'frozen'), { code: 'copies-missing' });
  t.deepEqual(await secretOf(two.keystore, id), secret);
  pair.primary.signal('SIGCONT');
  await until(() => one.keystore.object('frozen') !== undefined);
  await pair.primary.kill();
  await until(() => !one.carrier.present && !two.carrier.present);
  t.deepEqual(await secretOf(one.keystore, id), secret);
  await pair.primary.start();
  await until(() => one.carrier.present && two.carrier.present);
  await makeKey(two.keystore, secret);
  await sameOnAll(nodes);
});

test('no answered key is lost where a standby takes over amid writes', async (t) => {
  const pair = await PostgresPair.start(t);
  const nodes = await fleetOf(t, pair, 4);
  const [one, two, three, four] = nodes as [FleetNode, FleetNode, FleetNode, FleetNode];
  const before = [one, two, three].map(maker);
  await until(() => four.keystore.replica.uncopied(1).count === 0 && four.carrier.present);
  const heldBy = ({ keystore }: FleetNode): number =>
    Object.values(keystore.replica.heads()).reduce((sum, [seq]) => sum + seq, 0);
  await until(() => heldBy(four) > 60);
  await four.restart();
  await pair.failOver();
  await pair.addStandby();
  await until(() => nodes.every(({ carrier }) => carrier.present));
  const reached = heldBy(four);
  await until(() => heldBy(four) > reached + 60);
  const answered = (await Promise.all(before.map((end) => end()))).flat();
  await sameOnAll(nodes);
  t.true(answered.length > 100);
  for (const { keystore } of nodes) {
    for (const id of answered) t.deepEqual(await secretOf(keystore, id), secret);
  }
});

test('an older database that was put back is noticed, and given what it lacks', async (t) => {
  const pair = await PostgresPair.start(t);
  const nodes = await fleetOf(t, pair, 2);
  const [one, two] = nodes as [FleetNode, FleetNode];
  const early = await makeKey(one.keystore, secret);
  await sameOnAll(nodes);
  await pair.standby.kill();
  await pair.primary.kill();
  const putBack = keepFolder(pair.primary);
  await pair.primary.start();
  await pair.addStandby();
  await until(() => one.carrier.present && two.carrier.present);
  const late = await makeKey(one.keystore, secret);
  await until(() => two.keystore.object(late) !== undefined);
  await pair.standby.kill();
  await pair.primary.kill();
  putBack();
  await pair.primary.start();
  await pair.addStandby();
  await until(() => one.carrier.present && two.carrier.present);
  t.regex(one.carrier.alarms().join(), /older database/);
  const count = async (): Promise<number> => {
    const rows = await pair.primary.sql(
      'SELECT count(*)::int AS n FROM twinlock.record',
      'twinlock',
    );
    return Number(rows[0]?.['n']);
  };
  const records = Object.values(one.keystore.replica.heads()).reduce((sum, [seq]) => sum + seq, 0);
  await until(async () => (await count()) >= records);
  for (const { keystore } of nodes) {
    t.deepEqual(await secretOf(keystore, early), secret);
    t.deepEqual(await secretOf(keystore, late), secret);
  }
});

test('what no node put there is not taken, and keeps nothing else out', async (t) => {
  const pair = await PostgresPair.start(t);
  const nodes = await fleetOf(t, pair, 2);
  const [one, two] = nodes as [FleetNode, FleetNode];
  await makeKey(one.keystore, secret);
  await sameOnAll(nodes);
  const forge = async (text: string): Promise<void> => {
    await pair.primary.sql(`INSERT INTO twinlock.record (id, key, sealed) ${text}`, 'twinlock');
  };
  await forge(`VALUES ('\\x00', '\\x00', '\\x00')`);
  // Another row's sealed bytes under a name of its own, and a row with a bit turned.
  await forge(`SELECT '\\x01', key, sealed FROM twinlock.record WHERE position = 1`);
  await forge(`SELECT '\\x02', key, set_bit(sealed, 99, 1 - get_bit(sealed, 99))
    FROM twinlock.record WHERE position = 1`);
  const id = await makeKey(one.keystore, secret);
  await until(() => two.keystore.object(id) !== undefined);
  t.regex(two.carrier.alarms().join(), /3 rows of the database are not what a node wrote/);
  await sameOnAll(nodes);
});

test('a node that was put back to an old disk is healed by the log', async (t) => {
  const pair = await PostgresPair.start(t);
  const nodes = await fleetOf(t, pair, 2);
  const [one, two] = nodes as [FleetNode, FleetNode];
  await one.stop();
  const kept = `${one.node.folder}.kept`;
  cpSync(one.node.folder, kept, { recursive: true });
  t.teardown(() => {
    rmSync(kept, { recursive: true, force: true });
  });
  one.open();
  one.link();
  await until(() => one.carrier.present);
  const id = await makeKey(one.keystore, secret);
  await until(() => two.keystore.object(id) !== undefined);
  await one.stop();
  rmSync(one.node.folder, { recursive: true });
  cpSync(kept, one.node.folder, { recursive: true });
  one.open();
  t.is(one.keystore.object(id), undefined);
  one.link();
  await until(() => one.keystore.object(id) !== undefined);
  await until(
    () => one.history.wound === undefined && one.keystore.replica.healings().length === 1,
  );
  await until(() => one.carrier.present);
  await makeKey(one.keystore, secret);
  await sameOnAll(nodes);
});
