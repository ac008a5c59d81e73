import { createHmac, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { BackupError } from '../../appliance/backup/error.ts';
import { Journal } from '../../appliance/backup/journal.ts';
import type { Heads } from '../../appliance/backup/manifest.ts';
import { parseJournalHead } from '../../appliance/keeper-client/journal-head.ts';
import type { KeyKeeper } from '../../appliance/keeper/keeper.ts';
import { removeFolder, temporaryFolder } from '../harness/appliance.ts';
import { backupNode, by, chunked } from '../harness/backup-node.ts';
import type { BackupNode } from '../harness/backup-node.ts';
import { keeperSetting, removeToken } from '../harness/near-token.ts';

test.after.always(removeToken);

async function provenKeeper(t: ExecutionContext): Promise<{ keeper: KeyKeeper; shares: string[] }> {
  const { keeper } = await keeperSetting(t);
  const shares = await keeper.makeRecovery({ threshold: 2, shares: 3 });
  await keeper.proveRecovery(shares.slice(0, 2));
  return { keeper, shares };
}

async function keysOf(node: BackupNode, count: number): Promise<Map<string, string>> {
  const ids = await Promise.all(Array.from({ length: count }, (_, i) => node.create(`vm ${i}`)));
  const keys = new Map<string, string>();
  for (const id of ids) keys.set(id, await node.get(id));
  return keys;
}

async function holds(
  t: ExecutionContext,
  node: BackupNode,
  keys: Map<string, string>,
): Promise<void> {
  for (const [id, key] of keys) t.is(await node.get(id), key);
}

/** What the tables say of all objects, as one number. */
function stateOf({ keystore }: BackupNode): string {
  const hash = createHmac('sha256', 'state');
  const text = (_: string, value: unknown): unknown =>
    typeof value === 'bigint' ? String(value) : value;
  const objects = keystore.list({ limit: 10_000 });
  for (const id of objects.map((each) => each.uniqueIdentifier).sort()) {
    hash.update(JSON.stringify(keystore.object(id), text));
  }
  return hash.digest('hex');
}

test('a new node becomes what the backup was, and stays it when that is repeated', async (t) => {
  const { keeper } = await provenKeeper(t);
  const old = backupNode(t, keeper);
  const keys = await keysOf(old, 300);
  const bundle = await old.bundle();
  const next = backupNode(t, keeper);
  const first = await next.backups.restore(chunked(bundle), by);
  t.like(first, { records: 301, added: 301, secrets: 300, missing: [], fresh: true, same: true });
  t.is(first.files.get('server.pem')?.toString(), 'a certificate');
  await holds(t, next, keys);
  t.is(stateOf(next), stateOf(old));
  t.is(next.keystore.verify().records, 304);
  const second = await next.backups.restore(chunked(bundle), by);
  t.like(second, { added: 0, fresh: false });
  t.is(next.backups.memory.restored?.whole, true);
});

test('a restore only adds: newer records stay, and both nodes’ keys are there', async (t) => {
  const { keeper } = await provenKeeper(t);
  const one = backupNode(t, keeper);
  const early = await keysOf(one, 10);
  const [destroyed = ''] = early.keys();
  const bundle = await one.bundle();
  await one.keystore.change((draft) => {
    draft.append({ kind: 'object-revoked', object: destroyed, code: 2, date: 1_700_000_000 });
  });
  const late = await keysOf(one, 10);
  const before = stateOf(one);
  const back = await one.backups.restore(chunked(bundle), by);
  t.like(back, { added: 0, newer: 11, missing: [], fresh: false });
  t.is(stateOf(one), before);
  const two = backupNode(t, keeper);
  const own = await keysOf(two, 10);
  t.like(await two.backups.restore(chunked(bundle), by), { added: 11, fresh: false });
  await holds(t, two, early);
  await holds(t, two, own);
  // Then the newest: what was revoked meanwhile is so here too.
  t.like(await two.backups.restore(chunked(await one.bundle()), by), { added: 11 });
  await holds(t, two, late);
  t.is(two.keystore.object(destroyed)?.compromiseDate, 1_700_000_000);
});

test('what a restored node passes on, a node that never saw the old one takes', async (t) => {
  const { keeper } = await provenKeeper(t);
  const old = backupNode(t, keeper);
  const keys = await keysOf(old, 20);
  const restored = backupNode(t, keeper);
  await restored.backups.restore(chunked(await old.bundle()), by);
  const { replica } = restored.keystore;
  const member = replica.members().find(({ node }) => node === old.keystore.replica.node);
  t.like(member, { removed: true, lost: true, transportKey: '' });
  const third = backupNode(t, keeper);
  const own = replica.members().find(({ node }) => node === replica.node);
  await third.keystore.replica.trust(replica.node, own?.recordKey ?? '', 'paired');
  const { entries } = replica.after({}, { records: 1000, bytes: 1 << 20 });
  await third.keystore.replica.ingest(entries, replica.node);
  await holds(t, third, keys);
  t.deepEqual(third.keystore.replica.members().map(({ node }) => node).length, 3);
  // A newer backup of the old node that is found later is taken without another word.
  const late = await keysOf(old, 5);
  const bundle = await old.bundle();
  t.like(await restored.backups.restore(chunked(bundle), by), { added: 5, fresh: false });
  await holds(t, restored, late);
});

test('what a removed node wrote afterwards is taken by a person’s word alone', async (t) => {
  const { keeper } = await provenKeeper(t);
  const one = backupNode(t, keeper);
  const other = backupNode(t, keeper);
  const known = await keysOf(other, 3);
  await one.keystore.change((draft) => {
    draft.append({ kind: 'group-made', group: 'own' });
  });
  await one.backups.restore(chunked(await other.bundle()), by);
  await one.keystore.change((draft) => {
    draft.append({ kind: 'member-removed', node: other.keystore.replica.node });
  });
  // All of it is here already: nothing that could be refused.
  t.like(await one.backups.restore(chunked(await other.bundle()), by), { added: 0 });
  const after = await keysOf(other, 2);
  const bundle = await other.bundle();
  const refused = await t.throwsAsync(one.backups.restore(chunked(bundle), by), {
    instanceOf: BackupError,
  });
  t.is(refused.code, 'removed');
  const wanted = await one.backups.restore(chunked(bundle), by, { fromRemoved: true });
  t.is(wanted.added, 2);
  await holds(t, one, known);
  await holds(t, one, after);
  // A present member that has it passes it on in its own backup.
  const third = backupNode(t, keeper);
  await third.backups.restore(chunked(await one.bundle()), by);
  await holds(t, third, after);
});

/** A journal of what a node has behind these heads, as it lies on its medium. */
async function journalOf(
  t: ExecutionContext,
  { keystore, keeper, cluster }: BackupNode,
  heads: Heads,
): Promise<{ readonly bytes: Buffer; readonly heads: Heads }> {
  const folder = temporaryFolder();
  t.teardown(() => {
    removeFolder(folder);
  });
  const { replica } = keystore;
  const journal = new Journal({
    ...{ folder, keeper, cluster, node: replica.node, members: () => replica.members() },
    ...{ now: () => 1_700_000_000, random: (bytes) => randomBytes(bytes), log: () => {} },
    after: () => () => {},
  });
  await journal.start();
  const found = replica.after(heads, { records: 1000, bytes: 1 << 20 });
  // Two frames, so that one can be changed and the other not.
  await journal.append(found.entries.slice(0, 3));
  await journal.append(found.entries.slice(3));
  await journal.stop();
  const [name = ''] = readdirSync(folder);
  return { bytes: readFileSync(join(folder, name)), heads: found.heads };
}

test('journals and backups are a union: in any order, and twice, to the same end', async (t) => {
  const { keeper } = await provenKeeper(t);
  const old = backupNode(t, keeper);
  const keys = await keysOf(old, 10);
  const bundle = await old.bundle();
  const first = await journalOf(t, old, {});
  for (const [id, key] of await keysOf(old, 10)) keys.set(id, key);
  const second = await journalOf(t, old, first.heads);
  const files = [bundle, first.bytes, second.bytes];
  for (const order of [
    [0, 1, 2],
    [1, 0, 2],
    [2, 1, 2, 0],
    [0, 2, 2, 1, 0],
  ]) {
    const next = backupNode(t, keeper);
    let fresh = 0;
    for (const at of order) {
      const taken = await next.backups.restore(chunked(files[at] ?? Buffer.alloc(0)), by);
      if (at === 0 && taken.fresh) fresh++;
      t.is(taken.waiting > 0, at === 2 && order[0] === 2 && fresh === 0 && taken.added === 0);
    }
    t.is(fresh, 1, 'the backup makes it what the old node was, whatever came before');
    await holds(t, next, keys);
    t.is(stateOf(next), stateOf(old));
    const state = next.keystore.count().records;
    for (const bytes of files) {
      t.is((await next.backups.restore(chunked(bytes), by)).added, 0);
    }
    t.is(next.keystore.count().records, state);
  }
});

test('a changed frame of a journal costs its own records, and what waits for them', async (t) => {
  const { keeper } = await provenKeeper(t);
  const old = backupNode(t, keeper);
  const keys = await keysOf(old, 6);
  const { bytes } = await journalOf(t, old, {});
  const torn = bytes.subarray(0, -20);
  const changed = Buffer.from(bytes);
  const end = parseJournalHead(bytes)?.end ?? 0;
  changed[end + 50] = (changed[end + 50] ?? 0) ^ 1;
  const next = backupNode(t, keeper);
  t.like(await next.backups.restore(chunked(changed), by), { damaged: 1, waiting: 4, added: 0 });
  t.like(await next.backups.restore(chunked(torn), by), { torn: true, added: 3, damaged: 0 });
  t.like(await next.backups.restore(chunked(changed), by), { damaged: 1, waiting: 0, added: 4 });
  await holds(t, next, keys);
  const stranger = backupNode(t, (await provenKeeper(t)).keeper);
  const refused = await t.throwsAsync(stranger.backups.restore(chunked(bytes), by), {
    instanceOf: BackupError,
  });
  t.is(refused.code, 'foreign');
});

test('what others speak of and the backup does not hold is listed', async (t) => {
  const { keeper } = await provenKeeper(t);
  const one = backupNode(t, keeper);
  await keysOf(one, 5);
  const early = await one.bundle();
  await keysOf(one, 7);
  const { epoch } = one.keystore.replica;
  // Another node took all of it in and began an epoch after that, in which it says so.
  const two = backupNode(t, keeper);
  await two.backups.restore(chunked(await one.bundle()), by);
  const reborn = await two.reopen();
  const three = backupNode(t, keeper);
  const whole = await three.backups.restore(chunked(await reborn.bundle()), by);
  t.deepEqual(whole.missing, []);
  const four = backupNode(t, keeper);
  await four.backups.restore(chunked(early), by);
  t.is(four.keystore.replica.heads()[epoch]?.[0], 6);
  const { missing } = four.backups.compare(reborn.keystore.replica.heads());
  t.true(missing.some((each) => each.epoch === epoch && each.from === 7 && each.to === 13));
});

test('shares open a backup whose wrapping key is retired, and it is sealed anew', async (t) => {
  const { keeper, shares } = await provenKeeper(t);
  const one = backupNode(t, keeper);
  const keys = await keysOf(one, 20);
  const bundle = await one.bundle();
  const slots = keeper.slots();
  const generation = await keeper.rotateWrappingKey();
  await one.keystore.rewrap({ generation: Buffer.from(generation, 'hex'), limit: 100 });
  await keeper.retire(keeper.status().older ?? []);
  const two = backupNode(t, keeper);
  const error = await t.throwsAsync(two.backups.restore(chunked(bundle), by), {
    instanceOf: BackupError,
  });
  t.is(error.code, 'shares-needed');
  t.is(two.keystore.count().objects, 0);
  await keeper.lend({ shares: shares.slice(1), slots });
  t.like(await two.backups.restore(chunked(bundle), by), { secrets: 20, added: 21 });
  t.is(await two.keystore.outdated(Buffer.from(generation, 'hex')), 0);
  await holds(t, two, keys);
});

test('a damaged backup leaves nothing behind, not even its first records', async (t) => {
  const { keeper } = await provenKeeper(t);
  const one = backupNode(t, keeper);
  await keysOf(one, 200);
  const bundle = await one.bundle();
  const two = backupNode(t, keeper);
  for (const bad of [bundle.subarray(0, -1), Buffer.concat([bundle, Buffer.from([0])])]) {
    await t.throwsAsync(two.backups.restore(chunked(bad), by), { instanceOf: BackupError });
  }
  t.is(two.keystore.count().objects, 0);
  t.is(two.backups.memory.restored, undefined);
  t.deepEqual(
    readdirSync(two.folder).filter((name) => name.includes('incoming')),
    [],
  );
});

test('only a backup that was read back gets its name, and the oldest make room', async (t) => {
  const { keeper } = await provenKeeper(t);
  let now = 1_700_000_000;
  const node = backupNode(t, keeper, { keep: 3, now: () => now });
  const folder = join(node.folder, 'backups');
  await keysOf(node, 5);
  // What a killed process left, what another node is writing, and what is not ours.
  writeFileSync(join(folder, `twinlock-${node.node.slice(0, 8)}-00000000.backup.part`), 'half');
  writeFileSync(join(folder, 'twinlock-another-00000000.backup.part'), 'half');
  writeFileSync(join(folder, 'twinlock-notes.backup'), 'somebody’s notes');
  const files: string[] = [];
  for (let i = 0; i < 5; i++) {
    now += 3600;
    files.push((await node.backups.create(undefined, by)).file);
  }
  t.deepEqual(
    node.backups.list().map(({ file }) => file),
    files.slice(2),
  );
  t.deepEqual(
    readdirSync(folder).filter((name) => !files.includes(join(folder, name))),
    ['twinlock-another-00000000.backup.part', 'twinlock-notes.backup'],
  );
  t.like(node.backups.memory.verified, { file: files[4], keys: 5, time: now });
  // A clock that went back: the newest stays although its name sorts first.
  now = 1_600_000_000;
  const { file } = await node.backups.create(undefined, by);
  t.true(node.backups.list().some((each) => each.file === file));
  t.is(node.backups.list().length, 3);
  const one = join(folder, 'by-hand.backup');
  t.is((await node.backups.create(one, by)).file, one);
  const again = await t.throwsAsync(node.backups.create(one, by), { instanceOf: BackupError });
  t.is(again.code, 'not-written');
  t.is(node.backups.memory.failed, undefined);
  t.true(readFileSync(one).length > 0);
});

test('a configured folder that is not there is no file to be made in its place', async (t) => {
  const { keeper } = await provenKeeper(t);
  const node = backupNode(t, keeper);
  const folder = join(node.folder, 'backups');
  rmdirSync(folder);
  const error = await t.throwsAsync(node.backups.create(undefined, by), {
    instanceOf: BackupError,
  });
  t.deepEqual([error.code, error.message], ['not-written', `there is no folder ${folder}`]);
  t.false(existsSync(folder));
  t.is(node.backups.memory.failed?.reason, 'not-written');
  mkdirSync(folder);
  await node.backups.create(undefined, by);
  t.is(node.backups.memory.failed, undefined);
});

test('one backup at a time', async (t) => {
  const { keeper } = await provenKeeper(t);
  const node = backupNode(t, keeper);
  const first = node.backups.create(undefined, by);
  const second = await t.throwsAsync(node.backups.create(undefined, by), {
    instanceOf: BackupError,
  });
  t.is(second.code, 'busy');
  await first;
  const reading = node.backups.stream(by);
  await reading.next();
  await reading.return(undefined);
  await node.backups.create(undefined, by);
});
