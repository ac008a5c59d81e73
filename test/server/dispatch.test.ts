import { createSecretKey, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import fc from 'fast-check';
import type { Client } from '../../appliance/keystore/client.ts';
import { SqliteKeystore } from '../../appliance/keystore/store.ts';
import { Dispatch } from '../../appliance/server/dispatch.ts';
import { removeFolder, temporaryFolder } from '../harness/appliance.ts';
import { NearKeeper } from '../harness/keeper.ts';
import { enumeration, find, integer, readAnswer, request } from '../harness/vcenter.ts';
import { wire } from '../harness/vcenter.ts';
import type { Answer, Shape, Wire } from '../harness/vcenter.ts';

type Send = (items: readonly Wire[], shape?: Shape, group?: string) => Promise<Answer>;

function client(group: string): Client {
  const common = { id: group, name: group, fingerprint: group, certificate: '', added: 0 };
  return { ...common, group, state: 'allowed' };
}

function setting(
  t: ExecutionContext,
  options: { recoverable?: () => Promise<boolean> } = {},
): {
  send: Send;
  dispatch: Dispatch;
  keystore: SqliteKeystore;
} {
  const folder = temporaryFolder();
  const now = (): number => 1_700_000_000;
  const keystore = new SqliteKeystore({
    path: join(folder, 'keystore.db'),
    pageKey: randomBytes(32),
    recordKey: generateKeyPairSync('ed25519').privateKey,
    commitmentKey: createSecretKey(randomBytes(32)),
    keeper: new NearKeeper(),
    cluster: '01'.repeat(16),
    node: '02'.repeat(16),
    epoch: '03'.repeat(16),
    now,
    log: () => {},
    ...options,
  });
  t.teardown(async () => {
    await keystore.close();
    removeFolder(folder);
  });
  const dispatch = new Dispatch({
    keystore,
    now,
    random: (bytes) => randomBytes(bytes),
    newIdentifier: () => randomUUID(),
    log: () => {},
  });
  const send: Send = async (items, shape, group = 'default') =>
    readAnswer(await dispatch.answer(request(items, shape), client(group), 'request'));
  return { send, dispatch, keystore };
}

async function create(send: Send): Promise<string> {
  const [result] = (await send([wire.create()])).results;
  return find(result?.payload ?? [], 0x420094)?.body.toString() ?? '';
}

const option = (value: number): Shape => ({ header: enumeration(0x42000e, value) });
const statuses = (answer: Answer): unknown[] => answer.results.map(({ status }) => status);

test('§6.13: Stop answers up to the first failure, Continue answers all', async (t) => {
  const { send } = setting(t);
  const id = await create(send);
  const batch = [wire.activate(id), wire.get('unknown'), wire.getAttribute(id, 'State')];
  t.deepEqual(statuses(await send(batch)), [0, 1]);
  const second = await create(send);
  const again = [wire.activate(second), wire.get('unknown'), wire.getAttribute(second, 'State')];
  t.deepEqual(statuses(await send(again, option(1))), [0, 1, 0]);
});

test('§6.13: Undo leaves nothing of a batch in which one item fails', async (t) => {
  const { send, keystore } = setting(t);
  const id = await create(send);
  const before = keystore.count();
  const batch = [wire.activate(id), wire.create(), wire.get('unknown')];
  t.deepEqual(statuses(await send(batch, option(3))), [3, 3, 1]);
  t.deepEqual(keystore.count(), before);
  const [state] = (await send([wire.getAttribute(id, 'State')])).results;
  t.is(find(state?.payload ?? [], 0x420008, 0x42000b)?.body.readUInt32BE(0), 1);
  const good = [wire.activate(id), wire.create(), wire.get(id)];
  t.deepEqual(statuses(await send(good, option(3))), [0, 0, 0]);
});

test('§6.13: an item that fails late, in a batch that is undone, harms nobody', async (t) => {
  const { send } = setting(t);
  const id = await create(send);
  // Raw bytes of a symmetric key are no X.509: refused once the key is opened, after the commit.
  const payload = Buffer.concat([wire.get(id).payload, enumeration(0x420042, 5)]);
  const late: Wire = { operation: 0x0a, payload };
  const answer = await send([late, wire.activate('unknown')], option(3));
  t.true(statuses(answer).includes(1));
  // A promise that nobody awaits would end the process here.
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(statuses(await send([wire.get(id)])), [0]);
});

test('§6.13: what a batch has committed is never answered as undone', async (t) => {
  const { send, keystore } = setting(t);
  const before = keystore.count().objects;
  // The key is opened after the commit only, and then its bytes are no X.509.
  const late: Wire = { operation: 0x0a, payload: enumeration(0x420042, 5) };
  const answer = await send([wire.create(), late, wire.create()], option(3));
  t.deepEqual(statuses(answer), [0, 1, 0]);
  t.is(keystore.count().objects, before + 2);
  for (const at of [0, 2]) {
    const id = find(answer.results[at]?.payload ?? [], 0x420094)?.body.toString() ?? '';
    t.deepEqual(statuses(await send([wire.get(id)])), [0]);
  }
});

test('§4: the ID Placeholder carries an identifier to the items that follow', async (t) => {
  const { send } = setting(t);
  const bare = (operation: number): Wire => ({ operation, payload: Buffer.alloc(0) });
  const answer = await send([wire.create(), bare(0x12), bare(0x0a)]);
  t.deepEqual(statuses(answer), [0, 0, 0]);
  t.is((await send([bare(0x0a)])).results[0]?.reason, 1);
});

test('§7.2: a batch needs ids; without them no item is performed', async (t) => {
  const { send, keystore } = setting(t);
  const before = keystore.count();
  const answer = await send([wire.create(), wire.create()], { ids: false });
  t.deepEqual(statuses(answer), [1]);
  t.is(answer.results[0]?.reason, 4);
  t.deepEqual(keystore.count(), before);
});

test('another group’s object is answered as one that does not exist', async (t) => {
  const { send } = setting(t);
  const id = await create(send);
  const every = [
    wire.get,
    wire.activate,
    wire.destroy,
    (each: string) => wire.getAttribute(each, 'State'),
    (each: string) => wire.addAttribute(each, 'x-Name', 'theirs'),
    (each: string) => wire.revoke(each, 2),
  ];
  for (const make of every) {
    const theirs = await send([make(id)], {}, 'others');
    const nobodys = await send([make(randomUUID())], {}, 'others');
    t.deepEqual(theirs.raw, nobodys.raw);
    t.is(theirs.results[0]?.status, 1);
  }
  t.is((await send([wire.get(id)])).results[0]?.status, 0);
  const located = await send([{ operation: 0x08, payload: Buffer.alloc(0) }], {}, 'others');
  t.deepEqual(located.results[0]?.payload, []);
});

test('§6.3: a response longer than the client takes is refused', async (t) => {
  const { send } = setting(t);
  const id = await create(send);
  const shape = { header: integer(0x420050, 100) };
  const [result] = (await send([wire.get(id)], shape)).results;
  t.deepEqual([result?.operation, result?.reason], [0x0a, 2]);
});

test('§11.1: errors bear the version of their request', async (t) => {
  const { send } = setting(t);
  for (const minor of [0, 1, 2, 3, 4]) {
    t.deepEqual((await send([wire.get('x')], { version: [1, minor] })).version, [1, minor]);
  }
});

test('whatever bytes come, there is a KMIP answer and the next request is served', async (t) => {
  const { send, dispatch } = setting(t);
  const id = await create(send);
  const whole = request([wire.addAttribute(id, 'x-A', 'b'), wire.get(id), wire.create()]);
  const edits = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), {
    minLength: 1,
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(edits, async (changes) => {
      const changed = Buffer.from(whole);
      for (const [at, byte] of changes) changed[at] = byte;
      const answer = readAnswer(await dispatch.answer(changed, client('default'), 'request'));
      return (
        answer.results.length > 0 && answer.results.every(({ status }) => status !== undefined)
      );
    }),
    { numRuns: 500 },
  );
  t.is((await send([wire.get(id)])).results[0]?.status, 0);
});

test('no key is made while nobody could recover it, and every other is still served', async (t) => {
  let proven = true;
  const { send } = setting(t, { recoverable: () => Promise.resolve(proven) });
  const made = (await send([wire.create()])).results[0];
  const id = find(made?.payload ?? [], 0x420094)?.body.toString() ?? '';
  proven = false;
  const refused = (await send([wire.create()])).results[0];
  t.is(refused?.status, 1);
  t.is(refused?.reason, 0x0c);
  t.is((await send([wire.get(id)])).results[0]?.status, 0);
});
