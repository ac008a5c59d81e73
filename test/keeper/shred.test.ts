import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { KeeperError } from '../../appliance/keeper-client/keeper.ts';
import type { KeyKeeper } from '../../appliance/keeper/keeper.ts';
import { withFate } from '../harness/dying-disk.ts';
import { blankKeeper, keeperSetting, NearToken, removeToken } from '../harness/near-token.ts';

test.after.always(removeToken);

const context = Buffer.from('context');
const secret = Buffer.from('a secret of some length');

/** A keeper with keys in two tokens: one in use, and one rotated away that is not yet destroyed. */
async function inTwoTokens(t: ExecutionContext): Promise<{
  keeper: KeyKeeper;
  another: () => KeyKeeper;
  folder: string;
  tokens: { tpm: NearToken; usb: NearToken };
  sealed: Buffer;
}> {
  const tokens = { tpm: new NearToken(), usb: new NearToken() };
  const { keeper, another, folder } = blankKeeper(t, tokens.tpm, { usb: tokens.usb });
  await keeper.initialise('root');
  await keeper.makeRecovery({ threshold: 2, shares: 3 });
  await keeper.rotateRootKey({ rootKeyLabel: 'next', token: 'usb' });
  return { keeper, another, folder, tokens, sealed: keeper.seal(context, secret) };
}

async function refused(t: ExecutionContext, act: Promise<unknown>): Promise<string> {
  return (await t.throwsAsync(act, { instanceOf: KeeperError })).code;
}

test('a wrong name changes nothing; the right one leaves no slot and no root key', async (t) => {
  const { keeper, another, folder, tokens, sealed } = await inTwoTokens(t);
  const holders = keeper.holders();
  t.regex(holders.name, /^[a-z]+-[a-z]+-[a-z]+-[a-z]+$/);
  t.deepEqual(
    holders.roots.map(({ token, holds }) => [token, holds]),
    [
      ['usb', 'in use'],
      ['tpm', 'rotated away'],
    ],
  );
  t.like(holders.recovery, [{ kind: 'shares', threshold: 2, shares: 3 }]);
  const files = (): Buffer[] =>
    ['slots.a', 'slots.b'].map((name) => readFileSync(join(folder, name)));
  const before = files();
  for (const name of ['', holders.name.slice(1), holders.name.toUpperCase(), `${holders.name}\n`]) {
    t.is(await refused(t, keeper.shred(name)), 'shred-refused');
    t.deepEqual(files(), before);
    t.false(existsSync(join(folder, 'shredded')));
    t.deepEqual(keeper.open(context, sealed), secret);
  }
  const { left } = await keeper.shred(holders.name);
  t.deepEqual(left, []);
  t.deepEqual([tokens.tpm.keys(), tokens.usb.keys()], [[], []]);
  t.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('slots')),
    [],
  );
  for (const each of [keeper, another()]) {
    await each.advance();
    t.is(each.status().state, 'shredded');
    t.throws(() => each.open(context, sealed), { code: 'sealed-by-order' });
    t.deepEqual(each.holders().roots, holders.roots);
    for (const act of [
      () => each.initialise('root'),
      () => each.unshut(),
      () => each.pairing.prepareJoin('joins'),
      () => each.restore({ shares: [], rootKeyLabel: 'x' }),
    ]) {
      t.is(await refused(t, act()), 'shredded');
    }
  }
});

// Serial: it is the disk of the whole process.
test.serial(
  'killed at any call to the disk, the next start does the rest, or all is as it was',
  async (t) => {
    const { another, folder, tokens, sealed, keeper } = await inTwoTokens(t);
    const all = [tokens.tpm, tokens.usb];
    const { name } = keeper.holders();
    cpSync(folder, `${folder}-before`, { recursive: true });
    for (const token of all) token.spares = true;
    for (const torn of [false, true]) {
      for (let at = 0; ; at++) {
        rmSync(folder, { recursive: true });
        cpSync(`${folder}-before`, folder, { recursive: true });
        for (const token of all) token.lost.clear();
        const killed = another();
        await killed.advance();
        const then = (): void => {
          for (const token of all) token.dead = true;
        };
        const died = await withFate({ at, how: 'dies', torn, then }, () =>
          killed.shred(name).catch(() => undefined),
        );
        for (const token of all) token.dead = false;
        const next = another();
        await next.advance();
        if (next.status().state === 'open') {
          t.deepEqual(next.open(context, sealed), secret);
          t.false(existsSync(join(folder, 'shredded')));
        } else {
          t.deepEqual(next.status().shredded?.left, 0, `call ${at}`);
          t.deepEqual([tokens.tpm.keys(), tokens.usb.keys()], [[], []]);
          t.false(existsSync(join(folder, 'slots.a')) || existsSync(join(folder, 'slots.b')));
        }
        if (!died) break;
      }
    }
  },
);

test('a token that is away, at any call, keeps its key until it is back', async (t) => {
  const { another, folder, tokens, keeper: first } = await inTwoTokens(t);
  cpSync(folder, `${folder}-before`, { recursive: true });
  for (const away of ['tpm', 'usb'] as const) {
    for (let calls = 0; ; calls++) {
      rmSync(folder, { recursive: true });
      cpSync(`${folder}-before`, folder, { recursive: true });
      for (const token of [tokens.tpm, tokens.usb]) {
        token.spares = true;
        token.lost.clear();
      }
      const keeper = another();
      await keeper.advance();
      tokens[away].callsLeft = calls;
      const { left } = await keeper.shred(first.holders().name);
      const dead = tokens[away].dead;
      t.is(left.length, tokens[away].keys().length);
      t.false(existsSync(join(folder, 'slots.a')));
      Object.assign(tokens[away], { dead: false, callsLeft: Infinity });
      await keeper.advance();
      t.is(keeper.status().shredded?.left, 0);
      t.deepEqual([tokens.tpm.keys(), tokens.usb.keys()], [[], []]);
      if (!dead) break;
    }
  }
});

test('another card that bears the token’s name is not the one: the key is left', async (t) => {
  const { keeper, folder, token } = await keeperSetting(t);
  const { device = '' } = JSON.parse(JSON.stringify(keeper.holders().roots[0] ?? {})) as {
    device?: string;
  };
  t.regex(device, /near-\d+$/);
  // Another card in its place: it has no such key, and says another number.
  const [key = ''] = token.keys();
  Object.assign(token, { serial: 'another-card', spares: true });
  token.lost.add(key);
  const { left, notThere } = await keeper.shred(keeper.holders().name);
  t.deepEqual(
    left.map((root) => [root.keyId, root.device]),
    [[key, device]],
  );
  t.is(notThere, undefined);
  t.false(existsSync(join(folder, 'slots.a')));
  await keeper.advance();
  t.is(keeper.status().shredded?.left, 1);
  // The one that made it is back.
  Object.assign(token, { serial: undefined, spares: false });
  token.lost.clear();
  await keeper.advance();
  t.is(keeper.status().shredded?.left, 0);
  t.deepEqual(token.keys(), []);
});

test('a root key that its own token has no more is said to have been gone', async (t) => {
  const { keeper, token } = await keeperSetting(t);
  const [key = ''] = token.keys();
  token.lost.add(key);
  token.spares = true;
  const { left, notThere } = await keeper.shred(keeper.holders().name);
  t.deepEqual([left, notThere], [[], [key]]);
});

test('sealed, with the token away or the slots damaged, it is shredded all the same', async (t) => {
  const { keeper, folder, token } = await keeperSetting(t);
  const { name } = keeper.holders();
  keeper.shut();
  token.dead = true;
  t.is((await keeper.shred(name)).left.length, 1);
  t.false(existsSync(join(folder, 'slots.a')));
  token.dead = false;
  await keeper.advance();
  t.deepEqual(token.keys(), []);

  const damaged = await keeperSetting(t);
  writeFileSync(join(damaged.folder, 'slots.a'), 'x');
  const shredded = await damaged.keeper.shred(damaged.keeper.holders().name);
  t.deepEqual(shredded.left, []);
  t.deepEqual(damaged.token.keys(), []);
});

test('a root key that waits for its join is destroyed, so are unreadable slots', async (t) => {
  const joiner = blankKeeper(t, new NearToken());
  t.is(await refused(t, joiner.keeper.shred('')), 'shred-refused');
  await joiner.keeper.pairing.prepareJoin('joins');
  t.like(joiner.keeper.holders(), { name: 'no-cluster', peers: [] });
  t.deepEqual((await joiner.keeper.shred('no-cluster')).left, []);
  t.deepEqual(joiner.token.keys(), []);
  t.false(existsSync(join(joiner.folder, 'joining-root')));

  const { keeper, folder } = await keeperSetting(t);
  for (const name of ['slots.a', 'slots.b']) writeFileSync(join(folder, name), 'x');
  t.is(await refused(t, keeper.shred('')), 'shred-refused');
  t.deepEqual((await keeper.shred('no-cluster')).holders.roots, []);
  t.false(existsSync(join(folder, 'slots.a')));
});

test('an old copy of the keeper’s folder opens nothing: its root key is no more', async (t) => {
  const { keeper, folder, another, sealed } = await inTwoTokens(t);
  const copy = `${folder}-copy`;
  cpSync(folder, copy, { recursive: true });
  await keeper.shred(keeper.holders().name);
  for (const name of ['slots.a', 'slots.b']) cpSync(join(copy, name), join(folder, name));
  // Put beside the order it is destroyed again; without the order it does not open.
  const again = another();
  await again.advance();
  t.false(existsSync(join(folder, 'slots.a')));
  rmSync(join(folder, 'shredded'));
  for (const name of ['slots.a', 'slots.b']) cpSync(join(copy, name), join(folder, name));
  const thief = another();
  await thief.advance();
  t.is(thief.status().state, 'sealed');
  t.throws(() => thief.open(context, sealed), { instanceOf: KeeperError, code: 'sealed' });
});
