import test from 'ava';
import { nameOf } from '../../appliance/kmip/enumeration.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { Asker } from '../conformance/error/asker.ts';
import type { Given } from '../conformance/error/asker.ts';
import * as fit from '../conformance/error/fitting.ts';
import { textOf } from '../conformance/scene.ts';
import { date, enumerated, id, integer, struct, text } from '../harness/operations.ts';
import { nearServer } from '../harness/near-server.ts';

/** Locate (KMIP 1.4 §4.9) by every attribute that an object has, in every version. */
const versions = [100, 101, 102, 103, 104, 200, 201];

async function located(asker: Asker, ...wanted: readonly Item[]): Promise<string[]> {
  const asked = asker.isOld || wanted.length === 0 ? wanted : [struct('Attributes', ...wanted)];
  const { payload, reason } = await asker.ask('Locate', asked);
  if (reason !== 'Success') throw new Error(reason);
  return payload.filter(({ tag }) => tag === Tag.UniqueIdentifier).map(textOf);
}

/** All attributes of an object, as the wire has them. */
async function attributesOf(asker: Asker, object: string): Promise<readonly Item[]> {
  const { payload } = await asker.ask('GetAttributes', [id(object)]);
  const all = payload.filter(({ tag }) => tag !== Tag.UniqueIdentifier);
  const [whole] = all;
  return !asker.isOld && whole?.type === 'Structure' ? whole.value : all;
}

const nameIn = (item: Item): string => {
  const named =
    item.type === 'Structure' ? item.value.find(({ tag }) => tag === Tag.AttributeName) : undefined;
  return named === undefined ? nameOf(Tag, item.tag) : textOf(named);
};

const more: readonly Given[] = [
  fit.called('sought'),
  ['Object Group', text('ObjectGroup', 'a group')],
  ['Contact Information', text('ContactInformation', 'somebody')],
  ['x-Note', text('CustomAttribute', 'said')],
  fit.limited(100n),
];

for (const version of versions) {
  test(`${version}: every attribute of an object finds it`, async (t) => {
    const server = nearServer(t);
    const asker = new Asker(version, server.now(), (message) => server.exchange(message));
    const [privateKey = '', publicKey = ''] = await fit.pair(asker);
    const [certificate = ''] = await asker.made('Certify', [id(publicKey)]);
    const made: [string, string][] = [
      ['key', await fit.key(asker, ...more, fit.activeSince(asker))],
      ['private', privateKey],
      ['public', publicKey],
      ['certificate', certificate],
      ['secret', await fit.secret(asker)],
      ['opaque', await fit.opaque(asker)],
    ];
    const faults: string[] = [];
    for (const [what, object] of made) {
      for (const attribute of await attributesOf(asker, object)) {
        const found = await located(asker, attribute).catch((e: unknown) => [String(e)]);
        if (!found.includes(object))
          faults.push(`${what} ${nameIn(attribute)}: ${found.join(' ')}`);
      }
    }
    t.deepEqual(faults, []);
  });
}

test('2.1 §6.1.29: two values of any date are a range, one is that moment', async (t) => {
  const server = nearServer(t);
  const asker = new Asker(201, server.now(), (message) => server.exchange(message));
  const first = await fit.key(asker);
  server.wait(100);
  const [second = ''] = await asker.made('ReKey', [id(first)]);
  const now = server.now();
  for (const name of ['RotateDate', 'InitialDate', 'OriginalCreationDate'] as const) {
    t.deepEqual(await located(asker, date(name, now)), [second], name);
    t.deepEqual(await located(asker, date(name, now - 1)), [], name);
    t.deepEqual(await located(asker, date(name, now - 1), date(name, now + 1)), [second], name);
    t.deepEqual(await located(asker, date(name, now + 1), date(name, now + 2)), [], name);
  }
});

test('2.x: offsets and counts hold where an attribute is computed', async (t) => {
  const server = nearServer(t);
  const asker = new Asker(201, server.now(), (message) => server.exchange(message));
  const keys: string[] = [];
  for (const _ of [1, 2, 3]) keys.push(await fit.key(asker));
  await fit.opaque(asker);
  const raw = struct('Attributes', enumerated('KeyFormatType', 1));
  const { payload } = await asker.ask('Locate', [
    integer('MaximumItems', 1),
    integer('OffsetItems', 1),
    raw,
  ]);
  t.deepEqual(
    payload.map(({ value }) => value),
    [3, keys[1]],
  );
});
