import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { PinSource } from '../../appliance/keeper/pin.ts';
import { KeyKeeper } from '../../appliance/keeper/keeper.ts';
import { softhsm } from '../../appliance/service/software-token/softhsm.ts';
import { removeFolder, temporaryFolder, until } from '../harness/appliance.ts';
import { Shim } from '../harness/shim.ts';
import { TokenProcess } from '../token/token-process.ts';

/** A token locks after a few wrong PINs: what is not known to be right is never tried twice. */
const pin = Buffer.from('123456');

test('a try is written down before it is made, and what became of it afterwards', (t) => {
  const folder = temporaryFolder();
  t.teardown(() => {
    removeFolder(folder);
  });
  const file = join(folder, 'pin');
  writeFileSync(file, '123456\n');
  for (const lasting of [true, false]) {
    const source = (): PinSource => new PinSource(file, folder, lasting, String(lasting));
    const first = source();
    t.deepEqual(first.take(), pin);
    first.begin(pin);
    // The process ends here: the next one may ask for the verdict once more, and no third one.
    t.deepEqual(source().take(), pin);
    t.is(source().unjudged(), 1);
    source().begin(pin);
    t.is(source().take(), undefined);
    t.true(source().refused());
    // The verdict that did come is final, be it the first or the second.
    source().clear();
    first.begin(pin);
    first.markRefused();
    t.is(source().take(), undefined);
    t.true(source().refused());
    const person = source();
    person.clear();
    person.begin(pin);
    person.taken(pin);
    t.false(source().refused());
    // The same process may try again what was right; the next one knows it by its lasting file.
    person.begin(pin);
    t.is(source().unjudged(), 0);
    source().begin(pin);
    t.is(source().unjudged(), lasting ? 0 : 1);
    source().clear();
    // Another PIN was not right yet.
    person.begin(Buffer.from('654321'));
    t.is(source().unjudged(), 1);
    source().clear();
  }
  writeFileSync(file, '\n');
  t.is(new PinSource(file, folder, false).take(), undefined);
});

test('a sealed PIN is known by its number, at every boot: refused, taken, or another', (t) => {
  const folder = temporaryFolder();
  t.teardown(() => {
    removeFolder(folder);
  });
  const file = join(folder, 'credential');
  /** The same credential is another file after each boot. */
  const booted = (text: string): PinSource => {
    rmSync(file, { force: true });
    writeFileSync(file, text);
    return new PinSource(file, folder, false);
  };
  const first = booted('123456\n0a0b\n');
  t.deepEqual(first.take(), pin);
  first.markRefused();
  t.is(booted('123456\n0a0b\n').take(), undefined, 'refused once');
  const sealedAnew = booted('654321\n0c0d\n');
  t.is(sealedAnew.take()?.toString(), '654321', 'sealed anew it is tried');
  sealedAnew.begin(Buffer.from('654321'));
  sealedAnew.taken(Buffer.from('654321'));
  for (let cut = 0; cut < 5; cut++) {
    const next = booted('654321\n0c0d\n');
    t.is(next.take()?.toString(), '654321', 'known to be right, whatever was lost since');
    next.begin(Buffer.from('654321'));
  }
});

interface Unattended {
  readonly process: TokenProcess;
  readonly shim: Shim;
  /** A keeper as after another start, with its PIN in a file that says nothing after a boot. */
  readonly keeper: () => KeyKeeper;
  /** One that has no file: a person types the PIN. */
  readonly attendedKeeper: () => KeyKeeper;
  readonly file: string;
  readonly logins: () => number;
  readonly said: string[];
}

async function unattended(t: ExecutionContext): Promise<Unattended> {
  let made: Shim | undefined;
  const process = await TokenProcess.start({
    deadline: 5_000,
    token: (folder) => {
      made = new Shim(folder);
      return Promise.resolve(made.before(softhsm(join(folder, 'softhsm'))));
    },
  });
  t.teardown(() => process.stop());
  const shim = made;
  if (shim === undefined) throw new Error('no shim');
  await process.answering();
  await process.token.provision(process.label, Buffer.from('654321'), pin);
  const folder = join(process.folder, 'keeper');
  mkdirSync(folder);
  const said: string[] = [];
  const file = join(process.folder, 'the-pin');
  writeFileSync(file, pin);
  const keeperWith = (pinFile: string | undefined): KeyKeeper =>
    new KeyKeeper({
      folder,
      tokens: [
        {
          ...{ name: 'primary', label: process.label, token: process.token },
          pin: new PinSource(pinFile, folder, false),
        },
      ],
      now: () => 1_700_000_000,
      log: (_, message) => said.push(message),
    });
  const logins = (): number => shim.calls().filter(({ name }) => name === 'C_Login').length;
  shim.forgetCalls();
  const keeper = (): KeyKeeper => keeperWith(file);
  const attendedKeeper = (): KeyKeeper => keeperWith(undefined);
  return { process, shim, keeper, attendedKeeper, file, logins, said };
}

async function reaches(keeper: KeyKeeper, state: string): Promise<void> {
  await until(`the keeper says ${state}`, async () => {
    await keeper.advance();
    return keeper.status().token.state === state;
  });
}

for (const what of ['crash', 'hang'] as const) {
  test(`a verdict that was lost with a ${what} is asked for once more, and said`, async (t) => {
    t.timeout(120_000);
    const { process, shim, keeper, logins, said } = await unattended(t);
    shim.order(`fault C_Login 1 ${what}`);
    await keeper().advance();
    await process.answering();
    t.is(logins(), 1);
    await reaches(keeper(), 'ready');
    t.is(logins(), 2);
    t.true(said.some((line) => line.includes('lost: it is tried once more')));
  });
}

test('a wrong PIN is judged once, also where the first verdict was lost', async (t) => {
  t.timeout(120_000);
  const { process, shim, keeper, file, logins } = await unattended(t);
  writeFileSync(file, '999999');
  shim.order('fault C_Login 1 crash');
  await keeper().advance();
  await process.answering();
  await reaches(keeper(), 'pin-wrong');
  await keeper().advance();
  await keeper().advance();
  t.is(logins(), 2);
});

test('a wrong PIN that a person typed is tried once, also after another start', async (t) => {
  t.timeout(120_000);
  const { attendedKeeper, logins } = await unattended(t);
  const first = attendedKeeper();
  await reaches(first, 'pin-needed');
  t.is(logins(), 0);
  await t.throwsAsync(first.givePin(Buffer.from('999999')), { message: /pin-wrong/ });
  t.is(logins(), 1);
  const next = attendedKeeper();
  for (const keeper of [first, first, next, next]) {
    await keeper.advance();
    t.not(keeper.status().token.state, 'ready');
  }
  t.is(logins(), 1);
  await next.givePin(Buffer.from(pin));
  t.is(next.status().token.state, 'ready');
  t.is(logins(), 2);
});

test('a verdict that was lost twice is not asked for a third time', async (t) => {
  t.timeout(120_000);
  const { process, shim, keeper, logins, said } = await unattended(t);
  shim.order('fault C_Login 1+ crash');
  await keeper().advance();
  await process.answering();
  const next = keeper();
  await reaches(next, 'pin-wrong');
  await keeper().advance();
  t.is(logins(), 2);
  t.true(said.some((line) => line.includes('a person has to give it')));
  shim.order();
  await next.givePin(Buffer.from(pin));
  t.is(next.status().token.state, 'ready');
  // Known to be right: the same keeper logs a new token process in by itself.
  process.kill();
  await until('the keeper logs in again', async () => {
    await next.advance();
    return next.status().token.state === 'ready';
  });
});
