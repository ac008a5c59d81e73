import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
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
    // The process ends here: the next one asks a person.
    t.is(source().take(), undefined);
    t.true(source().refused());
    const person = source();
    person.clear();
    person.begin(pin);
    person.taken(pin);
    t.false(source().refused());
    // The same process may try again what was right; the next one knows it by its lasting file.
    person.begin(pin);
    t.false(source().refused());
    source().begin(pin);
    t.is(source().refused(), !lasting);
    source().clear();
    // Another PIN was not right yet.
    person.begin(Buffer.from('654321'));
    t.true(source().refused());
    source().clear();
  }
  writeFileSync(file, '\n');
  t.is(new PinSource(file, folder, false).take(), undefined);
});

test('a verdict that was lost with a crash of the library is not asked for again', async (t) => {
  t.timeout(120_000);
  let made: Shim | undefined;
  const process = await TokenProcess.start({
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
  const file = join(process.folder, 'the-pin');
  writeFileSync(file, pin);
  const keeper = (): KeyKeeper =>
    new KeyKeeper({
      folder,
      tokens: [
        {
          ...{ name: 'primary', label: process.label, token: process.token },
          pin: new PinSource(file, folder, false),
        },
      ],
      now: () => 1_700_000_000,
      log: () => {},
    });
  const logins = (): number => shim.calls().filter(({ name }) => name === 'C_Login').length;
  shim.forgetCalls();
  shim.order('fault C_Login 1 crash');
  await keeper().advance();
  await process.answering();
  t.is(logins(), 1);
  const next = keeper();
  await until('the keeper says that it waits for a person', async () => {
    await next.advance();
    return next.status().token.state === 'pin-wrong';
  });
  await keeper().advance();
  t.is(logins(), 1);
  await next.givePin(Buffer.from(pin));
  t.is(next.status().token.state, 'ready');
  // Known to be right: the same keeper logs a new token process in by itself.
  process.kill();
  await until('the keeper logs in again', async () => {
    await next.advance();
    return next.status().token.state === 'ready';
  });
});
