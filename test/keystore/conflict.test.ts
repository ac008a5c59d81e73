import { randomUUID } from 'node:crypto';
import test from 'ava';
import { Tag } from '../../appliance/kmip/tag.ts';
import type { Conflict } from '../../appliance/keystore/conflict.ts';
import type { SqliteKeystore } from '../../appliance/keystore/store.ts';
import type { Value } from '../../appliance/ttlv/item.ts';
import { carry, makeKey, pairOf } from '../harness/replica.ts';

const secret = Buffer.alloc(32, 7);

function name(text: string): Value {
  const parts = [
    { tag: Tag.NameValue, type: 'TextString', value: text },
    { tag: Tag.NameType, type: 'Enumeration', value: 1 },
  ] as const;
  return { type: 'Structure', value: parts };
}

async function give(
  keystore: SqliteKeystore,
  object: string,
  [attribute, value]: readonly [string, Value],
  mode: 'add' | 'modify' = 'add',
): Promise<void> {
  await keystore.change((draft) => {
    const instance = { name: attribute, index: 0, value };
    draft.append({ kind: 'attribute-set', object, attribute: instance, mode });
  });
}

const open = (keystore: SqliteKeystore): Conflict[] =>
  keystore.conflicts(100).filter(({ settled }) => !settled);

async function acknowledge(keystore: SqliteKeystore, conflict: string): Promise<void> {
  await keystore.change((draft) => {
    draft.append({ kind: 'conflict-acknowledged', conflict });
  });
}

test('one Name given on two nodes apart: both objects keep it, and it is shown', async (t) => {
  const { one, two } = await pairOf(t);
  await carry(one, two);
  const first = await makeKey(one, secret);
  const second = await makeKey(two, secret);
  await give(one, first, ['Name', name('disk')]);
  await give(two, second, ['Name', name('disk')]);
  t.deepEqual([...open(one), ...open(two)], [], 'apart nobody knows');
  await carry(one, two);
  await carry(two, one);
  const filter = {
    ...{ attributes: [{ name: 'Name', value: name('disk') }], dates: [], offset: 0, maximum: 9 },
  };
  const both = [one, two].map((node) => node.locate('default', filter));
  t.deepEqual([...(both[0] ?? [])].sort(), [first, second].sort());
  t.deepEqual(both[0], both[1], 'Locate gives both, in one order on both nodes');
  for (const node of [one, two]) {
    t.like(open(node), [{ kind: 'name', about: 'disk', objects: both[0] }]);
  }
  t.deepEqual(open(one), open(two));

  // Another Name for one of them settles it.
  await give(two, second, ['Name', name('other disk')], 'modify');
  await carry(two, one);
  t.deepEqual([...open(one), ...open(two)], []);
  // Given again, it is there again, until a person lets it be; or one object is destroyed.
  await give(two, second, ['Name', name('disk')], 'modify');
  await carry(two, one);
  const [again] = open(one);
  await acknowledge(two, again?.id ?? '');
  await carry(two, one);
  t.deepEqual([...open(one), ...open(two)], []);
  t.is(one.conflicts(100).length, 1);
  await one.close();
  await two.close();
});

test('a conflict is settled by one person for both nodes, and a new one is another', async (t) => {
  const { one, two } = await pairOf(t);
  await carry(one, two);
  const id = await makeKey(one, secret, randomUUID());
  await give(one, id, ['Contact Information', { type: 'TextString', value: 'a' }]);
  await carry(one, two);
  const set = (node: SqliteKeystore, value: string): Promise<void> =>
    give(node, id, ['Contact Information', { type: 'TextString', value }], 'modify');
  await set(one, 'b');
  await set(two, 'c');
  await carry(one, two);
  await carry(two, one);
  t.deepEqual(open(one), open(two));
  const [conflict] = open(one);
  t.like(conflict, { kind: 'value', about: 'Contact Information', objects: [id] });
  await acknowledge(two, conflict?.id ?? '');
  await carry(two, one);
  t.deepEqual([...open(one), ...open(two)], []);
  t.deepEqual(one.conflicts(100), [{ ...conflict, settled: true }] as Conflict[]);
  // Something more was said at once: what a person saw was not this.
  await set(one, 'd');
  t.deepEqual(open(one), []);
  await set(one, 'e');
  await set(two, 'f');
  await carry(one, two);
  await carry(two, one);
  t.is(open(one).length, 1);
  t.not(open(one)[0]?.id, conflict?.id);
  await one.close();
  await two.close();
});

test('two objects under one identifier and a client of two groups are shown', async (t) => {
  const { one, two } = await pairOf(t);
  await carry(one, two);
  const id = randomUUID();
  await makeKey(one, secret, id);
  await makeKey(two, Buffer.alloc(32, 8), id);
  const common = { fingerprint: 'aa', certificate: '', name: 'c', state: 'pending' } as const;
  await one.change((draft) => {
    draft.append({ kind: 'client-enrolled', client: 'c', group: 'default', ...common });
  });
  await carry(one, two);
  await one.change((draft) => {
    draft.append({ kind: 'client-allowed', client: 'c', group: 'here' });
  });
  await two.change((draft) => {
    draft.append({ kind: 'client-allowed', client: 'c', group: 'there' });
  });
  await carry(one, two);
  await carry(two, one);
  t.deepEqual(open(one), open(two));
  t.deepEqual(
    open(one).map(({ kind, about }) => [kind, about]),
    [
      ['creation', 'creation'],
      ['client', 'group'],
    ],
  );
  await one.close();
  await two.close();
});
