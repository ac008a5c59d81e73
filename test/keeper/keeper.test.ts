import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { KeeperError } from '../../appliance/keeper-client/keeper.ts';
import { keeperSetting, removeToken } from '../harness/near-token.ts';

test.after.always(removeToken);

const context = Buffer.from('context');
const secret = Buffer.from('a secret of some length');

test('what one keeper sealed the next one opens, through the token', async (t) => {
  const { keeper, another } = await keeperSetting(t);
  const sealed = keeper.seal(context, secret);
  const next = another();
  t.is(next.status().state, 'sealed');
  t.throws(() => next.open(context, sealed), { instanceOf: KeeperError, code: 'sealed' });
  await next.advance();
  t.is(next.status().state, 'open');
  t.deepEqual(next.open(context, sealed), secret);
});

test('another context, any changed byte and another generation do not open', async (t) => {
  const { keeper } = await keeperSetting(t);
  const sealed = keeper.seal(context, secret);
  const code = (bytes: Buffer, with_ = context): string | undefined =>
    t.throws(() => keeper.open(with_, bytes), { instanceOf: KeeperError }).code;
  t.is(code(sealed, Buffer.from('other')), 'not-authentic');
  for (let i = 0; i < sealed.length; i++) {
    const changed = Buffer.from(sealed);
    changed[i] = (changed[i] ?? 0) ^ 1;
    t.true(['not-authentic', 'generation-unknown'].includes(code(changed) ?? ''), String(i));
  }
  t.is(code(sealed.subarray(0, 20)), 'not-authentic');
});

test('a token that dies stops no opening, and is said to be dead', async (t) => {
  const { keeper, token } = await keeperSetting(t);
  const sealed = keeper.seal(context, secret);
  await keeper.advance();
  t.is(keeper.status().token.state, 'ready');
  token.dead = true;
  await keeper.advance();
  t.not(keeper.status().token.state, 'ready');
  t.deepEqual(keeper.open(context, sealed), secret);
  token.dead = false;
  await keeper.advance();
  t.is(keeper.status().token.state, 'ready');
});

test('either copy of the slot table is enough, and mends the other', async (t) => {
  const { keeper, folder: slots, another } = await keeperSetting(t);
  const sealed = keeper.seal(context, secret);
  for (const name of ['slots.a', 'slots.b']) {
    const whole = readFileSync(join(slots, name));
    for (const damaged of [Buffer.alloc(0), Buffer.from('{}'), whole.subarray(0, 200)]) {
      writeFileSync(join(slots, name), damaged);
      const next = another();
      await next.advance();
      t.deepEqual(next.open(context, sealed), secret);
      t.deepEqual(readFileSync(join(slots, name)), whole);
    }
  }
});

test('a slot table that its key did not make is refused', async (t) => {
  const { folder: slots, another } = await keeperSetting(t);
  interface Stored {
    table: { serial: number; slots: { label: string }[] };
    mac: string;
  }
  for (const change of [
    (stored: Stored) => (stored.table.serial += 1),
    (stored: Stored) => (stored.mac = '00'.repeat(32)),
    (stored: Stored) => stored.table.slots.push({ ...(stored.table.slots[0] ?? { label: '' }) }),
  ]) {
    const originals = ['slots.a', 'slots.b'].map((name) => readFileSync(join(slots, name)));
    for (const name of ['slots.a', 'slots.b']) {
      const stored = JSON.parse(readFileSync(join(slots, name), 'utf8')) as Stored;
      change(stored);
      writeFileSync(join(slots, name), JSON.stringify(stored));
    }
    const next = another();
    await next.advance();
    t.is(next.status().state, 'sealed');
    for (const [i, name] of ['slots.a', 'slots.b'].entries()) {
      writeFileSync(join(slots, name), originals[i] ?? '');
    }
  }
});

test('an appliance that has slots is not set up a second time', async (t) => {
  const { keeper } = await keeperSetting(t);
  t.is(keeper.status().token.state, 'ready');
  await t.throwsAsync(keeper.initialise('again'), { instanceOf: KeeperError, code: 'not-new' });
});

test('a rotation during which the token dies, at any call, leaves slots that open', async (t) => {
  for (const act of ['rotateRootKey', 'rotateWrappingKey'] as const) {
    for (let calls = 0; ; calls++) {
      const { keeper, token, another } = await keeperSetting(t);
      const sealed = keeper.seal(context, secret);
      token.callsLeft = calls;
      const turned: Promise<unknown> =
        act === 'rotateRootKey' ? keeper[act]({ rootKeyLabel: 'next' }) : keeper[act]();
      const error: unknown = await turned.then(
        () => undefined,
        (refusal: unknown) => refusal,
      );
      // Whatever became of it, the keeper goes on and the next one opens all that was sealed.
      t.deepEqual(keeper.open(context, sealed), secret);
      const later = keeper.seal(context, secret);
      Object.assign(token, { dead: false, callsLeft: Infinity });
      const next = another();
      await next.advance();
      t.deepEqual(next.open(context, sealed), secret, `${act} after ${calls} calls`);
      t.deepEqual(next.open(context, later), secret);
      if (error === undefined) break;
      t.is((error as KeeperError).code, 'token');
    }
  }
});

test('a new generation is written under, older ones open until they are retired', async (t) => {
  const { keeper, another } = await keeperSetting(t);
  const old = keeper.seal(context, secret);
  const generation = await keeper.rotateWrappingKey();
  t.is(keeper.seal(context, secret).subarray(1, 17).toString('hex'), generation);
  t.is(keeper.status().older?.length, 1);
  const error = await t.throwsAsync(keeper.rotateWrappingKey(), { instanceOf: KeeperError });
  t.is(error.code, 'rotating');
  const next = another();
  await next.advance();
  t.deepEqual(next.open(context, old), secret);
  await next.retire(next.status().older ?? []);
  t.is(next.status().older, undefined);
  t.throws(() => next.open(context, old), { instanceOf: KeeperError });
  const last = another();
  await last.advance();
  t.is(last.status().generation, generation);
  t.throws(() => last.open(context, old), { instanceOf: KeeperError });
});

test('sealed by order it opens nothing, nor does the next one, until unsealed', async (t) => {
  const { keeper, another } = await keeperSetting(t);
  const sealed = keeper.seal(context, secret);
  const opening = another();
  const advancing = opening.advance();
  opening.shut();
  await advancing;
  t.is(opening.status().state, 'sealed');
  const next = another();
  await next.advance();
  for (const each of [opening, next]) {
    const error = t.throws(() => each.open(context, sealed), { instanceOf: KeeperError });
    t.is(error.code, 'sealed-by-order');
  }
  await next.unshut();
  t.deepEqual(next.open(context, sealed), secret);
});

test('of many generations, whatever their ids, the one begun last is written under', async (t) => {
  const { keeper } = await keeperSetting(t);
  for (let i = 0; i < 8; i++) {
    const before = keeper.status().generation;
    const begun = await keeper.rotateWrappingKey();
    t.is(keeper.status().generation, begun);
    t.deepEqual(keeper.status().older, [before]);
    t.is(keeper.status().pending, undefined);
    await keeper.retire(keeper.status().older ?? []);
    t.is(keeper.status().older, undefined);
  }
});
