import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { KeeperError } from '../../appliance/keeper-client/keeper.ts';
import { KeyKeeper } from '../../appliance/keeper/keeper.ts';
import { PinSource } from '../../appliance/keeper/pin.ts';
import { TokenError } from '../../appliance/token/error.ts';
import { Pkcs11 } from '../../appliance/token/pkcs11.ts';
import type { Token } from '../../appliance/token/token.ts';
import { softhsm } from '../../appliance/service/software-token/softhsm.ts';
import { removeFolder, temporaryFolder } from '../harness/appliance.ts';

// One library per process, and so one token for all tests of this file.
const folder = temporaryFolder();
const software = softhsm(folder);
Object.assign(process.env, software.environment);
const module = new Pkcs11(software.module, 'test', randomBytes);
const pin = Buffer.from('123456');
module.provision('test', Buffer.from('654321'), pin);
test.after.always(() => {
  removeFolder(folder);
});

/** The token in this process; `dead` makes every call fail as it does when the token is gone. */
class NearToken implements Token {
  dead = false;
  /** So many calls are answered still; then it is dead. */
  callsLeft = Infinity;

  #call<T>(act: () => T): Promise<T> {
    if (this.callsLeft-- <= 0) this.dead = true;
    if (this.dead) return Promise.reject(new TokenError('restart-needed', 'gone'));
    return new Promise((resolve) => {
      resolve(act());
    });
  }

  status = (): ReturnType<Token['status']> => this.#call(() => module.status());
  login = (given: Uint8Array): Promise<void> =>
    this.#call(() => {
      module.login(given);
    });
  provision = (): Promise<void> => Promise.reject(new TokenError('failed', 'not here'));
  makeRootKey = (label: string): ReturnType<Token['makeRootKey']> =>
    this.#call(() => module.makeRootKey(label));
  decrypt = (...all: Parameters<Token['decrypt']>): Promise<Buffer> =>
    this.#call(() => module.decrypt(...all));
}

async function setting(t: ExecutionContext): Promise<{
  token: NearToken;
  keeper: KeyKeeper;
  folder: string;
  another: () => KeyKeeper;
}> {
  const state = temporaryFolder();
  t.teardown(() => {
    removeFolder(state);
  });
  mkdirSync(join(state, 'keeper'));
  writeFileSync(join(state, 'pin'), pin);
  const token = new NearToken();
  const another = (): KeyKeeper =>
    new KeyKeeper({
      folder: join(state, 'keeper'),
      token,
      pin: new PinSource(join(state, 'pin'), join(state, 'keeper'), true),
      now: () => 1_700_000_000,
      log: () => {},
    });
  const keeper = another();
  await keeper.initialise('root');
  return { token, keeper, folder: join(state, 'keeper'), another };
}

const context = Buffer.from('context');
const secret = Buffer.from('a secret of some length');

test('what one keeper sealed the next one opens, through the token', async (t) => {
  const { keeper, another } = await setting(t);
  const sealed = keeper.seal(context, secret);
  const next = another();
  t.is(next.status().state, 'sealed');
  t.throws(() => next.open(context, sealed), { instanceOf: KeeperError, code: 'sealed' });
  await next.advance();
  t.is(next.status().state, 'open');
  t.deepEqual(next.open(context, sealed), secret);
});

test('another context, any changed byte and another generation do not open', async (t) => {
  const { keeper } = await setting(t);
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
  const { keeper, token } = await setting(t);
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
  const { keeper, folder: slots, another } = await setting(t);
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
  const { folder: slots, another } = await setting(t);
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
  const { keeper } = await setting(t);
  t.is(keeper.status().token.state, 'ready');
  await t.throwsAsync(keeper.initialise('again'), { instanceOf: KeeperError, code: 'not-new' });
});

test('a rotation during which the token dies, at any call, leaves slots that open', async (t) => {
  for (const act of ['rotateRootKey', 'rotateWrappingKey'] as const) {
    for (let calls = 0; ; calls++) {
      const { keeper, token, another } = await setting(t);
      const sealed = keeper.seal(context, secret);
      token.callsLeft = calls;
      const error: unknown = await keeper[act]('next').then(
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
  const { keeper, another } = await setting(t);
  const old = keeper.seal(context, secret);
  const generation = await keeper.rotateWrappingKey();
  t.is(keeper.seal(context, secret).subarray(1, 17).toString('hex'), generation);
  t.is(keeper.status().older?.length, 1);
  const error = await t.throwsAsync(keeper.rotateWrappingKey(), { instanceOf: KeeperError });
  t.is(error.code, 'rotating');
  const next = another();
  await next.advance();
  t.deepEqual(next.open(context, old), secret);
  next.retire();
  t.is(next.status().older, undefined);
  t.throws(() => next.open(context, old), { instanceOf: KeeperError });
  const last = another();
  await last.advance();
  t.is(last.status().generation, generation);
  t.throws(() => last.open(context, old), { instanceOf: KeeperError });
});
