import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { SlotTable, StoredTable } from '../../appliance/keeper/slot-table.ts';
import { retiredWith } from '../../appliance/keeper/retired-root.ts';
import { blankKeeper, keeperSetting, NearToken, removeToken } from '../harness/near-token.ts';

test.after.always(removeToken);

const context = Buffer.from('context');
const secret = Buffer.from('a secret of some length');

function readTable(folder: string, name = 'slots.a'): SlotTable {
  return (JSON.parse(readFileSync(join(folder, name), 'utf8')) as StoredTable).table;
}

test('a root key that was rotated away is destroyed once the new one has opened', async (t) => {
  const { keeper, token, folder, another } = await keeperSetting(t);
  const sealed = keeper.seal(context, secret);
  const [first = ''] = token.keys();
  await keeper.rotateRootKey({ rootKeyLabel: 'next' });
  t.is(token.keys().length, 2);
  t.deepEqual(
    readTable(folder).retired?.map(({ keyId }) => keyId),
    [first],
  );
  await keeper.advance();
  t.deepEqual(
    token.keys(),
    readTable(folder).slots.map(({ keyId }) => keyId),
  );
  t.is(readTable(folder).retired, undefined);
  const next = another();
  await next.advance();
  t.deepEqual(next.open(context, sealed), secret);
});

test('it is destroyed in the token that it is in, when that one is there', async (t) => {
  const [tpm, usb] = [new NearToken(), new NearToken()];
  const { keeper, folder } = blankKeeper(t, tpm, { usb });
  await keeper.initialise('root');
  await keeper.rotateRootKey({ rootKeyLabel: 'next', token: 'usb' });
  tpm.dead = true;
  await keeper.advance();
  t.deepEqual([tpm.keys().length, usb.keys().length], [1, 1]);
  t.deepEqual(
    readTable(folder).retired?.map((root) => root.token),
    ['tpm'],
  );
  t.is(keeper.status().token.state, 'ready');
  tpm.dead = false;
  await keeper.advance();
  t.deepEqual([tpm.keys().length, usb.keys().length], [0, 1]);
});

test('it is not taken for destroyed where another card bears its token’s name', async (t) => {
  const { keeper, token, folder } = await keeperSetting(t);
  const [first = ''] = token.keys();
  await keeper.rotateRootKey({ rootKeyLabel: 'next' });
  t.regex(readTable(folder).retired?.[0]?.device ?? '', /near-\d+$/);
  token.lost.add(first);
  token.serial = 'another-card';
  await keeper.advance();
  t.is(readTable(folder).retired?.length, 1);
  token.lost.clear();
  token.serial = undefined;
  await keeper.advance();
  t.is(readTable(folder).retired, undefined);
  t.is(token.keys().length, 1);
});

test('while a copy of the slot table is damaged nothing is destroyed', async (t) => {
  const { keeper, token, folder } = await keeperSetting(t);
  await keeper.rotateRootKey({ rootKeyLabel: 'next' });
  const whole = readFileSync(join(folder, 'slots.b'));
  writeFileSync(join(folder, 'slots.b'), whole.subarray(0, 100));
  await keeper.advance();
  t.is(token.keys().length, 2);
  writeFileSync(join(folder, 'slots.b'), whole);
  await keeper.advance();
  t.is(token.keys().length, 1);
});

test('a rotation that fails midway leaves no key behind, and the old one in use', async (t) => {
  for (let calls = 0; ; calls++) {
    const { keeper, token, another } = await keeperSetting(t);
    const sealed = keeper.seal(context, secret);
    token.callsLeft = calls;
    const done = await keeper.rotateRootKey({ rootKeyLabel: 'next' }).then(
      () => true,
      () => false,
    );
    Object.assign(token, { dead: false, callsLeft: Infinity });
    const next = another();
    await next.advance();
    await next.advance();
    t.is(token.keys().length, 1, `${calls} calls`);
    t.deepEqual(next.open(context, sealed), secret);
    if (done) break;
  }
});

test('a root key that any slot still needs is never among the retired', async (t) => {
  const { keeper, folder } = await keeperSetting(t);
  await keeper.makeRecovery({ threshold: 2, shares: 3 });
  const table = readTable(folder);
  const [own] = table.slots;
  if (own === undefined) throw new Error('no slot');
  const other = { ...own, keyId: 'aa', publicKey: 'b2w=', token: 'usb' };
  // A slot of an older generation keeps its root key; so does a peer's, in a token that both use.
  t.deepEqual(retiredWith(table, table.slots), []);
  const { keyId, publicKey, token, device } = own;
  t.deepEqual(retiredWith(table, [other]), [{ keyId, publicKey, token, device }]);
  t.deepEqual(retiredWith(table, [{ ...other, publicKey }]), []);
  const { label, hash } = own;
  const peer = { node: 'n', name: 'p', root: { keyId, label, publicKey, hash }, slots: [] };
  const peers = [{ ...peer, serial: 0, proven: [] }];
  t.deepEqual(retiredWith({ ...table, peers }, [other]), []);
});
