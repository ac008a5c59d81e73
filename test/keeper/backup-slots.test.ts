import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { KeeperError } from '../../appliance/keeper-client/keeper.ts';
import type { KeeperErrorCode } from '../../appliance/keeper-client/keeper.ts';
import { sealSecret } from '../../appliance/keeper/cluster-secret.ts';
import { makeSlot } from '../../appliance/keeper/slot.ts';
import type { Slot } from '../../appliance/keeper/slot.ts';
import { slotTablePurpose, storedText } from '../../appliance/keeper/slot-table.ts';
import type { StoredTable } from '../../appliance/keeper/slot-table.ts';
import { WrappingKey } from '../../appliance/keeper/wrapping-key.ts';
import { blankKeeper, keeperSetting, removeToken } from '../harness/near-token.ts';

test.after.always(removeToken);

const context = Buffer.from('context');
const secret = Buffer.from('a secret of some length');
const threeOfFive = { threshold: 3, shares: 5 };

async function refusal(
  t: ExecutionContext,
  code: KeeperErrorCode,
  act: Promise<unknown>,
): Promise<void> {
  const error = await t.throwsAsync(act, { instanceOf: KeeperError });
  t.is(error.code, code);
}

function slotsOf(folder: string): Slot[] {
  const text = readFileSync(join(folder, 'slots.a'), 'utf8');
  return [...(JSON.parse(text) as StoredTable).table.slots];
}

test('shares open a backup’s slot table on a new node, whose token gets a slot', async (t) => {
  const { keeper, token } = await keeperSetting(t);
  const shares = await keeper.makeRecovery(threeOfFive);
  const sealed = keeper.seal(context, secret);
  const slots = keeper.slots();
  for (const { keyId } of (JSON.parse(slots) as StoredTable).table.slots) token.lost.add(keyId);

  const { keeper: other, folder, another } = blankKeeper(t, token);
  const request = { shares, rootKeyLabel: 'new', slots };
  await refusal(t, 'shares-too-few', other.restore({ ...request, shares: shares.slice(0, 2) }));
  await refusal(t, 'no-recovery', other.restore({ ...request, slots: '{"rubbish' }));
  t.is(other.status().state, 'new');
  await other.restore(request);
  t.deepEqual(other.open(context, sealed), secret);
  t.deepEqual(other.derive('backup'), keeper.derive('backup'));
  t.false(slotsOf(folder).some(({ kind, keyId }) => kind === 'token' && token.lost.has(keyId)));
  const next = another();
  await next.advance();
  t.deepEqual(next.open(context, sealed), secret);
  await refusal(t, 'not-new', next.restore(request));
});

test('restored amid a rotation, the newer key is written under, whatever its name', async (t) => {
  const { keeper, token } = await keeperSetting(t);
  const shares = await keeper.makeRecovery(threeOfFive);
  const orders = new Set<boolean>();
  // A generation is named by chance: both orders of the two names are to be seen.
  for (let i = 0; i < 40 && orders.size < 2; i++) {
    const before = keeper.status().generation ?? '';
    const old = keeper.seal(context, secret);
    const begun = await keeper.rotateWrappingKey();
    orders.add(before < begun);
    const { keeper: other } = blankKeeper(t, token);
    await other.restore({ shares, rootKeyLabel: `new ${i}`, slots: keeper.slots() });
    t.like(other.status(), { generation: begun, older: [before], pending: undefined });
    t.deepEqual(other.open(context, old), secret);
    await other.retire(other.status().older ?? []);
    const next = await other.rotateWrappingKey();
    t.like(other.status(), { generation: next, older: [begun] });
    await keeper.retire(keeper.status().older ?? []);
  }
  t.is(orders.size, 2);
});

test('a slot table that an attacker made for our recovery key opens nothing', async (t) => {
  const { keeper, token } = await keeperSetting(t);
  const shares = await keeper.makeRecovery(threeOfFive);
  const { table } = JSON.parse(keeper.slots()) as StoredTable;
  // All that is needed to encrypt to the recovery set is public.
  const forged = new WrappingKey(Buffer.from(table.written, 'hex'), Buffer.alloc(32, 0x41));
  const slots = table.slots.map((slot) => forged.use((bytes) => makeSlot(slot, bytes)));
  const nonce = Buffer.alloc(12, 1);
  const own = sealSecret(forged, table.cluster, Buffer.alloc(32, 0x42), nonce);
  const text = storedText({ ...table, slots, secret: own }, forged.derive(slotTablePurpose));
  const { keeper: other } = blankKeeper(t, token);
  const request = { shares, rootKeyLabel: 'new', slots: text };
  await refusal(t, 'no-recovery', other.restore(request));
  t.is(other.status().state, 'new');
});

test('a serving keeper reads under its backup’s retired keys, and writes none down', async (t) => {
  const { keeper, another } = await keeperSetting(t);
  const shares = await keeper.makeRecovery(threeOfFive);
  const old = keeper.seal(context, secret);
  const slots = keeper.slots();
  await keeper.rotateWrappingKey();
  await keeper.retire(keeper.status().older ?? []);
  t.throws(() => keeper.open(context, old), { instanceOf: KeeperError });
  const before = keeper.slots();
  await keeper.lend({ shares: shares.slice(0, 3), slots });
  t.deepEqual(keeper.open(context, old), secret);
  t.is(keeper.status().older, undefined);
  t.is(keeper.slots(), before);
  const next = another();
  await next.advance();
  t.throws(() => next.open(context, old), { instanceOf: KeeperError });

  const stranger = await keeperSetting(t);
  await stranger.keeper.makeRecovery(threeOfFive);
  await refusal(t, 'no-recovery', keeper.lend({ shares, slots: stranger.keeper.slots() }));
});
