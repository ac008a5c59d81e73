import { createHash } from 'node:crypto';
import test from 'ava';
import { DataEnumeration, HashingAlgorithm, nameOf } from '../../appliance/kmip/enumeration.ts';
import { Operation, ResultReason } from '../../appliance/kmip/enumeration.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { enumerated, found, integer, struct, text } from '../harness/operations.ts';
import { nearServer } from '../harness/near-server.ts';
import type { Asked } from '../harness/near-server.ts';

const random = (ephemeral?: boolean): Asked => ({
  operation: Operation.RNGRetrieve,
  payload: [integer('DataLength', 40)],
  ...(ephemeral === undefined ? {} : { ephemeral }),
});
const hash = (data: Item): Asked => ({
  operation: Operation.Hash,
  payload: [
    struct('CryptographicParameters', enumerated('HashingAlgorithm', HashingAlgorithm.SHA_256)),
    data,
  ],
});
const said = (value: DataEnumeration): Item => enumerated('Data', value);

/** The data of each item of an answer, in hexadecimal, or why there is none. */
function dataOf(answer: Item): unknown[] {
  const items = answer.type === 'Structure' ? answer.value : [];
  return items
    .filter(({ tag }) => tag === Tag.BatchItem)
    .map((item) => {
      const inside = item.type === 'Structure' ? item.value : [];
      const reason = found(inside, 'ResultReason')?.value;
      if (typeof reason === 'number') return nameOf(ResultReason, reason);
      const data = found(inside, 'Data');
      return data?.type === 'ByteString' ? Buffer.from(data.value).toString('hex') : undefined;
    });
}

const sha256 = (hex: unknown): string =>
  createHash('sha256')
    .update(Buffer.from(String(hex), 'hex'))
    .digest('hex');

test('KMIP 2.1 §7.9: an item takes the data of another, by operation or by place', async (t) => {
  const { send } = nearServer(t);
  const answer = await send([
    random(),
    hash(said(DataEnumeration.RNGRetrieve)),
    hash(integer('Data', -1)),
    hash(integer('Data', 0)),
    hash(said(DataEnumeration.Hash)),
  ]);
  const [drawn, first, second, third, fourth] = dataOf(answer);
  t.is(first, sha256(drawn));
  t.is(second, sha256(first));
  t.is(third, sha256(drawn));
  t.is(fourth, sha256(third));
});

test('§8.3: what is ephemeral is for later items, and not for the client', async (t) => {
  const { send } = nearServer(t);
  const answer = await send([random(true), hash(integer('Data', 0))]);
  const [drawn, hashed] = dataOf(answer);
  t.is(drawn, undefined);
  t.regex(String(hashed), /^[\da-f]{64}$/);
});

test('data that no item gave is refused, and 1.x has bytes alone', async (t) => {
  const { send } = nearServer(t);
  t.deepEqual(dataOf(await send([hash(said(DataEnumeration.Decrypt))])), ['InvalidField']);
  t.deepEqual(dataOf(await send([hash(integer('Data', 3))])), ['InvalidField']);
  const older = await send([random(), hash(integer('Data', 0))], { version: 104 });
  t.is(dataOf(older)[1], 'InvalidMessage');
});

test('§9.9, §9.10: who sends a correlation value gets it back beside the server’s', async (t) => {
  const { send } = nearServer(t);
  const header = [text('ClientCorrelationValue', 'job 7')];
  const answer = await send([random()], { header });
  const items = answer.type === 'Structure' ? answer.value : [];
  t.is(found(items, 'ClientCorrelationValue')?.value, 'job 7');
  t.truthy(found(items, 'ServerCorrelationValue')?.value);
  const plain = await send([random()]);
  const others = plain.type === 'Structure' ? plain.value : [];
  t.is(found(others, 'ServerCorrelationValue'), undefined);
});
