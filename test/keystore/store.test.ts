import { createSecretKey, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { CryptographicAlgorithm, ObjectType, State } from '../../appliance/kmip/enumeration.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import type { Change } from '../../appliance/keystore/change.ts';
import { KeystoreError } from '../../appliance/keystore/error.ts';
import { locateQuery } from '../../appliance/keystore/locate-query.ts';
import { openDatabase } from '../../appliance/keystore/database.ts';
import { SqliteKeystore } from '../../appliance/keystore/store.ts';
import { removeFolder, temporaryFolder } from '../harness/appliance.ts';
import { NearKeeper } from '../harness/keeper.ts';

function setting(t: ExecutionContext): {
  folder: string;
  path: string;
  pageKey: () => Buffer;
  open: () => SqliteKeystore;
} {
  const folder = temporaryFolder();
  t.teardown(() => {
    removeFolder(folder);
  });
  const key = randomBytes(32);
  const constant = {
    path: join(folder, 'keystore.db'),
    recordKey: generateKeyPairSync('ed25519').privateKey,
    commitmentKey: createSecretKey(randomBytes(32)),
    keeper: new NearKeeper(),
    cluster: '01'.repeat(16),
    node: '02'.repeat(16),
    now: () => 1_700_000_000,
    log: () => {},
  };
  const pageKey = (): Buffer => Buffer.from(key);
  const open = (): SqliteKeystore =>
    new SqliteKeystore({ ...constant, pageKey: pageKey(), epoch: randomBytes(16).toString('hex') });
  return { folder, path: constant.path, pageKey, open };
}

function creation(object: string, name: string): Change {
  return {
    kind: 'object-created',
    object,
    group: 'default',
    objectType: ObjectType.SymmetricKey,
    attributes: [
      {
        name: 'Cryptographic Algorithm',
        index: 0,
        value: { type: 'Enumeration', value: CryptographicAlgorithm.AES },
      },
      { name: 'x-Name', index: 0, value: { type: 'TextString', value: name } },
    ],
    form: [{ tag: Tag.KeyFormatType, type: 'Enumeration', value: 1 }],
  };
}

test('what was answered is there after closing and opening, and the chain holds', async (t) => {
  const { open } = setting(t);
  const first = open();
  const ids = Array.from({ length: 50 }, () => randomUUID());
  await Promise.all(
    ids.map((id) =>
      first.change((draft) => {
        draft.append(creation(id, id));
      }),
    ),
  );
  await first.close();
  const second = open();
  for (const id of ids) t.is(second.object(id)?.state, State.PreActive);
  t.deepEqual(second.verify(), { records: 52, auditBreak: undefined });
  await second.close();
});

test('a mutation that throws leaves nothing, and its neighbours in the commit stay', async (t) => {
  const { open } = setting(t);
  const keystore = open();
  const good = randomUUID();
  const bad = randomUUID();
  const outcomes = await Promise.allSettled([
    keystore.change((draft) => {
      draft.append(creation(bad, 'bad'));
      throw new Error('no');
    }),
    keystore.change((draft) => {
      draft.append(creation(good, 'good'));
    }),
  ]);
  t.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
  t.is(keystore.object(bad), undefined);
  t.truthy(keystore.object(good));
  t.is(keystore.verify().records, 2);
  await keystore.close();
});

test('nothing lies in clear: no header, no name, no attribute, in any file', async (t) => {
  const { open, folder } = setting(t);
  const keystore = open();
  await keystore.change((draft) => {
    draft.append(creation(randomUUID(), 'a name that must not be seen'));
  });
  for (const file of ['keystore.db', 'keystore.db-wal']) {
    const bytes = readFileSync(join(folder, file));
    t.true(bytes.length > 0, file);
    for (const word of ['SQLite format 3', 'must not be seen', 'CREATE TABLE', 'x-Name']) {
      t.false(bytes.includes(word), `${word} in ${file}`);
    }
  }
  await keystore.close();
});

test('another key, another program’s file and a damaged page are refused', async (t) => {
  const { open, path, pageKey } = setting(t);
  const keystore = open();
  for (let i = 0; i < 200; i++) {
    await keystore.change((draft) => {
      draft.append(creation(randomUUID(), `name ${i}`));
    });
  }
  await keystore.close();
  const code = (act: () => unknown): string | undefined =>
    t.throws(act, { instanceOf: KeystoreError }).code;
  t.is(
    code(() => openDatabase(path, randomBytes(32))),
    'database-unreadable',
  );
  const whole = readFileSync(path);
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.from([~(whole[100] ?? 0) & 0xff]), 0, 1, 100);
  closeSync(file);
  t.is(
    code(() => openDatabase(path, pageKey())),
    'database-unreadable',
  );
  writeFileSync(path, `SQLite format 3\0${'x'.repeat(4096)}`);
  t.is(
    code(() => openDatabase(path, pageKey())),
    'database-foreign',
  );
});

test('material that was changed or moved to another object does not open', async (t) => {
  const { open, path, pageKey } = setting(t);
  const keystore = open();
  const made: string[] = [];
  for (const fill of [1, 2]) {
    const uniqueIdentifier = randomUUID();
    const context = {
      uniqueIdentifier,
      group: 'default',
      objectType: ObjectType.SymmetricKey,
      algorithm: CryptographicAlgorithm.AES,
      length: 0,
    };
    const material = await keystore.seal(context, Buffer.alloc(32, fill));
    await keystore.change((draft) => {
      draft.append({ ...creation(uniqueIdentifier, 'x'), material } as Change);
    });
    made.push(uniqueIdentifier);
  }
  const [one = '', two = ''] = made;
  const object = keystore.object(one);
  if (object === undefined) throw new Error('not there');
  using opened = await keystore.open(object);
  t.deepEqual(opened.bytes, Buffer.alloc(32, 1));
  t.is(JSON.stringify({ opened }), '{"opened":"KeyMaterial(32 bytes)"}');
  const database = openDatabase(path, pageKey());
  database
    .prepare(
      `UPDATE material SET (sealed, commitment) =
        (SELECT sealed, commitment FROM material WHERE object = ?) WHERE object = ?`,
    )
    .run(two, one);
  database.close();
  await t.throwsAsync(keystore.open(object), {
    instanceOf: KeystoreError,
    code: 'material-corrupt',
  });
  await keystore.close();
});

test('a record that was changed is said at the start, and the rest is served', async (t) => {
  const { open, path, pageKey } = setting(t);
  const keystore = open();
  const [id, other] = [randomUUID(), randomUUID()];
  for (const each of [id, other]) {
    await keystore.change((draft) => {
      draft.append(creation(each, 'x'));
    });
  }
  await keystore.close();
  const change = (which: string): void => {
    const database = openDatabase(path, pageKey());
    database.exec(`UPDATE record SET signature = zeroblob(64),
      body = CAST(replace(CAST(body AS TEXT), 'default', 'stolen!') AS BLOB) WHERE ${which}`);
    database.close();
  };
  change(`object = '${id}'`);
  for (let starts = 0; starts < 2; starts++) {
    const again = open();
    t.is(again.failure, undefined);
    t.is(again.object(other)?.uniqueIdentifier, other);
    t.is(again.replica.unsound(10).length, 1);
    t.throws(() => again.verify(), { instanceOf: KeystoreError, code: 'chain-broken' });
    await again.close();
  }
  const whole = open();
  const said = whole.trail.page(0, 1000).filter(({ entry }) => entry.includes('damaged record'));
  t.is(said.length, 1);
  await whole.close();
  change('1');
  t.is(t.throws(() => open(), { instanceOf: KeystoreError }).code, 'chain-broken');
});

test('tables that another version of the fold wrote are folded anew', async (t) => {
  const { open, path, pageKey } = setting(t);
  const keystore = open();
  const id = randomUUID();
  await keystore.change((draft) => {
    draft.append(creation(id, 'x'));
    draft.append({ kind: 'object-activated', object: id, date: 1_600_000_000 });
  });
  await keystore.close();
  const database = openDatabase(path, pageKey());
  database.exec(`UPDATE object SET activated = 0, activation_date = NULL, digest = x'00';
    DELETE FROM attribute; UPDATE meta SET value = '1' WHERE name = 'fold'`);
  database.close();
  const anew = open();
  t.is(anew.object(id)?.state, State.Active);
  t.is(anew.object(id)?.attributes.length, 2);
  await anew.close();
});

test('a Locate by name or custom attribute goes by an index', (t) => {
  const { path, pageKey } = setting(t);
  const database = openDatabase(path, pageKey());
  const { sql, bindings } = locateQuery(
    'default',
    {
      attributes: [{ name: 'x-Name', value: { type: 'TextString', value: 'vm' } }],
      dates: [],
      offset: 0,
      maximum: 10,
    },
    0,
  );
  const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...bindings);
  const text = JSON.stringify(plan);
  t.regex(text, /attribute_by_value \(name=\? AND value=\?\)/);
  t.notRegex(text, /SCAN (object|attribute)/);
  database.close();
});
