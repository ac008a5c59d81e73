import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { KeyKeeper } from '../../appliance/keeper/keeper.ts';
import type { RootKey } from '../../appliance/token/token.ts';
import { withFate, withoutFlush } from '../harness/dying-disk.ts';
import type { Fate } from '../harness/dying-disk.ts';
import { blankKeeper, keeperSetting, NearToken, removeToken } from '../harness/near-token.ts';

test.after.always(removeToken);

/**
 * Every act that writes the slot table, with the disk dying (before a call, or amid a writing) or
 * failing once at each of its calls in turn: the next start opens all that was ever sealed.
 */
const context = Buffer.from('context');
const secret = Buffer.from('a secret of some length');
const fates: readonly Omit<Fate, 'at'>[] = [
  { how: 'dies' },
  { how: 'dies', torn: true },
  { how: 'fails' },
];

interface World {
  readonly another: () => KeyKeeper;
  readonly folder: string;
  readonly token: NearToken;
  readonly shares: readonly string[];
  /** What was sealed under each generation before the act. */
  readonly sealed: readonly Buffer[];
  readonly reset: () => Promise<KeyKeeper>;
}

/** A keeper with two generations, a recovery set, and a root key in the token for the next one. */
async function world(t: ExecutionContext): Promise<World> {
  const token = new NearToken();
  const { keeper, another, folder } = blankKeeper(t, token);
  await keeper.initialise('root');
  const shares = await keeper.makeRecovery({ threshold: 2, shares: 3 });
  await keeper.proveRecovery(shares.slice(0, 2));
  const old = keeper.seal(context, secret);
  await keeper.rotateWrappingKey();
  const sealed = [old, keeper.seal(context, secret)];
  const made: RootKey = await token.makeRootKey('next');
  token.makeRootKey = () =>
    token.dead ? Promise.reject(new Error('dead')) : Promise.resolve(made);
  token.spares = true;
  cpSync(folder, `${folder}-before`, { recursive: true });
  const reset = async (): Promise<KeyKeeper> => {
    rmSync(folder, { recursive: true });
    cpSync(`${folder}-before`, folder, { recursive: true });
    token.lost.clear();
    token.dead = false;
    const fresh = another();
    await fresh.advance();
    return fresh;
  };
  return { another, folder, token, shares, sealed, reset };
}

async function opensAll(
  t: ExecutionContext,
  { another, sealed }: World,
  what: string,
): Promise<void> {
  const next = another();
  await next.advance();
  t.is(next.status().state, 'open', what);
  for (const each of sealed) t.deepEqual(next.open(context, each), secret, what);
  // The old root key may go now, and still all opens.
  await next.advance();
  const last = another();
  await last.advance();
  for (const each of sealed) t.deepEqual(last.open(context, each), secret, what);
}

type Act = (keeper: KeyKeeper, world: World) => Promise<unknown>;

interface Cut {
  readonly act: Act;
  readonly before?: Act;
  /** What the older generation sealed is not needed any more. */
  readonly retires?: true;
}

const acts: Readonly<Record<string, Cut>> = {
  'a root rotation': { act: (keeper) => keeper.rotateRootKey({ rootKeyLabel: 'next' }) },
  'the end of an old root key': {
    before: (keeper) => keeper.rotateRootKey({ rootKeyLabel: 'next' }),
    act: (keeper) => keeper.advance(),
  },
  'a new wrapping key': {
    before: (keeper) => keeper.retire(keeper.status().older ?? []),
    act: (keeper) => keeper.rotateWrappingKey(),
    retires: true,
  },
  'the end of an old wrapping key': {
    act: (keeper) => keeper.retire(keeper.status().older ?? []),
    retires: true,
  },
  'a proof of the recovery set': {
    act: (keeper, { shares }) => keeper.proveRecovery(shares.slice(1)),
  },
  'a seal order and its end': {
    act: async (keeper) => {
      keeper.shut();
      await keeper.unshut();
    },
  },
  'a recovery with shares': {
    before: (keeper, { token, folder }) => {
      keeper.wipe();
      for (const { keyId } of slotsOf(folder)) token.lost.add(keyId);
      return Promise.resolve();
    },
    act: (keeper, { shares }) =>
      keeper.restore({ shares: shares.slice(0, 2), rootKeyLabel: 'next' }),
  },
};

function slotsOf(folder: string): { keyId: string; kind: string }[] {
  const text = readFileSync(join(folder, 'slots.a'), 'utf8');
  return (JSON.parse(text) as { table: { slots: { keyId: string; kind: string }[] } }).table.slots;
}

for (const [what, { act, before, retires }] of Object.entries(acts)) {
  // Serial: it is the disk of the whole process.
  test.serial(`${what} is cut short at each call to the disk, and nothing is lost`, async (t) => {
    const made = await world(t);
    const here = retires === true ? { ...made, sealed: made.sealed.slice(1) } : made;
    for (const fate of fates) {
      for (let at = 0; ; at++) {
        const keeper = await here.reset();
        await before?.(keeper, here);
        const then = (): void => {
          if (fate.how === 'dies') here.token.dead = true;
        };
        const struck = await withFate({ ...fate, at, then }, () =>
          act(keeper, here).catch(() => undefined),
        );
        here.token.dead = false;
        rmSync(join(here.folder, 'sealed-by-order'), { force: true });
        const name = `${fate.how} at ${at}`;
        if (what === 'a recovery with shares' && !(await isOpen(here))) {
          // Not restored yet: the shares do it again.
          const again = here.another();
          await again.restore({ shares: here.shares.slice(0, 2), rootKeyLabel: 'next' });
        }
        await opensAll(t, here, name);
        if (!struck) break;
      }
    }
  });
}

async function isOpen({ another }: World): Promise<boolean> {
  const keeper = another();
  await keeper.advance();
  return keeper.status().state === 'open';
}

/** `every`: so many bytes from one that is damaged to the next. */
async function damageEach(
  t: ExecutionContext,
  { folder, another, token, sealed }: Pick<World, 'folder' | 'another' | 'token' | 'sealed'>,
  every: number,
): Promise<void> {
  // What the token has decrypted once it need not again: only damaged slots differ.
  const known = new Map<string, Buffer>();
  const decrypt = token.decrypt;
  token.decrypt = async (id, hash, ciphertext) => {
    const key = Buffer.from(ciphertext).toString('base64');
    const found = known.get(key) ?? (await decrypt(id, hash, ciphertext));
    known.set(key, Buffer.from(found));
    return Buffer.from(found);
  };
  const whole = readFileSync(join(folder, 'slots.a'));
  t.deepEqual(readFileSync(join(folder, 'slots.b')), whole);
  for (const name of ['slots.a', 'slots.b']) {
    for (let i = 0; i < whole.length; i += every) {
      const damaged = Buffer.from(whole);
      damaged[i] = (damaged[i] ?? 0) ^ (1 << (i % 7));
      writeFileSync(join(folder, name), damaged);
      const keeper = another();
      await keeper.advance();
      const where = `${name} at ${i}`;
      if (keeper.status().mended === undefined) t.fail(`not said: ${where}`);
      for (const each of sealed) {
        if (!keeper.open(context, each).equals(secret)) t.fail(where);
      }
      if (!readFileSync(join(folder, name)).equals(whole)) t.fail(`not mended: ${where}`);
      keeper.wipe();
    }
  }
}

test.serial(
  'any byte of either copy may be damaged: the other opens, and it is said',
  async (t) => {
    t.timeout(240_000);
    const small = await keeperSetting(t);
    const sealed = [small.keeper.seal(context, secret)];
    const large = await world(t);
    await withoutFlush(async () => {
      await damageEach(t, { ...small, sealed }, 1);
      // With a recovery set and two generations it is long: every so-maniest byte.
      await damageEach(t, large, 17);
    });
  },
);

test('with both copies damaged it is said, and a backup’s slots and shares open', async (t) => {
  const { keeper, folder, another } = await keeperSetting(t);
  const shares = await keeper.makeRecovery({ threshold: 2, shares: 3 });
  const sealed = keeper.seal(context, secret);
  const slots = keeper.slots();
  for (const name of ['slots.a', 'slots.b']) {
    const bytes = readFileSync(join(folder, name));
    writeFileSync(join(folder, name), bytes.subarray(0, bytes.length / 2));
  }
  const next = another();
  await next.advance();
  t.like(next.status(), { state: 'sealed', slotsDamaged: true });
  await t.throwsAsync(next.initialise('root'), { code: 'not-new' });
  await next.restore({ shares: shares.slice(0, 2), rootKeyLabel: 'next', slots });
  t.deepEqual(next.open(context, sealed), secret);
  await next.advance();
  t.is(next.status().slotsDamaged, undefined);
});

test('a slot of another table is found out; a whole old table has a lower number', async (t) => {
  const { keeper, folder, another, token } = await keeperSetting(t);
  const first = keeper.seal(context, secret);
  const old = readFileSync(join(folder, 'slots.a'));
  await keeper.rotateWrappingKey();
  const sealed = keeper.seal(context, secret);
  const now = readFileSync(join(folder, 'slots.a'), 'utf8');
  // A slot of the old table beside the new ones: the table's MAC is not of these slots.
  interface Stored {
    table: { slots: unknown[] };
  }
  const swapped = JSON.parse(now) as Stored;
  swapped.table.slots = (JSON.parse(old.toString()) as Stored).table.slots;
  for (const name of ['slots.a', 'slots.b']) {
    writeFileSync(join(folder, name), JSON.stringify(swapped));
  }
  const tricked = another();
  await tricked.advance();
  t.like(tricked.status(), { state: 'sealed', slotsDamaged: true });
  // The old table as a whole is ours: it opens what it knows, and its number is lower.
  for (const name of ['slots.a', 'slots.b']) writeFileSync(join(folder, name), old);
  const back = another();
  await back.advance();
  t.deepEqual(back.open(context, first), secret);
  t.throws(() => back.open(context, sealed), { code: 'generation-unknown' });
  t.true((back.status().serial ?? 0) < (keeper.status().serial ?? 0));
  t.is(token.keys().length, 1);
});
