import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { openDatabase } from '../../appliance/keystore/database.ts';
import type { SqliteKeystore } from '../../appliance/keystore/store.ts';
import type { Comparison } from '../../appliance/replication/message.ts';
import { StateComparison } from '../../appliance/replication/state-comparison.ts';
import { carry, makeKey, pairOf, secretOf } from '../harness/replica.ts';
import type { TestNode } from '../harness/replica.ts';
import { twins, until } from '../harness/twin.ts';
import type { Twin } from '../harness/twin.ts';

const secret = Buffer.alloc(32, 7);

/** What a disk does that forgets: rows are gone, and the records know of them. */
function loseRows(node: TestNode, id: string): void {
  const database = openDatabase(node.path, node.pageKey);
  database.prepare('DELETE FROM object WHERE identifier = ?').run(id);
  database.prepare('DELETE FROM material WHERE object = ?').run(id);
  database.close();
}

function changer(keystore: SqliteKeystore, stop: AbortSignal): Promise<number> {
  const change = async (): Promise<number> => {
    let made = 0;
    for (; !stop.aborted; made++) {
      const id = await makeKey(keystore, secret);
      await keystore.change((draft) => {
        draft.append({ kind: 'object-activated', object: id, date: 1 });
      });
    }
    return made;
  };
  return change();
}

/** Two comparisons that hear one another, and never through a network. */
function comparers(t: ExecutionContext, one: SqliteKeystore, two: SqliteKeystore) {
  const messages: Comparison[] = [];
  const behind: { node?: string } = {};
  let elapsed = 0;
  const surroundings = {
    elapsed: () => elapsed,
    now: () => 1_700_000_000,
    random: (bytes: number) => Buffer.alloc(bytes),
    after: (_: number, act: () => void) => {
      void setImmediate().then(act);
      return () => {};
    },
    log: (_: string, message: string) => {
      t.log(message);
    },
  };
  const [a, b] = [one, two].map(
    (keystore): StateComparison =>
      new StateComparison({
        replica: keystore.replica,
        surroundings,
        peer: keystore === one ? two.replica.node : one.replica.node,
        behind: () => behind.node === keystore.replica.node,
        say: (comparison) => {
          const said = JSON.parse(JSON.stringify(comparison)) as Comparison;
          messages.push(said);
          (keystore === one ? b : a)?.heard(said);
        },
      }),
  );
  const look = (): void => {
    elapsed += 1_000;
    a?.look();
    b?.look();
  };
  return { a, b, look, messages, behind };
}

test('states are compared at heads that both have, whatever each has beyond them', async (t) => {
  const { b, one, two } = await pairOf(t);
  const shared = await makeKey(one, secret);
  const twice = await makeKey(one, secret);
  await carry(one, two);
  // From here on neither ever holds what the other one holds.
  const beyond = async (): Promise<void> => {
    for (const keystore of [one, two]) {
      await makeKey(keystore, secret);
      await keystore.change((draft) => {
        draft.append({ kind: 'object-activated', object: twice, date: 5 });
        draft.append({ kind: 'group-made', group: `of ${keystore.replica.node}` });
      });
    }
  };
  await beyond();
  const { a, b: other, look } = comparers(t, one, two);
  look();
  await until(async () => {
    await carry(one, two);
    await carry(two, one);
    await beyond();
    t.notDeepEqual(one.replica.heads(), two.replica.heads());
    look();
    return a?.equal === true && other?.equal === true;
  });
  loseRows(b, shared);
  await t.throwsAsync(secretOf(two, shared));
  const again = comparers(t, one, two);
  await until(async () => {
    await carry(one, two);
    await carry(two, one);
    await beyond();
    again.look();
    return two.object(shared) !== undefined && again.a?.equal === true && again.b?.equal === true;
  });
  t.deepEqual(two.replica.lacking(10), [shared]);
  await one.close();
  await two.close();
});

test('a node that lacks a great deal does not compare what little it has', async (t) => {
  const { one, two } = await pairOf(t);
  await makeKey(one, secret);
  await carry(one, two);
  await carry(two, one);
  const { a, b, look, messages, behind } = comparers(t, one, two);
  // Whichever of both asks.
  const asking = one.replica.node < two.replica.node ? one : two;
  behind.node = asking.replica.node;
  for (let i = 0; i < 5; i++) {
    look();
    await setImmediate();
  }
  t.deepEqual(messages, []);
  delete behind.node;
  await until(() => {
    look();
    return a?.equal === true && b?.equal === true;
  });
  await one.close();
  await two.close();
});

test('rows that one node lost are found while clients write without a pause', async (t) => {
  const { one, two } = await twins(t);
  const id = await makeKey(one.keystore, secret);
  await until(() => two.keystore.object(id) !== undefined);
  await two.stop();
  loseRows(two.node, id);
  const stop = new AbortController();
  const changes = [changer(one.keystore, stop.signal)];
  await two.start();
  t.is(two.keystore.object(id), undefined);
  two.link();
  changes.push(changer(two.keystore, stop.signal));
  const equal = ({ carrier }: Twin): boolean => carrier.peers()[0]?.equal === true;
  await until(() => two.keystore.object(id) !== undefined);
  await until(() => equal(one) && equal(two));
  await until(() => two.keystore.replica.lacking(1).length === 0);
  stop.abort();
  t.true((await Promise.all(changes)).every((made) => made > 0));
  t.deepEqual(await secretOf(two.keystore, id), secret);
  t.true([...one.said, ...two.said].some((text) => text.includes('folding anew')));
});
