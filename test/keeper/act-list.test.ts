import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { placeAfter } from '../../appliance/keeper-client/console-act.ts';
import type { ConsoleAct } from '../../appliance/keeper-client/console-act.ts';
import { KeeperConsole } from '../../appliance/keeper-client/console.ts';
import { KeeperClient } from '../../appliance/keeper-client/client.ts';
import type { KeyKeeper } from '../../appliance/keeper/keeper.ts';
import { startConsoleSocket, startDataSocket } from '../../appliance/keeper/server.ts';
import { temporaryFolder } from '../harness/appliance.ts';
import { keeperSetting, removeToken } from '../harness/near-token.ts';

test.after.always(removeToken);

/** A keeper's two sockets, and what is asked of them by a person and by a server. */
async function sockets(
  t: ExecutionContext,
  keeper: KeyKeeper,
): Promise<{ person: KeeperConsole; server: KeeperClient }> {
  const folder = temporaryFolder();
  const [console, data] = [join(folder, 'console.sock'), join(folder, 'data.sock')];
  const listening = [
    await startConsoleSocket(keeper, { path: console }),
    await startDataSocket(keeper, { path: data }),
  ];
  const person = new KeeperConsole(console, 60_000);
  const server = new KeeperClient(data, 60_000);
  t.teardown(() => {
    for (const each of [person, server, ...listening]) each.close();
    rmSync(folder, { recursive: true });
  });
  return { person, server };
}

const saidOf = ({ act, object, outcome, reason }: ConsoleAct): string =>
  [act, object, outcome, reason].filter((each) => each !== undefined).join(' ');

const passphrase = 'a passphrase for the console';
const guess = 'somebody’s wrong passphrase';
const wrongPin = '90817263';

test('what a person does at the console is listed with its end, and no secret of it', async (t) => {
  const { keeper, folder, another, token } = await keeperSetting(t);
  const { person, server } = await sockets(t, keeper);
  await person.setAdministrator(Buffer.from(passphrase));
  await t.throwsAsync(person.checkAdministrator(Buffer.from(guess)), { code: 'passphrase-wrong' });
  await person.checkAdministrator(Buffer.from(passphrase));
  // A library that is logged in judges no PIN: this one says what a token says of a wrong one.
  Object.assign(token, { dead: true, says: 'pin-wrong' });
  await t.throwsAsync(person.pin(Buffer.from(wrongPin)), { code: 'token' });
  token.dead = false;
  // Somebody who types the PIN in the name's place has it in no list.
  await t.throwsAsync(person.pin(Buffer.from('1'), wrongPin), { code: 'token-unknown' });
  await person.pin(Buffer.from('123456'));
  await person.seal();
  await person.unseal();
  await t.throwsAsync(person.shred('not its name'), { code: 'shred-refused' });
  await person.status();

  const waiting = await server.consoleActs();
  const { acts = [], after = { seq: -1, hash: '' }, lost } = waiting ?? {};
  t.deepEqual(acts.map(saidOf), [
    'administrator set success',
    'console menu denied passphrase-wrong',
    'console menu success',
    'token unlock tpm denied pin-wrong',
    'token unlock failed token-unknown',
    'token unlock tpm success',
    'seal success',
    'unseal success',
    'shred denied shred-refused',
  ]);
  t.true(acts.every(({ time }) => time === 1_700_000_000));
  t.deepEqual([after.seq, lost], [0, 0]);
  const path = join(folder, 'console-acts.json');
  t.is(statSync(path).mode & 0o777, 0o600);
  const text = readFileSync(path, 'utf8');
  for (const secret of [passphrase, guess, wrongPin, '123456', 'not its name']) {
    t.false(text.includes(secret), secret);
  }
  // The next keeper has them too, until a server says that it has them.
  t.deepEqual(another().acts.waiting(), waiting);
  const places = acts.map((_, i) => acts.slice(0, i + 1).reduce(placeAfter, after));
  await server.consoleActsTaken({ seq: 9, hash: '00'.repeat(32) });
  t.is((await server.consoleActs())?.acts.length, 9);
  await server.consoleActsTaken(places[6] ?? after);
  t.deepEqual(another().acts.waiting()?.acts.map(saidOf), acts.slice(7).map(saidOf));
  await person.seal();
  t.deepEqual((await server.consoleActs())?.acts.length, 3);
  t.deepEqual((await server.consoleActs())?.after, places[6]);
});

test('a disk that takes nothing keeps nobody from an act, and it is listed', async (t) => {
  const { keeper, folder, another } = await keeperSetting(t);
  const { person } = await sockets(t, keeper);
  const inTheWay = join(folder, 'console-acts.json.new');
  mkdirSync(inTheWay);
  await person.setAdministrator(Buffer.from(passphrase));
  t.is(keeper.acts.waiting()?.acts.length, 1);
  t.is(another().acts.waiting(), undefined, 'it is not on the disk');
  rmSync(inTheWay, { recursive: true });
  await person.checkAdministrator(Buffer.from(passphrase));
  t.is(another().acts.waiting()?.acts.length, 2, 'with the next act both are');
});

test('what finds no room is counted, and a list that cannot be read begins anew', async (t) => {
  const { keeper, folder, another } = await keeperSetting(t);
  for (let i = 0; i < 503; i++) keeper.acts.add({ act: 'console menu', outcome: 'denied' });
  const { acts = [], lost, after } = another().acts.waiting() ?? {};
  t.deepEqual([acts.length, lost], [500, 3]);
  writeFileSync(join(folder, 'console-acts.json'), '{"after":');
  const next = another();
  t.is(next.acts.waiting(), undefined);
  next.acts.add({ act: 'seal', outcome: 'success' });
  t.not(next.acts.waiting()?.after.hash, after?.hash);
});
