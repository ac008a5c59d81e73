import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { KeeperError } from '../../appliance/keeper-client/keeper.ts';
import type { SlotTable } from '../../appliance/keeper/slot-table.ts';
import { blankKeeper, NearToken, removeToken } from '../harness/near-token.ts';

test.after.always(removeToken);

const context = Buffer.from('context');
const secret = Buffer.from('a secret of some length');

function readTable(folder: string): SlotTable {
  return (JSON.parse(readFileSync(join(folder, 'slots.a'), 'utf8')) as { table: SlotTable }).table;
}

test('the root key moves to another token and back, and each says which it is', async (t) => {
  const [tpm, usb] = [new NearToken(), new NearToken()];
  const { keeper, folder, another } = blankKeeper(t, tpm, { usb });
  await keeper.initialise('root');
  await keeper.advance();
  const sealed = keeper.seal(context, secret);
  for (const [name, other] of [
    ['usb', tpm],
    ['tpm', usb],
  ] as const) {
    await keeper.rotateRootKey({ rootKeyLabel: 'next', token: name });
    t.is(keeper.status().token.name, name);
    const { slots } = readTable(folder);
    t.deepEqual(
      slots.map((slot) => slot.token),
      [name],
    );
    t.regex(slots[0]?.device ?? '', /SoftHSM/);
    // The token that held it before is not needed any more.
    other.dead = true;
    const next = another();
    await next.advance();
    t.deepEqual(next.open(context, sealed), secret);
    t.is(next.status().token.name, name);
    t.is(next.status().token.state, 'ready');
    t.deepEqual(
      next
        .status()
        .tokens?.filter(({ root }) => root)
        .map((each) => each.name),
      [name],
    );
    other.dead = false;
  }
  const error = await t.throwsAsync(
    keeper.rotateRootKey({ rootKeyLabel: 'next', token: 'no-such' }),
    { instanceOf: KeeperError },
  );
  t.is(error.code, 'token-unknown');
});

test('a move during which either token dies, at any call, leaves slots that open', async (t) => {
  for (const dying of ['tpm', 'usb'] as const) {
    for (let calls = 0; ; calls++) {
      const tokens = { tpm: new NearToken(), usb: new NearToken() };
      const { keeper, another } = blankKeeper(t, tokens.tpm, { usb: tokens.usb });
      await keeper.initialise('root');
      const sealed = keeper.seal(context, secret);
      tokens[dying].callsLeft = calls;
      const error: unknown = await keeper
        .rotateRootKey({ rootKeyLabel: 'next', token: 'usb' })
        .then(
          () => undefined,
          (refusal: unknown) => refusal,
        );
      t.deepEqual(keeper.open(context, sealed), secret);
      if (error !== undefined) t.is((error as KeeperError).code, 'token');
      Object.assign(tokens[dying], { dead: false, callsLeft: Infinity });
      const next = another();
      await next.advance();
      t.deepEqual(next.open(context, sealed), secret, `${dying} after ${calls} calls`);
      // What was cut short is begun again, and ends.
      await next.rotateRootKey({ rootKeyLabel: 'again', token: 'usb' });
      t.is(next.status().token.name, 'usb');
      if (error === undefined) break;
    }
  }
});

test('both rotations asked for at once happen one after the other, and lose nothing', async (t) => {
  const { keeper, another } = blankKeeper(t, new NearToken(), { usb: new NearToken() });
  await keeper.initialise('root');
  const old = keeper.seal(context, secret);
  const [, generation] = await Promise.all([
    keeper.rotateRootKey({ rootKeyLabel: 'next', token: 'usb' }),
    keeper.rotateWrappingKey(),
    keeper.advance(),
    keeper.rotateRootKey({ rootKeyLabel: 'back', token: 'tpm' }),
  ]);
  const sealed = keeper.seal(context, secret);
  t.is(sealed.subarray(1, 17).toString('hex'), generation);
  const next = another();
  await next.advance();
  for (const each of [old, sealed]) t.deepEqual(next.open(context, each), secret);
});

test('a pulled token stops nothing, unless the site wants it to seal', async (t) => {
  const token = new NearToken();
  const { keeper } = blankKeeper(t, token);
  await keeper.initialise('root');
  const sealed = keeper.seal(context, secret);
  Object.assign(token, { dead: true, says: 'absent' });
  await keeper.watch();
  await keeper.advance();
  t.is(keeper.status().token.state, 'absent');
  t.deepEqual(keeper.open(context, sealed), secret);
});

for (const says of ['absent', 'session-lost', 'key-missing'] as const) {
  test(`where removal seals, a token that says ${says} seals, and opens put back`, async (t) => {
    const token = new NearToken();
    const { keeper } = blankKeeper(t, token, {}, { tokenRemoval: 'seal' });
    await keeper.initialise('root');
    const sealed = keeper.seal(context, secret);
    await keeper.watch();
    t.is(keeper.status().state, 'open');
    Object.assign(token, { dead: true, says });
    await keeper.watch();
    t.is(keeper.status().state, 'sealed');
    t.true(keeper.status().byRemoval);
    t.throws(() => keeper.open(context, sealed), { instanceOf: KeeperError });
    await keeper.advance();
    t.is(keeper.status().state, 'sealed');
    token.dead = false;
    await keeper.advance();
    t.deepEqual(keeper.open(context, sealed), secret);
    t.is(keeper.status().byRemoval, undefined);
  });
}

test('where removal seals, a library that crashes does not, for half a minute', async (t) => {
  const token = new NearToken();
  const clock = { wall: 1_700_000_000, monotonic: 5 };
  const clocks = { now: () => clock.wall, monotonic: () => clock.monotonic };
  const { keeper } = blankKeeper(t, token, {}, { tokenRemoval: 'seal', ...clocks });
  await keeper.initialise('root');
  token.dead = true;
  await keeper.watch();
  clock.monotonic += 29;
  // Somebody sets the clock of the day: that pulls no token.
  clock.wall += 3600;
  await keeper.watch();
  t.is(keeper.status().state, 'open');
  token.dead = false;
  await keeper.watch();
  token.dead = true;
  await keeper.watch();
  clock.monotonic += 29;
  await keeper.watch();
  t.is(keeper.status().state, 'open');
  clock.monotonic += 1;
  await keeper.watch();
  t.is(keeper.status().state, 'sealed');
});
