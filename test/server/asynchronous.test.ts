import test from 'ava';
import { AsynchronousIndicator, Operation } from '../../appliance/kmip/enumeration.ts';
import { ResultReason, ResultStatus } from '../../appliance/kmip/enumeration.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import { serverLimits } from '../../appliance/server/limit.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { find, findAll, textOf } from '../conformance/scene.ts';
import { enumerated, integer, struct } from '../harness/operations.ts';
import { nearServer } from '../harness/near-server.ts';
import type { Asked, NearServer } from '../harness/near-server.ts';

/** How many later answers are kept, for how long, and what a client finds when they are gone. */
const { Mandatory, Optional } = AsynchronousIndicator;
const indicator = (value: number): readonly Item[] => [enumerated('AsynchronousIndicator', value)];
const create: Asked = {
  operation: Operation.Create,
  payload: [
    enumerated('ObjectType', 2),
    struct(
      'Attributes',
      enumerated('CryptographicAlgorithm', 3),
      integer('CryptographicLength', 256),
      integer('CryptographicUsageMask', 12),
    ),
  ],
};
const statusOf = (answer: Item): unknown => find(answer, Tag.ResultStatus)?.value;
const reasonOf = (answer: Item): unknown => find(answer, Tag.ResultReason)?.value;

/** Leaves as many answers unfetched as a client may. */
async function fill({ send }: NearServer): Promise<void> {
  for (let i = 0; i < serverLimits.pending; i++) {
    await send([{ operation: Operation.RNGRetrieve, payload: [integer('DataLength', 8)] }], {
      header: indicator(Mandatory),
    });
  }
}

test('who insists past the limit is refused before anything is done', async (t) => {
  const server = nearServer(t);
  await fill(server);
  const { records } = server.keystore.count();
  const refused = await server.send([create], { header: indicator(Mandatory) });
  t.is(reasonOf(refused), ResultReason.ServerLimitExceeded);
  t.is(server.keystore.count().records, records);
  // An hour later nobody will fetch them: there is room again.
  server.wait(serverLimits.pendingSeconds + 1);
  const begun = await server.send([create], { header: indicator(Mandatory) });
  t.is(statusOf(begun), ResultStatus.OperationPending);
});

test('who only takes a later answer is answered at once, a slow operation too', async (t) => {
  const server = nearServer(t, { patience: 0 });
  await fill(server);
  const made = await server.send([create], { header: indicator(Optional) });
  t.is(statusOf(made), ResultStatus.Success);
  const identifier = find(made, Tag.UniqueIdentifier);
  if (identifier === undefined) return t.fail();
  const get = { operation: Operation.Get, payload: [identifier] };
  const got = await server.send([get], { header: indicator(Optional) });
  t.truthy(find(got, Tag.KeyMaterial));
});

test('a lost answer’s value is unknown, and Locate finds what was made', async (t) => {
  const server = nearServer(t);
  const poll = (begun: Item): Asked => ({
    operation: Operation.Poll,
    payload: findAll(begun, Tag.AsynchronousCorrelationValue),
  });
  const begun = await server.send([create], { header: indicator(Mandatory) });
  await server.send([{ ...poll(begun), operation: Operation.Process }]);
  const unknown = ResultReason.InvalidAsynchronousCorrelationValue;
  const lost = async (): Promise<void> => {
    t.is(reasonOf(await server.send([poll(begun)])), unknown);
    const cancel = { ...poll(begun), operation: Operation.Cancel };
    t.is(reasonOf(await server.send([cancel])), unknown);
    const older = await server.send([poll(begun)], { version: 104 });
    t.is(reasonOf(older), ResultReason.ItemNotFound);
  };
  server.restart();
  await lost();
  const located = await server.send([{ operation: Operation.Locate, payload: [] }]);
  t.is(findAll(located, Tag.UniqueIdentifier).map(textOf).length, 1);

  // So is one that nobody fetched within the hour.
  const late = await server.send([create], { header: indicator(Mandatory) });
  server.wait(serverLimits.pendingSeconds + 1);
  t.is(reasonOf(await server.send([poll(late)])), unknown);
});
