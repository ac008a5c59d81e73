import { createSecretKey, randomBytes } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { chunkBytes } from '../../appliance/backup/chunk.ts';
import { BackupError } from '../../appliance/backup/error.ts';
import type { BackupErrorCode } from '../../appliance/backup/error.ts';
import { macOf } from '../../appliance/backup/manifest.ts';
import { openBundle } from '../../appliance/backup/read.ts';
import { verifyBundle } from '../../appliance/backup/verify.ts';
import { encodeBundleHead, parseBundleHead } from '../../appliance/keeper-client/bundle-head.ts';
import type { BundleHead } from '../../appliance/keeper-client/bundle-head.ts';
import type { KeyKeeper } from '../../appliance/keeper/keeper.ts';
import { backupNode, by, chunked } from '../harness/backup-node.ts';
import type { BackupNode } from '../harness/backup-node.ts';
import { keeperSetting, removeToken } from '../harness/near-token.ts';

test.after.always(removeToken);

const threeOfFive = { threshold: 3, shares: 5 };

async function provenKeeper(t: ExecutionContext): Promise<{ keeper: KeyKeeper; shares: string[] }> {
  const { keeper } = await keeperSetting(t);
  const shares = await keeper.makeRecovery(threeOfFive);
  await keeper.proveRecovery(shares.slice(0, 3));
  return { keeper, shares };
}

async function nodeWithKeys(t: ExecutionContext, count: number): Promise<BackupNode> {
  const { keeper } = await provenKeeper(t);
  const node = backupNode(t, keeper);
  await Promise.all(Array.from({ length: count }, (_, i) => node.create(`machine ${i}`)));
  return node;
}

async function refusal(node: BackupNode, bytes: Buffer): Promise<BackupErrorCode | undefined> {
  try {
    await verifyBundle(chunked(bytes), node);
    return undefined;
  } catch (error) {
    if (error instanceof BackupError) return error.code;
    throw error;
  }
}

/** What `verify` reads first, without the work on each record: for thousands of backups. */
async function isRead(node: BackupNode, bytes: Buffer): Promise<boolean> {
  try {
    const { content } = await openBundle(chunked(bytes), node);
    while ((await content.next()).done !== true);
    return true;
  } catch (error) {
    if (error instanceof BackupError) return false;
    throw error;
  }
}

function headOf(bundle: Buffer): { head: BundleHead; end: number } {
  const parsed = parseBundleHead(bundle);
  if (parsed.is !== 'head') throw new Error('no head');
  return parsed;
}

test('a backup holds every record and every key, and each is what its record says', async (t) => {
  const node = await nodeWithKeys(t, 100);
  const { manifest, totals } = await verifyBundle(chunked(await node.bundle()), node);
  t.like(totals, { records: 101, secrets: 100, absent: 0 });
  t.is(manifest.objects, 100);
  t.deepEqual(manifest.heads, node.keystore.replica.heads());
});

test('each of 10,000 changed bits in a backup of 100 keys is found', async (t) => {
  t.timeout(240_000);
  const node = await nodeWithKeys(t, 100);
  const bundle = await node.bundle();
  t.true(bundle.length > chunkBytes);
  t.true(await isRead(node, bundle));
  const missed: number[] = [];
  for (let i = 0; i < 10_000; i++) {
    const at = randomBytes(4).readUInt32BE() % bundle.length;
    const bit = 1 << (i % 8);
    bundle[at] = (bundle[at] ?? 0) ^ bit;
    const found = i % 20 === 0 ? await refusal(node, bundle) : !(await isRead(node, bundle));
    if (found === undefined || found === false) missed.push(at);
    bundle[at] ^= bit;
  }
  t.deepEqual(missed, []);
  t.is(await refusal(node, bundle), undefined);
});

test('a backup that is cut, longer, reordered or put together of two is found', async (t) => {
  const node = await nodeWithKeys(t, 200);
  const [one, two] = [await node.bundle(), await node.bundle()];
  const sealed = chunkBytes + 16;
  const start = headOf(one).end + 32;
  t.is(headOf(two).end + 32, start);
  const cuts = [0, 1, 7, 8, 11, 12, 500, start - 33, start - 1, start, start + 1, start + sealed];
  cuts.push(one.length - 1, one.length - 16);
  for (let boundary = start; boundary < one.length; boundary += sealed) cuts.push(boundary);
  for (let i = 0; i < 300; i++) cuts.push(randomBytes(4).readUInt32BE() % one.length);
  for (const cut of cuts) t.false(await isRead(node, one.subarray(0, cut)), `cut at ${cut}`);
  for (const more of [1, 16, 17, sealed]) {
    t.false(await isRead(node, Buffer.concat([one, randomBytes(more)])), `${more} more`);
  }
  t.false(await isRead(node, Buffer.concat([one, one])));
  const chunk = (bundle: Buffer, i: number): Buffer =>
    bundle.subarray(start + i * sealed, start + (i + 1) * sealed);
  const head = one.subarray(0, start);
  const rest = one.subarray(start + 2 * sealed);
  const mixes = {
    'two chunks in each other’s place': [head, chunk(one, 1), chunk(one, 0), rest],
    'a chunk twice': [head, chunk(one, 0), chunk(one, 0), chunk(one, 1), rest],
    'a chunk left out': [head, chunk(one, 0), rest],
    'a chunk of another backup': [head, chunk(one, 0), chunk(two, 1), rest],
    'the head of another backup': [two.subarray(0, start), one.subarray(start)],
    'the end of another backup': [head, chunk(one, 0), two.subarray(start + sealed)],
  };
  for (const [what, parts] of Object.entries(mixes)) {
    t.false(await isRead(node, Buffer.concat(parts)), what);
  }
});

test('nothing in a backup tells of a key, a name or a client', async (t) => {
  const { keeper } = await provenKeeper(t);
  const node = backupNode(t, keeper);
  const secret = Buffer.from('pattern-that-no-backup-may-show!');
  const name = 'a machine nobody may hear of';
  const id = await node.create(name, secret);
  const client = 'b3d6f0f2-0000-4000-8000-00000000c11e';
  await node.keystore.change((draft) => {
    draft.append({
      ...{ kind: 'client-enrolled', client, name: 'vcenter-of-somebody', group: 'default' },
      ...{ fingerprint: 'ab'.repeat(32), certificate: 'PEM', state: 'allowed' },
    });
  });
  const bundle = await node.bundle();
  t.is(await refusal(node, bundle), undefined);
  const words = [name, id, client, 'vcenter-of-somebody', 'ab'.repeat(32), 'default', 'x-Name'];
  const bytes = [secret, secret.toString('hex'), secret.toString('base64'), ...words];
  for (const word of [...bytes, Buffer.from(name).toString('hex')]) t.false(bundle.includes(word));
});

test('a backup of another cluster, or one that an attacker made, is refused', async (t) => {
  const node = await nodeWithKeys(t, 3);
  const stranger = await nodeWithKeys(t, 3);
  const foreign = await stranger.bundle();
  t.is(await refusal(node, foreign), 'foreign');
  t.is(await refusal(node, Buffer.from('a text that is no backup')), 'not-a-backup');
  const own = await node.bundle();
  const { head, end } = headOf(own);
  // The stranger knows all that is public: identifiers, slots, and how a backup is made.
  const theirs = headOf(foreign);
  const disguised = { ...theirs.head, cluster: node.cluster, slots: head.slots };
  const text = encodeBundleHead(disguised);
  const forged = createSecretKey(stranger.keeper.keeper.derive('backup'));
  const body = foreign.subarray(theirs.end + 32);
  t.is(await refusal(node, Buffer.concat([text, macOf(forged, text), body])), 'forged');
  const renamed = encodeBundleHead({ ...head, made: head.made + 1 });
  const rest = own.subarray(end);
  t.is(await refusal(node, Buffer.concat([renamed, rest])), 'forged');
  const newer = Buffer.from(own);
  newer[7] = 2;
  t.is(await refusal(node, newer), 'newer');
});

test('a snapshot is taken while clients create, and is of one moment', async (t) => {
  const node = await nodeWithKeys(t, 600);
  const chunks: Buffer[] = [];
  const creating: Promise<string>[] = [];
  for await (const chunk of node.writer().bytes()) {
    chunks.push(chunk);
    creating.push(node.create('meanwhile'));
  }
  await Promise.all(creating);
  const { totals } = await verifyBundle(chunked(Buffer.concat(chunks)), node);
  t.is(totals.secrets, 600);
  t.true(node.keystore.count().objects > 600);
});

test('a key that is not what its record says makes no good backup', async (t) => {
  const node = await nodeWithKeys(t, 5);
  const honest = node.keeper.keeper;
  // As after a bit that changed under the seal: it opens, to something else.
  let calls = 0;
  const lying = Object.assign(Object.create(node.keeper) as typeof node.keeper, {
    open: async (context: Uint8Array, sealed: Uint8Array): Promise<Buffer> => {
      const opened = honest.open(context, Buffer.from(sealed));
      if (++calls === 4) opened[0] = (opened[0] ?? 0) ^ 1;
      return Promise.resolve(opened);
    },
  });
  const bundle = await node.bundle();
  const error = await t.throwsAsync(verifyBundle(chunked(bundle), { ...node, keeper: lying }), {
    instanceOf: BackupError,
  });
  t.is(error.code, 'key-corrupt');
});

test('without a proven recovery set nobody could open a backup, and none is made', async (t) => {
  const { keeper } = await keeperSetting(t);
  const node = backupNode(t, keeper);
  const error = await t.throwsAsync(node.bundle(), { instanceOf: BackupError });
  t.is(error.code, 'recovery-missing');
  await t.throwsAsync(node.backups.create(undefined, by), { instanceOf: BackupError });
  t.deepEqual(node.audit, ['backup create failed recovery-missing']);
  t.is(node.backups.memory.failed?.reason, 'recovery-missing');
});

test('a rotation that begins while a backup is made has it made again', async (t) => {
  const node = await nodeWithKeys(t, 400);
  const { keeper } = node.keeper;
  const slots = node.keeper.slots.bind(node.keeper);
  let rotated = false;
  node.keeper.slots = async () => {
    const text = await slots();
    if (!rotated) {
      rotated = true;
      const generation = Buffer.from(await keeper.rotateWrappingKey(), 'hex');
      await node.keystore.rewrap({ generation, limit: 1000 });
    }
    return text;
  };
  const made = await node.backups.create(undefined, by);
  t.is(made.verified.totals.secrets, 400);
  t.true(rotated);
});
