import { randomUUID } from 'node:crypto';
import test from 'ava';
import type { Appliance } from '../../appliance/admin/appliance.ts';
import { KeyActs } from '../../appliance/admin/key-act.ts';
import { keyPage } from '../../appliance/admin/schema.ts';
import { ObjectType } from '../../appliance/kmip/enumeration.ts';
import { TestNode, testCluster } from '../harness/replica.ts';

const keys = 2_500;

test('a page looks at a thousand keys at most, all pages at each key once', async (t) => {
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
