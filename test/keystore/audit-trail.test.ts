import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { openDatabase } from '../../appliance/keystore/database.ts';
import { SqliteKeystore } from '../../appliance/keystore/store.ts';
import { removeFolder, temporaryFolder } from '../harness/appliance.ts';
import { NearKeeper } from '../harness/keeper.ts';

interface Setting {
  readonly open: () => SqliteKeystore;
  /** Does to the closed database what somebody with its page key could do. */
  readonly tamper: (...statements: readonly string[]) => void;
}

function setting(t: ExecutionContext): Setting {
  const folder = temporaryFolder();
  t.teardown(() => {
    removeFolder(folder);
  });
  const key = randomBytes(32);
  const path = join(folder, 'keystore.db');
  const constant = {
    path,
    recordKey: generateKeyPairSync('ed25519').privateKey,
    commitmentKey: createSecretKey(randomBytes(32)),
    keeper: new NearKeeper(),
    cluster: '01'.repeat(16),
    node: '02'.repeat(16),
    now: () => 1_700_000_000,
    log: () => {},
  };
  return {
    open: () =>
      new SqliteKeystore({
        ...constant,
        pageKey: Buffer.from(key),
        epoch: randomBytes(16).toString('hex'),
      }),
    tamper: (...statements) => {
      const database = openDatabase(path, Buffer.from(key));
      for (const statement of statements) database.exec(statement);
      database.close();
    },
  };
}

/** A keystore with so many entries, the middle of them under a signed head, closed. */
async function filled(t: ExecutionContext, entries = 20): Promise<Setting> {
  const made = setting(t);
  const keystore = made.open();
  const note = (i: number): void => {
    keystore.note({ request: `r${i}`, actor: 'client:vc', act: 'Get', outcome: 'success' });
  };
  for (let i = 1; i <= entries / 2; i++) note(i);
  // A change commits what was noted before it.
  await keystore.change(() => {});
  await keystore.trail.sign();
  for (let i = entries / 2 + 1; i <= entries; i++) note(i);
  await keystore.change(() => {});
  await keystore.trail.sign();
  await keystore.close();
  return made;
}

test('a whole audit is whole, and agrees with its signed heads', async (t) => {
  const { open } = await filled(t);
  const keystore = open();
  t.deepEqual(await keystore.trail.check(), { entries: 20, first: 1, last: 20, heads: 2 });
  await keystore.close();
});

for (const [what, broken, ...statements] of [
  ['changed', 7, `UPDATE audit SET entry = replace(entry, 'Get', 'Put') WHERE seq = 7`],
  ['dated otherwise', 7, 'UPDATE audit SET time = time - 60 WHERE seq = 7'],
  ['cut out', 7, 'DELETE FROM audit WHERE seq = 7'],
  ['cut off at the start', 1, 'DELETE FROM audit WHERE seq <= 3'],
  [
    'put in another order',
    7,
    'UPDATE audit SET seq = -7 WHERE seq = 7',
    'UPDATE audit SET seq = 7 WHERE seq = 8',
    'UPDATE audit SET seq = 8 WHERE seq = -7',
  ],
] as const) {
  test(`an entry that was ${what} is found`, async (t) => {
    const { open, tamper } = await filled(t);
    tamper(...statements);
    const keystore = open();
    t.is((await keystore.trail.check()).broken, broken);
    await keystore.close();
  });
}

test('a tail that was cut off, or written anew, contradicts a signed head', async (t) => {
  const { open, tamper } = await filled(t);
  tamper('DELETE FROM audit WHERE seq > 15');
  const cut = open();
  const found = await cut.trail.check();
  t.is(found.broken, undefined);
  t.is(found.contradicted, 20);
  for (let i = 0; i < 10; i++) {
    cut.note({ request: '', actor: 'client:vc', act: 'Locate', outcome: 'success' });
  }
  await cut.change(() => {});
  const anew = await cut.trail.check();
  t.is(anew.broken, undefined);
  t.is(anew.contradicted, 20);
  await cut.close();
});

test('what is pruned is said, and the chain goes on from it', async (t) => {
  const { open, tamper } = await filled(t);
  const keystore = open();
  t.is(await keystore.trail.prune(12), 12);
  t.deepEqual(await keystore.trail.check(), { entries: 9, first: 13, last: 21, heads: 1 });
  const [said] = keystore.trail.page(20, 1);
  t.regex(said?.entry ?? '', /"act":"audit prune".*12 entries up to number 12, hash [\da-f]{64}/);
  t.is(keystore.trail.cursor('new receiver'), 12);
  await keystore.close();
  tamper('DELETE FROM audit WHERE seq <= 14');
  const next = open();
  t.is((await next.trail.check()).broken, 13);
  await next.close();
});

test('a receiver’s cursor outlasts a restart', async (t) => {
  const { open } = await filled(t);
  const first = open();
  await first.trail.setCursor('logs:6514', 11);
  await first.close();
  const second = open();
  t.is(second.trail.cursor('logs:6514'), 11);
  t.is(second.trail.cursor('other:6514'), 0);
  await second.close();
});
