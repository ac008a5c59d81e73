import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { BackupError } from '../../appliance/backup/error.ts';
import type { BackupErrorCode } from '../../appliance/backup/error.ts';
import { backupNode, by, chunked } from '../harness/backup-node.ts';
import type { BackupNode } from '../harness/backup-node.ts';
import { keeperSetting, removeToken } from '../harness/near-token.ts';

test.after.always(removeToken);

type Setting = Parameters<typeof backupNode>[2];

async function provenNode(t: ExecutionContext, options: Setting = {}): Promise<BackupNode> {
  const { keeper } = await keeperSetting(t);
  const shares = await keeper.makeRecovery({ threshold: 2, shares: 3 });
  await keeper.proveRecovery(shares.slice(0, 2));
  return backupNode(t, keeper, options);
}

const enrolled = (client: string): object => ({
  ...{ kind: 'client-enrolled', client, name: client, group: 'default' },
  ...{ fingerprint: client.repeat(64), certificate: 'a certificate', state: 'allowed' },
});

function member(): { recordKey: string } {
  const { publicKey } = generateKeyPairSync('ed25519');
  return { recordKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64') };
}

/** What came of all that was said of keys until now. */
async function said(node: BackupNode): Promise<unknown> {
  const { keystore } = node;
  const objects = keystore.list({ limit: 1_000 }).map(({ uniqueIdentifier: id }) => id);
  const keys: unknown[] = [];
  for (const id of objects.sort()) {
    const { state, intents, compromiseDate } = keystore.object(id) ?? {};
    keys.push([id, state, intents?.length, compromiseDate, await node.get(id)]);
  }
  return keys;
}

const replacing = (node: BackupNode): { name: string; saveTo: string } => {
  const folder = join(node.folder, 'saved');
  mkdirSync(folder, { recursive: true });
  return { name: 'a-name', saveTo: folder };
};

test('keys go back, nobody is let in again, and what was saved undoes it', async (t) => {
  const node = await provenNode(t);
  const { keystore } = node;
  const { replica } = keystore;
  await keystore.change((draft) => {
    for (const client of ['a', 'b']) draft.append(enrolled(client) as never);
  });
  const early: string[] = [];
  for (let i = 0; i < 10; i++) early.push(await node.create(`early ${i}`));
  const [revoked = '', destroyed = ''] = early;
  const bundle = await node.bundle();
  const before = await said(node);

  const late = [await node.create('late'), await node.create('later')];
  const other = 'e'.repeat(32);
  const joined = { ...member(), transportKey: 'f'.repeat(64), name: 'b', addresses: [] };
  await keystore.change((draft) => {
    draft.append({ kind: 'object-revoked', object: revoked, code: 2, date: 1_700_000_000 });
    draft.append({ kind: 'destroy-intended', object: destroyed, date: 1_700_000_000 });
    draft.append({ kind: 'client-blocked', client: 'a' });
    draft.append(enrolled('c') as never);
    draft.append({ kind: 'member-joined', node: other, ...joined });
    draft.append({ kind: 'member-removed', node: other });
    draft.append({ kind: 'retention-set', seconds: 40 * 86_400 });
  });
  const after = await said(node);
  const audited = keystore.trail.newest.seq;
  const epoch = replica.epoch;

  const done = await node.backups.replace(chunked(bundle), by, replacing(node));
  t.is(done.replaced.objects, 2);
  t.deepEqual(await said(node), before);
  for (const id of late) await t.throwsAsync(node.get(id), { message: 'no such object' });
  t.deepEqual(
    keystore.clients().map(({ id, state }) => [id, state]),
    [
      ['a', 'blocked'],
      ['b', 'allowed'],
      ['c', 'allowed'],
    ],
  );
  t.true(replica.members().find((member) => member.node === other)?.removed);
  t.is(keystore.retention(), 40 * 86_400);
  // It writes on in another epoch: nothing is ever said twice at one place.
  t.not(replica.epoch, epoch);
  t.true(keystore.trail.newest.seq >= audited, 'the audit goes on');
  t.is(keystore.verify().auditBreak, undefined);
  t.is(node.backups.memory.restored?.whole, true);
  t.true(node.audit.includes('restore replace success'));

  const fresh = await node.create('afterwards');
  const secret = await node.get(fresh);
  const again = await node.reopen();
  t.is(await again.get(fresh), secret);
  // The wrapping key's rotation meets no secret that nothing speaks of.
  const generation = Buffer.from(await again.keeper.keeper.rotateWrappingKey(), 'hex');
  const { failed } = await again.keystore.rewrap({ generation, limit: 100 });
  t.deepEqual(failed, []);
  t.is(await again.keystore.outdated(generation), 0);

  const undone = await again.backups.restore(chunked(readFileSync(done.replaced.saved)), by);
  t.is(undone.fresh, false);
  t.deepEqual(
    ((await said(again)) as unknown[][]).filter(([id]) => id !== fresh),
    after,
  );
  t.is(await again.get(fresh), secret);
  again.keystore.verify();
});

test('a key that was purged since is there again, with its secret', async (t) => {
  const node = await provenNode(t);
  const { replica } = node.keystore;
  const [kept, purged] = [await node.create('kept'), await node.create('purged')];
  const secrets = [await node.get(kept), await node.get(purged)];
  const bundle = await node.bundle();
  await node.keystore.change((draft) => {
    draft.append({ kind: 'destroy-intended', object: purged, date: 1_700_000_000 });
  });
  const look = { now: 1_700_000_000, floor: 0, members: [replica.node], most: 1000 };
  await replica.lookAtKept({ ...look, seconds: 0 });
  t.deepEqual(await replica.lookAtKept({ ...look, seconds: 30 * 86_400 }), [purged]);
  await t.throwsAsync(node.get(purged));
  const done = await node.backups.replace(chunked(bundle), by, replacing(node));
  t.is(done.replaced.objects, 0);
  t.deepEqual([await node.get(kept), await node.get(purged)], secrets);
  t.deepEqual(replica.lacking(10), []);
});

test('a key that is made while others go back stays', async (t) => {
  const node = await provenNode(t);
  await node.create('early');
  const bundle = await node.bundle();
  const gone = await node.create('late');
  const course = { over: false };
  const done = node.backups.replace(chunked(bundle), by, replacing(node)).finally(() => {
    course.over = true;
  });
  const made = new Map<string, string>();
  while (!course.over) {
    const id = await node.create('meanwhile');
    made.set(id, await node.get(id).catch(() => 'gone, and saved'));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { replaced } = await done;
  await t.throwsAsync(node.get(gone));
  const other = backupNode(t, node.keeper.keeper);
  await other.backups.restore(chunked(readFileSync(replaced.saved)), by);
  t.true(made.size > 0);
  for (const [id, secret] of made) {
    const here = await node.get(id).catch(() => undefined);
    // Answered, it is here or in what was saved.
    const saved = await other.get(id).catch(() => undefined);
    t.is(here ?? saved, secret === 'gone, and saved' ? saved : secret);
    t.not(here ?? saved, undefined);
  }
});

test('without the name, the place to save to and a node alone nothing is replaced', async (t) => {
  const node = await provenNode(t);
  await node.create('early');
  const bundle = await node.bundle();
  await node.create('late');
  const before = await said(node);
  const good = replacing(node);
  const refusal = async (
    change: Partial<typeof good>,
    on: BackupNode = node,
    bytes = bundle,
  ): Promise<BackupErrorCode> => {
    const error = await t.throwsAsync(
      on.backups.replace(chunked(bytes), by, { ...good, ...change }),
      { instanceOf: BackupError },
    );
    return error.code;
  };
  for (const name of ['', 'a-nam', 'a-name ', 'A-NAME']) {
    t.is(await refusal({ name }), 'not-confirmed');
  }
  t.is(await refusal({ saveTo: '' }), 'not-written');
  t.is(await refusal({ saveTo: join(node.folder, 'nowhere', 'a.backup') }), 'not-written');
  // Where the schedule deletes old ones, and where the spool lies.
  t.is(await refusal({ saveTo: join(node.folder, 'backups') }), 'not-written');
  t.is(await refusal({ saveTo: join(node.folder, 'backups', 'a.backup') }), 'not-written');
  t.is(await refusal({ saveTo: node.folder }), 'not-written');
  const changed = Buffer.from(bundle);
  changed[changed.length - 5] = (changed[changed.length - 5] ?? 0) ^ 1;
  t.is(await refusal({}, node, changed), 'damaged');
  t.deepEqual(await said(node), before);
  t.is(node.backups.memory.restored, undefined);

  const pair = backupNode(t, node.keeper.keeper, { bringsBack: 'the other node' });
  await pair.create('there');
  t.is(await refusal({}, pair), 'not-alone');
  t.is(pair.keystore.count().objects, 1);
});
