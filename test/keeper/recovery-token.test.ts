import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { KeeperError } from '../../appliance/keeper-client/keeper.ts';
import type { KeeperErrorCode } from '../../appliance/keeper-client/keeper.ts';
import { sealSecret } from '../../appliance/keeper/cluster-secret.ts';
import type { RecoverySet } from '../../appliance/keeper/recovery.ts';
import { mergedRecovery } from '../../appliance/keeper/recovery-part.ts';
import type { RecoveryPart } from '../../appliance/keeper/recovery-part.ts';
import { bearsMark, markedIdentifier } from '../../appliance/keeper/recovery-token.ts';
import { recoveryTokenSlot } from '../../appliance/keeper/recovery-token.ts';
import type { RecoveryToken } from '../../appliance/keeper/recovery-token.ts';
import { parseStored, slotTablePurpose, storedText } from '../../appliance/keeper/slot-table.ts';
import type { SlotTable } from '../../appliance/keeper/slot-table.ts';
import { WrappingKey } from '../../appliance/keeper/wrapping-key.ts';
import { blankKeeper, NearToken, removeToken } from '../harness/near-token.ts';

/** A second token whose key recovers the wrapping keys; it may lie in a safe. */
test.after.always(removeToken);

const context = Buffer.from('context');
const secret = Buffer.from('a secret of some length');
const twoOfThree = { threshold: 2, shares: 3 };
const inSafe = { rootKeyLabel: 'recovery', token: 'safe' };

async function refusal(
  t: ExecutionContext,
  code: KeeperErrorCode,
  act: Promise<unknown>,
): Promise<void> {
  const error = await t.throwsAsync(act, { instanceOf: KeeperError });
  t.is(error.code, code, error.message);
}

function readTable(folder: string): SlotTable {
  return (JSON.parse(readFileSync(join(folder, 'slots.a'), 'utf8')) as { table: SlotTable }).table;
}

interface Setting extends ReturnType<typeof blankKeeper> {
  readonly safe: NearToken;
}

async function setting(t: ExecutionContext, further = {}): Promise<Setting> {
  const safe = new NearToken();
  const made = blankKeeper(t, new NearToken(), { safe, ...further });
  await made.keeper.initialise('root');
  return { ...made, safe };
}

test('a token recovers the keys once it is proven, and is logged out of each time', async (t) => {
  const { keeper, safe, another } = await setting(t);
  const id = await keeper.makeRecoveryToken(inSafe);
  t.like(keeper.status().recovery, {
    proven: false,
    members: [{ kind: 'token', id, token: 'safe', proven: null }],
  });
  await keeper.proveRecoveryToken('safe');
  t.is(safe.logouts, 2);
  const next = another();
  await next.advance();
  t.like(next.status().recovery, { proven: true, members: [{ id }] });
});

test('only its public key is needed: keys rotate while it lies in the safe', async (t) => {
  const { keeper, token, safe, folder, another } = await setting(t);
  await keeper.makeRecoveryToken(inSafe);
  await keeper.proveRecoveryToken('safe');
  Object.assign(safe, { dead: true, says: 'absent' });
  const old = keeper.seal(context, secret);
  await keeper.rotateRootKey({ rootKeyLabel: 'second' });
  await keeper.rotateWrappingKey();
  const sealed = keeper.seal(context, secret);

  // The root key's token is lost; another one takes its place, and the safe is opened.
  for (const { keyId } of readTable(folder).slots) token.lost.add(keyId);
  const restored = another();
  await restored.advance();
  t.is(restored.status().state, 'sealed');
  const request = { rootKeyLabel: 'third', recoveryToken: 'safe' };
  await refusal(t, 'token', restored.restore(request));
  safe.dead = false;
  await refusal(t, 'token-in-use', restored.restore({ ...request, token: 'safe' }));
  await restored.restore(request);
  for (const each of [old, sealed]) t.deepEqual(restored.open(context, each), secret);
  t.true(restored.status().recovery?.proven);
  const last = another();
  await last.advance();
  t.deepEqual(last.open(context, sealed), secret);
});

test('a new node takes a backup’s slots through it, and through no other token', async (t) => {
  const { keeper, safe } = await setting(t);
  await keeper.makeRecoveryToken(inSafe);
  const sealed = keeper.seal(context, secret);
  const slots = keeper.slots();
  const [wrong, own] = [new NearToken(), new NearToken()];
  const node = blankKeeper(t, own, { safe, wrong });
  const request = { rootKeyLabel: 'new', slots };
  await refusal(t, 'recovery-foreign', node.keeper.restore({ ...request, recoveryToken: 'wrong' }));
  await refusal(t, 'token-unknown', node.keeper.restore({ ...request, recoveryToken: 'no-such' }));
  t.is(node.keeper.status().state, 'new');
  await node.keeper.restore({ ...request, recoveryToken: 'safe' });
  t.deepEqual(node.keeper.open(context, sealed), secret);
  await node.keeper.proveRecoveryToken('safe');

  // One that serves reads an older backup through it, and no other cluster's.
  await keeper.rotateWrappingKey();
  await keeper.retire(keeper.status().older ?? []);
  t.throws(() => keeper.open(context, sealed), { instanceOf: KeeperError });
  await keeper.lend({ recoveryToken: 'safe', slots });
  t.deepEqual(keeper.open(context, sealed), secret);
  const stranger = await setting(t);
  await stranger.keeper.makeRecoveryToken(inSafe);
  const foreign = { recoveryToken: 'safe', slots: stranger.keeper.slots() };
  await refusal(t, 'recovery-foreign', keeper.lend(foreign));
});

test('a table that somebody forged around the token’s public key is found out', async (t) => {
  const { keeper, safe } = await setting(t);
  await keeper.makeRecoveryToken(inSafe);
  const real = parseStored(keeper.slots())?.table;
  const [member] = real?.recoveryTokens ?? [];
  if (real === undefined || member === undefined) throw new Error('no recovery token');
  t.is(member.keyId.length, 32);
  // All that is public: the cluster's id, the key and its identifier. The keys are the forger's.
  const key = new WrappingKey(randomBytes(16), randomBytes(32));
  const written = key.generation.toString('hex');
  const forged: SlotTable = {
    ...{ version: 2, serial: 9, cluster: real.cluster, written },
    secret: sealSecret(key, real.cluster, randomBytes(32), randomBytes(12)),
    slots: [recoveryTokenSlot(member, key, 1_700_000_000)],
    recoveryTokens: [member],
  };
  const slots = storedText(forged, key.derive(slotTablePurpose));
  const node = blankKeeper(t, new NearToken(), { safe });
  const request = { rootKeyLabel: 'new', recoveryToken: 'safe' };
  await refusal(t, 'no-recovery', node.keeper.restore({ ...request, slots }));
  t.is(node.keeper.status().state, 'new');
  // The same with one byte of the real table changed; and the real one, which is taken.
  const changed = keeper.slots().replace('"serial": 2', '"serial": 3');
  await refusal(t, 'no-recovery', node.keeper.restore({ ...request, slots: changed }));
  await node.keeper.restore({ ...request, slots: keeper.slots() });
});

test('an identifier bears the mark of its cluster, as bytes or as a vendor’s digits', (t) => {
  const mark = 'ab'.repeat(32);
  const id = markedIdentifier(mark, randomBytes(4));
  t.true(bearsMark(id.toString('hex'), mark));
  t.true(bearsMark(Buffer.from(id.toString('hex')).toString('hex'), mark));
  t.false(bearsMark(id.toString('hex'), 'ab'.repeat(11) + 'ac'.repeat(21)));
  t.false(bearsMark(randomBytes(16).toString('hex'), mark));
});

test('a recovery key never lies in the root key’s token, by whatever name', async (t) => {
  const root = new NearToken();
  const { keeper } = blankKeeper(t, root, { alias: root, safe: new NearToken() });
  await keeper.initialise('root');
  for (const token of ['tpm', 'alias']) {
    await refusal(t, 'token-in-use', keeper.makeRecoveryToken({ rootKeyLabel: 'recovery', token }));
  }
  await keeper.makeRecoveryToken(inSafe);
  await refusal(t, 'token-in-use', keeper.rotateRootKey({ rootKeyLabel: 'next', token: 'safe' }));
});

test('a new set waits beside the proven one until it is proven itself', async (t) => {
  const { keeper, folder } = await setting(t);
  const first = await keeper.makeRecovery(twoOfThree);
  await keeper.proveRecovery(first.slice(1));
  const never = await keeper.makeRecovery(twoOfThree);
  const second = await keeper.makeRecovery(twoOfThree);
  t.like(keeper.status().recovery, {
    proven: true,
    members: [{ kind: 'shares' }, { proven: null }],
  });
  await keeper.rotateWrappingKey();
  // The first set is in force, and its slots are made for new keys too.
  await keeper.proveRecovery(first.slice(0, 2));
  await refusal(t, 'share-foreign', keeper.proveRecovery(never));
  const waiting = keeper.slots();
  for (const shares of [first, second]) {
    const node = blankKeeper(t, new NearToken());
    await node.keeper.restore({ rootKeyLabel: 'new', slots: waiting, shares });
    t.is(node.keeper.status().state, 'open');
  }
  await keeper.proveRecovery(second.slice(1));
  t.is(keeper.status().recovery?.members.length, 1);
  await refusal(t, 'share-foreign', keeper.proveRecovery(first));
  const recovering = readTable(folder).slots.filter(({ kind }) => kind === 'recovery');
  t.is(new Set(recovering.map(({ keyId }) => keyId)).size, 1);
});

test('the last proven way is not removed; a removed token opens nothing later', async (t) => {
  const { keeper, folder } = await setting(t, { other: new NearToken() });
  const id = await keeper.makeRecoveryToken(inSafe);
  await keeper.proveRecoveryToken('safe');
  await refusal(t, 'recovery-unknown', keeper.removeRecoveryToken('00'.repeat(16)));
  await refusal(t, 'recovery-needed', keeper.removeRecoveryToken(id));
  await keeper.makeRecoveryToken({ rootKeyLabel: 'recovery', token: 'other' });
  await refusal(t, 'recovery-needed', keeper.removeRecoveryToken(id));
  await keeper.proveRecoveryToken('other');
  await keeper.removeRecoveryToken(id);
  t.false(readTable(folder).slots.some(({ keyId }) => keyId === id));
  await refusal(t, 'recovery-foreign', keeper.proveRecoveryToken('safe'));
  await keeper.rotateWrappingKey();
  t.false(readTable(folder).slots.some(({ keyId }) => keyId === id));
});

test('a recovery token that dies at any call leaves the table as it was, or whole', async (t) => {
  for (let calls = 0; ; calls++) {
    const { keeper, safe, folder, another } = await setting(t);
    const before = readFileSync(join(folder, 'slots.a'), 'utf8');
    safe.callsLeft = calls;
    const error: unknown = await keeper.makeRecoveryToken(inSafe).then(
      () => undefined,
      (refused: unknown) => refused,
    );
    if (error === undefined) break;
    t.is((error as KeeperError).code, 'token');
    t.is(readFileSync(join(folder, 'slots.a'), 'utf8'), before);
    const next = another();
    await next.advance();
    t.is(next.status().state, 'open');
  }
});

test('two nodes’ parts become the same on both, whoever speaks first', (t) => {
  const set = (name: string, made: number, proven: number | null): RecoverySet => ({
    ...{ set: name, threshold: 2, shares: 3, publicKey: '', sealedKey: '', mark: '', made, proven },
  });
  const token = (keyId: string, proven: number | null, removed: number | null): RecoveryToken => ({
    ...{ keyId, label: '', publicKey: '', hash: 'sha256', token: 'safe', device: '', made: 1 },
    ...{ proven, removed },
  });
  const cases: readonly (readonly [RecoveryPart, RecoveryPart, RecoveryPart])[] = [
    [{}, { recovery: set('a', 1, null) }, { recovery: set('a', 1, null) }],
    [{ recovery: set('a', 1, 5) }, { recovery: set('b', 2, null) }, { recovery: set('a', 1, 5) }],
    [{ recovery: set('a', 1, 5) }, { recovery: set('b', 2, 6) }, { recovery: set('b', 2, 6) }],
    [{ recovery: set('a', 1, null) }, { recovery: set('a', 1, 5) }, { recovery: set('a', 1, 5) }],
    [
      { recoveryTokens: [token('x', 5, null)] },
      { recoveryTokens: [token('x', null, 7)] },
      { recoveryTokens: [token('x', 5, 7)] },
    ],
  ];
  for (const [ours, theirs, both] of cases) {
    t.deepEqual(mergedRecovery(ours, theirs), both);
    t.deepEqual(mergedRecovery(theirs, ours), both);
  }
});
