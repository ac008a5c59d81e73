import { randomUUID } from 'node:crypto';
import test from 'ava';
import Database from 'better-sqlite3';
import type { Appliance } from '../../appliance/admin/appliance.ts';
import { KeyActs } from '../../appliance/admin/key-act.ts';
import { keyPage } from '../../appliance/admin/schema.ts';
import { ObjectType } from '../../appliance/kmip/enumeration.ts';
import { TestNode, testCluster } from '../harness/replica.ts';

const keys = 2_500;

test.serial('a page looks at a thousand keys at most, all pages at each key once', async (t) => {
  const keystore = new TestNode(t, testCluster()).open();
  t.teardown(() => keystore.close());
  const made = Array.from({ length: keys }, () => randomUUID());
  await keystore.change((draft) => {
    for (const [i, object] of made.entries()) {
      const value = { type: 'TextString', value: i === keys - 1 ? 'the last' : 'another' } as const;
      draft.append({
        kind: 'object-created',
        object,
        group: 'default',
        objectType: ObjectType.SymmetricKey,
        attributes: [{ name: 'x-Name', index: 0, value }],
        form: [],
      });
    }
  });
  const reach = { opened: () => ({ keystore, now: () => 1_700_000_000 }) as unknown as Appliance };
  const acts = new KeyActs(reach as unknown as ConstructorParameters<typeof KeyActs>[0]);
  const seen: string[] = [];
  let pages = 0;
  let after: string | undefined;
  do {
    const page = acts.list(
      keyPage.parse({ limit: 700, ...(after === undefined ? {} : { after }) }),
    );
    t.true(page.keys.length <= 700 && page.scanned <= 1000);
    seen.push(...page.keys.map(({ id }) => id));
    pages++;
    after = page.next;
  } while (after !== undefined);
  t.deepEqual(seen, made);
  t.is(pages, Math.ceil(keys / 700));

  // A filter that finds one key at the very end: three looks, none of which is long.
  const first = acts.list(keyPage.parse({ name: 'THE LAST' }));
  t.deepEqual([first.keys.length, first.scanned], [0, 1000]);
  const second = acts.list(keyPage.parse({ name: 'the last', after: first.next }));
  t.deepEqual([second.keys.length, second.scanned], [0, 1000]);
  const third = acts.list(keyPage.parse({ name: 'the last', after: second.next }));
  t.deepEqual([third.keys.map(({ id }) => id), third.next], [made.slice(-1), undefined]);
});

interface Statement {
  readonly source: string;
  readonly database: { prepare(sql: string): { all(...values: unknown[]): { detail: string }[] } };
}
type Ask = (this: Statement, ...values: unknown[]) => unknown;

test.serial('no page of the list scans a table, whatever is asked for', async (t) => {
  const keystore = new TestNode(t, testCluster()).open();
  t.teardown(() => keystore.close());
  const attribute = (name: string, value: string) =>
    ({ name, index: 0, value: { type: 'TextString', value } }) as const;
  await keystore.change((draft) => {
    for (let i = 0; i < 20; i++) {
      draft.append({
        kind: 'object-created',
        object: randomUUID(),
        group: 'default',
        objectType: ObjectType.SymmetricKey,
        attributes: [attribute('x-Name', `machine ${i}`), attribute('x-Identifier', `${i % 7}`)],
        form: [],
      });
    }
  });
  const statements = Object.getPrototypeOf(new Database(':memory:').prepare('SELECT 1')) as Record<
    string,
    Ask
  >;
  const asked = new Map<string, readonly [Statement, readonly unknown[]]>();
  for (const how of ['get', 'all', 'iterate']) {
    const plain = statements[how] as Ask;
    statements[how] = function (this: Statement, ...values): unknown {
      asked.set(this.source, [this, values]);
      return plain.apply(this, values);
    };
    t.teardown(() => {
      statements[how] = plain;
    });
  }
  const reach = { opened: () => ({ keystore, now: () => 1_700_000_000 }) as unknown as Appliance };
  const acts = new KeyActs(reach as unknown as ConstructorParameters<typeof KeyActs>[0]);
  const { next } = acts.list(keyPage.parse({ limit: 5 }));
  for (const filter of [
    ...[{}, { state: 'Active' }, { group: 'default' }, { client: 'vc' }, { name: 'machine 1' }],
    ...[{ older: 1 }, { unfetched: 1 }, { copies: 'single' }, { superseded: 'yes' }],
  ]) {
    acts.list(keyPage.parse({ ...filter, after: next }));
  }
  const found = [...asked.values()];
  t.true(found.some(([{ source }]) => source.includes('FROM object')));
  // A newer key of the same owner is looked for among that owner's, not among all of the group.
  const newer = found.find(([{ source }]) => source.includes("'x-Identifier'"));
  const [first] =
    newer?.[0].database.prepare(`EXPLAIN QUERY PLAN ${newer[0].source}`).all(...newer[1]) ?? [];
  t.regex(first?.detail ?? '', /^SEARCH a USING .*name=\? AND value=\?/);
  // The check sees a scan where there is one.
  const [scan] =
    found[0]?.[0].database
      .prepare('EXPLAIN QUERY PLAN SELECT * FROM object WHERE initial_date > 0')
      .all() ?? [];
  t.regex(scan?.detail ?? '', /^SCAN object/);
  for (const [{ source, database }, values] of found) {
    for (const { detail } of database.prepare(`EXPLAIN QUERY PLAN ${source}`).all(...values)) {
      t.notRegex(detail, /^SCAN (?!CONSTANT)|TEMP B-TREE/, source);
    }
  }
});
