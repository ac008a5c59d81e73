import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import fc from 'fast-check';
import type { KeeperErrorCode } from '../../appliance/keeper-client/keeper.ts';
import { KeeperError } from '../../appliance/keeper-client/keeper.ts';
import { joinSecret, splitSecret } from '../../appliance/keeper/recovery-share.ts';
import { makeSlot } from '../../appliance/keeper/slot.ts';
import type { SlotTable } from '../../appliance/keeper/slot-table.ts';
import { keeperSetting, removeToken } from '../harness/near-token.ts';

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

function readTable(folder: string): SlotTable {
  return (JSON.parse(readFileSync(join(folder, 'slots.a'), 'utf8')) as { table: SlotTable }).table;
}

test('any three of five shares give the secret back, and no two do', async (t) => {
  const set = Buffer.from('01020304', 'hex');
  const whole = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7));
  const shares = await splitSecret(whole, set, threeOfFive);
  t.is(new Set(shares).size, 5);
  for (const share of shares) t.regex(share, /^([0-9A-HJKMNP-TV-Z]{6}-){11}[0-9A-HJKMNP-TV-Z]{5}$/);
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(shares, { minLength: 1 }),
      fc.boolean(),
      async (some, carelessly) => {
        // As people copy: small letters, other gaps, O for 0.
        const typed = some.map((share) =>
          carelessly ? share.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o') : share,
        );
        const joined = joinSecret(typed, set);
        if (some.length >= 3) return (await joined).equals(whole);
        return joined.then(
          () => false,
          (error: unknown) => (error as KeeperError).code === 'shares-too-few',
        );
      },
    ),
  );
  const [first = '', second = ''] = shares;
  await refusal(t, 'shares-too-few', joinSecret([first, second], set));
  await refusal(t, 'share-twice', joinSecret([first, first, second], set));
  t.true((await joinSecret([...shares, first], set)).equals(whole));
  await refusal(t, 'share-foreign', joinSecret(shares, Buffer.from('01020305', 'hex')));
});

test('a share with any character changed is found out', async (t) => {
  const set = Buffer.from('01020304', 'hex');
  const [share = '', ...others] = await splitSecret(Buffer.alloc(32, 9), set, threeOfFive);
  for (let i = 0; i < share.length; i++) {
    if (share[i] === '-') continue;
    const changed = `${share.slice(0, i)}${share[i] === 'Z' ? 'Y' : 'Z'}${share.slice(i + 1)}`;
    await refusal(t, 'share-damaged', joinSecret([changed, ...others], set));
  }
  await refusal(t, 'share-damaged', joinSecret([share.slice(1), ...others], set));
});

test('a set counts when it is proven, and only its own shares prove it', async (t) => {
  const { keeper, another } = await keeperSetting(t);
  await refusal(t, 'no-recovery', keeper.proveRecovery([]));
  t.is(keeper.status().recovery, undefined);
  const earlier = await keeper.makeRecovery(threeOfFive);
  const shares = await keeper.makeRecovery(threeOfFive);
  t.like(keeper.status().recovery, { members: [threeOfFive], proven: false });
  await refusal(t, 'shares-too-few', keeper.proveRecovery(shares.slice(0, 2)));
  await refusal(t, 'share-foreign', keeper.proveRecovery(earlier));
  t.false(keeper.status().recovery?.proven);
  await keeper.proveRecovery(shares.slice(2));
  t.true(keeper.status().recovery?.proven);
  const next = another();
  await next.advance();
  t.true(next.status().recovery?.proven);
  await refusal(t, 'protocol', keeper.makeRecovery({ threshold: 1, shares: 5 }));
  await refusal(t, 'protocol', keeper.makeRecovery({ threshold: 4, shares: 3 }));
});

test('with shares a new token opens what the lost one had sealed', async (t) => {
  const { keeper, token, folder, another } = await keeperSetting(t);
  const shares = await keeper.makeRecovery(threeOfFive);
  await keeper.proveRecovery(shares.slice(0, 3));
  const old = keeper.seal(context, secret);
  await keeper.rotateRootKey({ rootKeyLabel: 'second' });
  await keeper.rotateWrappingKey();
  const sealed = keeper.seal(context, secret);
  await refusal(t, 'not-new', keeper.restore({ shares, rootKeyLabel: 'third' }));

  for (const { keyId } of readTable(folder).slots) token.lost.add(keyId);
  const next = another();
  await next.advance();
  t.is(next.status().state, 'sealed');
  await refusal(
    t,
    'shares-too-few',
    next.restore({ shares: shares.slice(3), rootKeyLabel: 'third' }),
  );
  t.is(next.status().state, 'sealed');
  await next.restore({ shares: shares.slice(1, 4), rootKeyLabel: 'third' });
  t.deepEqual(next.open(context, sealed), secret);
  t.deepEqual(next.open(context, old), secret);
  // The lost token's slots are gone; the recovery set stays, and counts.
  const { slots } = readTable(folder);
  t.false(slots.some(({ kind, keyId }) => kind === 'token' && token.lost.has(keyId)));
  t.true(next.status().recovery?.proven);
  await next.retire(next.status().older ?? []);
  const last = another();
  await last.advance();
  t.deepEqual(last.open(context, sealed), secret);
  await last.proveRecovery(shares.slice(0, 3));
});

test('a token that dies while keys are restored leaves all as it was', async (t) => {
  const { keeper, token, folder, another } = await keeperSetting(t);
  const shares = await keeper.makeRecovery(threeOfFive);
  const sealed = keeper.seal(context, secret);
  for (const { keyId } of readTable(folder).slots) token.lost.add(keyId);
  const before = readFileSync(join(folder, 'slots.a'), 'utf8');
  for (let calls = 0; ; calls++) {
    const next = another();
    token.callsLeft = calls;
    const error: unknown = await next.restore({ shares, rootKeyLabel: 'next' }).then(
      () => undefined,
      (cause: unknown) => cause,
    );
    Object.assign(token, { dead: false, callsLeft: Infinity });
    if (error === undefined) {
      t.deepEqual(next.open(context, sealed), secret);
      break;
    }
    t.is((error as KeeperError).code, 'token');
    t.is(readFileSync(join(folder, 'slots.a'), 'utf8'), before);
  }
});

test('a recovery slot that somebody put in the place of ours opens nothing', async (t) => {
  const { keeper, token, folder, another } = await keeperSetting(t);
  const shares = await keeper.makeRecovery(threeOfFive);
  const table = readTable(folder);
  const slots = table.slots.map((slot) =>
    // Anybody has the public half: a wrapping key of the attacker's, well sealed to it.
    makeSlot(slot, Buffer.alloc(32, 0x41)),
  );
  for (const name of ['slots.a', 'slots.b']) {
    const stored = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { table: SlotTable };
    writeFileSync(join(folder, name), JSON.stringify({ ...stored, table: { ...table, slots } }));
  }
  for (const { keyId } of table.slots) token.lost.add(keyId);
  await refusal(t, 'no-recovery', another().restore({ shares, rootKeyLabel: 'next' }));
});
