import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { Journal } from '../../appliance/backup/journal.ts';
import { State } from '../../appliance/kmip/enumeration.ts';
import { takeJournals } from '../../appliance/service/journal.ts';
import { removeFolder, temporaryFolder } from '../harness/appliance.ts';
import { backupNode, by, chunked } from '../harness/backup-node.ts';
import type { BackupNode } from '../harness/backup-node.ts';
import { keeperSetting, removeToken } from '../harness/near-token.ts';

test.after.always(removeToken);

async function keeperOf(t: ExecutionContext) {
  const { keeper } = await keeperSetting(t);
  const shares = await keeper.makeRecovery({ threshold: 2, shares: 3 });
  await keeper.proveRecovery(shares.slice(0, 2));
  return keeper;
}

async function destroy({ keystore }: BackupNode, object: string): Promise<void> {
  await keystore.change((draft) => {
    draft.append({ kind: 'destroy-intended', object, date: 1_700_000_000 });
  });
}

async function undestroy({ keystore }: BackupNode, object: string): Promise<void> {
  await keystore.change((draft) => {
    draft.append({ kind: 'destroy-cancelled', object });
  });
}

/** Runs for so many days, alone as far as it knows. */
async function keepFor({ keystore: { replica } }: BackupNode, days: number): Promise<string[]> {
  const look = { now: 1_700_000_000, floor: 0, members: [replica.node], most: 1000 };
  await replica.lookAtKept({ ...look, seconds: 0 });
  return replica.lookAtKept({ ...look, seconds: days * 86_400 });
}

function isGone(t: ExecutionContext, { keystore }: BackupNode, id: string): void {
  t.like(keystore.object(id), { purged: true, state: State.Destroyed, hasMaterial: false });
  t.deepEqual(keystore.replica.materials([id]), []);
  t.deepEqual(keystore.replica.lacking(10), []);
}

const conflictsOf = ({ keystore }: BackupNode): [string, string[]][] =>
  keystore.conflicts(10).map(({ kind, objects }) => [kind, [...objects]]);

test('a backup from before does not bring a purged key back, in whatever order', async (t) => {
  const keeper = await keeperOf(t);
  const old = backupNode(t, keeper);
  const id = await old.create('purged');
  const other = await old.create('kept');
  const [secret, otherSecret] = [await old.get(id), await old.get(other)];
  const before = await old.bundle();
  await destroy(old, id);
  const between = await old.bundle();
  t.deepEqual(await keepFor(old, 29), []);
  t.deepEqual(await keepFor(old, 1), [id]);
  const after = await old.bundle();
  isGone(t, old, id);
  for (const bundle of [before, between]) {
    t.like(await old.backups.restore(chunked(bundle), by), { added: 0 });
    isGone(t, old, id);
  }
  // A new box knows what the newest backup it read knows, and never less.
  for (const order of [[after], [after, before], [before, after], [between, before, after]]) {
    const next = backupNode(t, keeper);
    for (const bundle of order) await next.backups.restore(chunked(bundle), by);
    isGone(t, next, id);
    t.is(await next.get(other), otherSecret);
    t.deepEqual(conflictsOf(next), []);
  }
  // Where nobody knows of its end it is there again: that is what a backup is for.
  const alone = backupNode(t, keeper);
  await alone.backups.restore(chunked(before), by);
  t.is(await alone.get(id), secret);
});

test('a restored node keeps what was destroyed for the whole time again', async (t) => {
  const keeper = await keeperOf(t);
  const old = backupNode(t, keeper);
  const id = await old.create();
  const secret = await old.get(id);
  await destroy(old, id);
  await keepFor(old, 29);
  const next = backupNode(t, keeper);
  await next.backups.restore(chunked(await old.bundle()), by);
  t.is(next.keystore.object(id)?.state, State.Destroyed);
  t.deepEqual(await keepFor(next, 29), []);
  await undestroy(next, id);
  t.deepEqual(await keepFor(next, 90), []);
  t.is(await next.get(id), secret);
});

/** The old node took the end back, a node restored from a backup before that carried it out. */
async function takenBackElsewhere(t: ExecutionContext) {
  const keeper = await keeperOf(t);
  const old = backupNode(t, keeper);
  const id = await old.create();
  const secret = await old.get(id);
  await destroy(old, id);
  const next = backupNode(t, keeper);
  await next.backups.restore(chunked(await old.bundle()), by);
  // Its secret and the word that takes it back lie far apart: no batch has both.
  for (let i = 0; i < 300; i++) await old.create(`vm ${i}`, Buffer.alloc(32, i));
  await undestroy(old, id);
  t.deepEqual(await keepFor(next, 30), [id]);
  isGone(t, next, id);
  return { old, next, id, secret };
}

test('a restored node does not end what another took back: a backup brings it', async (t) => {
  const { old, next, id, secret } = await takenBackElsewhere(t);
  await next.backups.restore(chunked(await old.bundle()), by);
  t.like(next.keystore.object(id), { purged: false, state: State.PreActive });
  t.is(await next.get(id), secret);
  t.deepEqual(next.keystore.replica.lacking(10), []);
  t.deepEqual(conflictsOf(next), [['undestroy', [id]]], 'and a person is told');
  // The old one, had it to hear of the end, keeps the key too.
  await old.backups.restore(chunked(await next.bundle()), by);
  t.is(await old.get(id), secret);
  t.deepEqual(conflictsOf(old), [['undestroy', [id]]]);
});

for (const way of ['at a start', 'by restore'] as const) {
  test(`a restored node does not end what another took back: its journal, ${way}`, async (t) => {
    const { old, next, id, secret } = await takenBackElsewhere(t);
    const folder = temporaryFolder();
    t.teardown(() => {
      removeFolder(folder);
    });
    const { replica } = old.keystore;
    const surroundings = {
      ...{ now: () => 1_700_000_000, elapsed: () => 0, log: () => {}, after: () => () => {} },
      random: (bytes: number) => randomBytes(bytes),
    };
    const { keeper, cluster } = old;
    const members = (): ReturnType<typeof replica.members> => replica.members();
    const parts = { folder, keeper, cluster, node: replica.node, members, ...surroundings };
    const journal = new Journal(parts);
    await journal.start();
    for (let heads = {}; ;) {
      const page = replica.after(heads, { records: 100, bytes: 1 << 20 });
      if (page.entries.length === 0) break;
      await journal.append(page.entries);
      heads = page.heads;
    }
    await journal.stop();
    const { keystore } = next;
    if (way === 'at a start') {
      t.is(await takeJournals(folder, { keystore, keeper: next.keeper, surroundings }), 'nothing');
    } else {
      const [name = ''] = readdirSync(folder);
      await next.backups.restore(chunked(readFileSync(join(folder, name))), by);
    }
    t.is(await next.get(id), secret);
    t.deepEqual(conflictsOf(next), [['undestroy', [id]]]);
  });
}
