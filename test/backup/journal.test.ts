import { createSecretKey, randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { Journal, journalsIn, readJournal } from '../../appliance/backup/journal.ts';
import { headDigest, sealFrame } from '../../appliance/backup/journal-format.ts';
import { encodeJournalHead } from '../../appliance/keeper-client/journal-head.ts';
import { KeeperError } from '../../appliance/keeper-client/keeper.ts';
import type { Keeper } from '../../appliance/keeper-client/keeper.ts';
import type { KeyKeeper } from '../../appliance/keeper/keeper.ts';
import type { Entry } from '../../appliance/keystore/exchange.ts';
import { takeJournals } from '../../appliance/service/journal.ts';
import { removeFolder, temporaryFolder } from '../harness/appliance.ts';
import { blankKeeper, keeperSetting, removeToken } from '../harness/near-token.ts';
import { carry, makeKey, secretOf, TestNode } from '../harness/replica.ts';
import { Twin, until } from '../harness/twin.ts';

test.after.always(removeToken);

/** The keeper's data socket without the socket. */
function near(keeper: KeyKeeper): Keeper {
  const later = <T>(act: () => T): Promise<T> =>
    new Promise((resolve) => {
      resolve(act());
    });
  return {
    seal: (context, plaintext) => later(() => keeper.seal(context, plaintext)),
    open: (context, sealed) => later(() => keeper.open(context, Buffer.from(sealed))),
    derive: (purpose) => later(() => keeper.derive(purpose)),
    slots: () => later(() => keeper.slots()),
    status: () => later(() => keeper.status()),
    close: () => {},
  };
}

async function setting(t: ExecutionContext) {
  const { keeper, token } = await keeperSetting(t);
  const shares = await keeper.makeRecovery({ threshold: 2, shares: 3 });
  const cluster = {
    cluster: keeper.status().cluster ?? '',
    commitmentKey: createSecretKey(keeper.derive('material commitment')),
    keeper: near(keeper),
  };
  const folder = temporaryFolder();
  t.teardown(() => {
    removeFolder(folder);
  });
  return { keeper, token, shares, cluster, folder };
}

/** A node whose peer is away, under `refuse`, with a journal. */
async function loneNode(t: ExecutionContext) {
  const { cluster, folder, ...rest } = await setting(t);
  const one = new Twin(t, cluster);
  const peer = new TestNode(t, cluster);
  await one.start();
  const members = (): ReturnType<typeof one.keystore.replica.members> =>
    one.keystore.replica.members();
  const journal = new Journal({
    folder,
    keeper: cluster.keeper,
    cluster: cluster.cluster,
    node: one.node.id,
    members,
    ...one.surroundings,
  });
  await one.keystore.change((draft) => {
    draft.append(one.node.joining);
    draft.append(peer.joining);
    draft.append({ kind: 'copy-policy-set', policy: 'refuse', seconds: 0 });
  });
  const two = peer.open();
  await two.replica.trust(one.node.id, one.node.publicKey, 'paired');
  await carry(one.keystore, two);
  one.keystore.replica.receipts.replace(peer.id, two.replica.heads());
  await journal.start();
  one.journal = journal;
  one.link();
  t.teardown(async () => {
    await one.stop();
    await journal.stop();
    await two.close();
  });
  return { one, two, journal, cluster, folder, ...rest };
}

test('what was answered with a journal survives the loss of the lone node’s disk', async (t) => {
  const { one, two, cluster, folder } = await loneNode(t);
  const made = await Promise.all(
    Array.from({ length: 40 }, (_, i) => makeKey(one.keystore, Buffer.alloc(32, i))),
  );
  t.deepEqual([...new Set(made.map((id) => one.keystore.copies(id)))], ['journal']);
  for (const { path } of await journalsIn(folder)) {
    const bytes = readFileSync(path);
    for (const word of ['object-created', 'default', made[0] ?? '']) t.false(bytes.includes(word));
  }
  // The other node is told by nobody but the journal.
  await takeJournals(folder, {
    keystore: two,
    keeper: cluster.keeper,
    surroundings: one.surroundings,
  });
  for (const [i, id] of made.entries()) t.deepEqual(await secretOf(two, id), Buffer.alloc(32, i));
});

test('a journal claims nothing that only a node held which is removed since', async (t) => {
  const { one, two, journal, cluster, folder } = await loneNode(t);
  // What the peer has is not journalled; what comes after it is.
  one.journal = undefined;
  await one.restart();
  await one.keystore.change((draft) => {
    draft.append({ kind: 'copy-policy-set', policy: 'alone', seconds: 0 });
  });
  const there = await makeKey(one.keystore, Buffer.alloc(32, 1));
  await carry(one.keystore, two);
  one.keystore.replica.receipts.replace(two.replica.node, two.replica.heads());
  const { epoch } = one.keystore.replica;
  await one.keystore.replica.saveReceipts();
  one.journal = journal;
  await one.restart();
  const here = await makeKey(one.keystore, Buffer.alloc(32, 2));
  t.deepEqual(
    [there, here].map((id) => one.keystore.copies(id)),
    ['both', 'journal'],
  );
  t.is(one.keystore.replica.receipts.heads('journal')[epoch], undefined);
  await one.restart();
  t.is(one.keystore.copies(here), 'journal', 'what it claims is known after a restart');

  await one.keystore.change((draft) => {
    draft.append({ kind: 'member-removed', node: two.replica.node });
  });
  // Nobody asks for a key, and everything comes to lie in the journal.
  await until(() => [there, here].every((id) => one.keystore.copies(id) === 'journal'));
  const fresh = new TestNode(t, cluster);
  const other = fresh.open();
  t.teardown(() => other.close());
  await other.replica.trust(one.node.id, one.node.publicKey, 'paired');
  await takeJournals(folder, {
    keystore: other,
    keeper: cluster.keeper,
    surroundings: one.surroundings,
  });
  t.deepEqual(await secretOf(other, there), Buffer.alloc(32, 1));
  t.deepEqual(await secretOf(other, here), Buffer.alloc(32, 2));
});

test('with the shares alone a journal opens on another token', async (t) => {
  const { one, token, shares, folder } = await loneNode(t);
  await makeKey(one.keystore, Buffer.alloc(32, 1));
  const [found] = await journalsIn(folder);
  if (found === undefined) throw new Error('no journal');
  const { keyId } = (JSON.parse(found.head.slots) as { table: { slots: { keyId: string }[] } })
    .table.slots[0] ?? { keyId: '' };
  token.lost.add(keyId);
  const { keeper: other } = blankKeeper(t, token);
  const { slots, recordKeys } = found.head;
  await other.restore({ shares: shares.slice(0, 2), rootKeyLabel: 'new', slots });
  let count = 0;
  const read = await readJournal(readFileSync(found.path), near(other), (entries) => {
    count += entries.length;
    return Promise.resolve();
  });
  t.true(count >= 1);
  t.is(read?.torn, false);
  t.is(recordKeys[one.node.id], one.node.publicKey);
});

test('journals are taken once keeper, medium and the records before them are there', async (t) => {
  const { one, two, cluster, folder } = await loneNode(t);
  const id = await makeKey(one.keystore, Buffer.alloc(32, 1));
  const open: Keeper['open'] = (context, sealed) => cluster.keeper.open(context, sealed);
  const [keeper, aside] = [{ ...cluster.keeper, open }, `${folder}.aside`];
  const parts = { keystore: two, keeper, surroundings: one.surroundings };
  renameSync(folder, aside);
  t.is(await takeJournals(folder, parts), 'medium');
  renameSync(aside, folder);
  keeper.open = () => Promise.reject(new KeeperError('unavailable', 'away'));
  t.is(await takeJournals(folder, parts), 'keeper');
  keeper.open = open;
  t.is(await takeJournals(folder, parts), 'nothing');
  t.deepEqual(await secretOf(two, id), Buffer.alloc(32, 1));
  // What the peer is known to have is not in the journal: a third node lacks what goes before.
  const third = new TestNode(t, cluster).open();
  await third.replica.trust(one.node.id, one.node.publicKey, 'paired');
  const late = { keystore: third, keeper, surroundings: one.surroundings };
  t.is(await takeJournals(folder, late), 'records');
  const { entries } = one.keystore.replica.after({}, { records: 100, bytes: 1 << 20 });
  await third.replica.ingest(entries.slice(0, -1));
  t.is(third.object(id), undefined);
  t.is(await takeJournals(folder, late), 'nothing');
  t.deepEqual(await secretOf(third, id), Buffer.alloc(32, 1));
  await third.close();
});

test('an old disk put back while the peer is away is noticed by the journal', async (t) => {
  const { one, cluster, folder } = await loneNode(t);
  const { path } = one.node;
  await one.stop();
  copyFileSync(path, `${path}.image`);
  await one.start();
  one.link();
  const late = await makeKey(one.keystore, Buffer.alloc(32, 9));
  await one.stop();
  for (const file of [`${path}-wal`, `${path}-shm`]) rmSync(file, { force: true });
  renameSync(`${path}.image`, path);
  await one.start();
  t.is(one.keystore.object(late), undefined);
  await takeJournals(folder, {
    keystore: one.keystore,
    keeper: cluster.keeper,
    surroundings: one.surroundings,
  });
  t.deepEqual(await secretOf(one.keystore, late), Buffer.alloc(32, 9));
  t.is(one.keystore.replica.healings()[0]?.why, 'rollback');
  one.link();
  t.notThrows(() => one.keystore.verify());
});

test('a medium that is gone is noticed, and taken again when it is back', async (t) => {
  const { one, journal, folder } = await loneNode(t);
  await makeKey(one.keystore, Buffer.alloc(32, 1));
  await journal.stop();
  const gone = join(folder, 'gone');
  const other = new Journal({
    folder: gone,
    keeper: near((await keeperSetting(t)).keeper),
    cluster: '00',
    node: '11',
    members: () => [],
    ...one.surroundings,
    after: (milliseconds, act) => {
      const timer = setTimeout(act, milliseconds);
      return () => {
        clearTimeout(timer);
      };
    },
  });
  await other.start();
  t.false(other.usable);
  await t.throwsAsync(other.append([]));
  mkdirSync(gone);
  await until(() => other.usable);
  await other.append([]);
  await other.stop();
  t.is(readdirSync(gone).length, 1);
  await t.throwsAsync(makeKey(one.keystore, Buffer.alloc(32, 2)), { code: 'copies-missing' });
});

test('wherever it is cut or changed, a journal gives whole frames or nothing', async (t) => {
  const key = createSecretKey(Buffer.alloc(32, 1));
  const keeper = { open: () => Promise.resolve(Buffer.alloc(32, 1)) } as unknown as Keeper;
  const common = { journal: 'j', cluster: 'c', node: 'n', made: 1, recordKeys: {}, slots: '{}' };
  const head = encodeJournalHead({ ...common, key: '' });
  const frames = Array.from({ length: 4 }, (_, i) => {
    const entry: Entry = { body: randomBytes(60 + i), signature: randomBytes(64) };
    return { entry, bytes: sealFrame(key, headDigest(head), i, [entry, entry]) };
  });
  const whole = Buffer.concat([head, ...frames.map(({ bytes }) => bytes)]);
  const bodies = frames.map(({ entry }) => Buffer.from(entry.body).toString('hex'));
  const read = async (bytes: Buffer): Promise<string[]> => {
    const found: string[] = [];
    await readJournal(bytes, keeper, (entries) => {
      for (const { body } of entries) found.push(Buffer.from(body).toString('hex'));
      return Promise.resolve();
    });
    return [...new Set(found)];
  };
  t.deepEqual(await read(whole), bodies);
  let end = head.length;
  const ends = frames.map(({ bytes }) => (end += bytes.length));
  for (let cut = 0; cut < whole.length; cut++) {
    const expected = bodies.slice(0, ends.filter((each) => each <= cut).length);
    t.deepEqual(await read(whole.subarray(0, cut)), expected);
    const flipped = Buffer.from(whole);
    flipped[cut] = (flipped[cut] ?? 0) ^ 1;
    // A changed byte costs its own frame: also one of its length. In the head it costs all.
    const own = ends.findIndex((each) => cut < each);
    const others = cut < head.length ? [] : bodies.filter((_, i) => i !== own);
    t.deepEqual(await read(flipped), others, `byte ${cut}`);
  }
});
