import { randomBytes } from 'node:crypto';
import test from 'ava';
import { KeystoreError } from '../../appliance/keystore/error.ts';
import type { CopyPolicyName } from '../../appliance/keystore/payload.ts';
import { makeKey, secretOf } from '../harness/replica.ts';
import { areEqual, twins, until } from '../harness/twin.ts';
import type { Twin } from '../harness/twin.ts';

const secret = Buffer.alloc(32, 7);

async function setPolicy(twin: Twin, policy: CopyPolicyName, seconds: number): Promise<void> {
  await twin.keystore.change((draft) => {
    draft.append({ kind: 'copy-policy-set', policy, seconds });
  });
}

test('a key is answered when the other node has it and can open it', async (t) => {
  const { one, two } = await twins(t);
  for (const [from, to] of [
    [one, two],
    [two, one],
  ] as const) {
    const id = await makeKey(from.keystore, secret);
    // No waiting here: that it was answered says that it is there.
    t.deepEqual(await secretOf(to.keystore, id), secret);
    t.is(from.keystore.replica.copies(id), 'both');
  }
  await until(() => areEqual(one, two));
  t.deepEqual(one.promise.view().single, { count: 0, objects: [] });
});

test('while the peer cannot prove its root key it counts as away', async (t) => {
  const { one, two } = await twins(t);
  two.able = false;
  await until(() => !one.carrier.present);
  const id = await makeKey(one.keystore, secret);
  await until(() => two.keystore.object(id) !== undefined);
  t.is(one.keystore.copies(id), 'single');
  await setPolicy(one, 'refuse', 0);
  t.is(one.carrier.peers()[0]?.state, 'unable');
  await t.throwsAsync(makeKey(one.keystore, secret), {
    instanceOf: KeystoreError,
    code: 'copies-missing',
  });
  two.able = true;
  await until(() => one.carrier.present);
  t.is(one.keystore.copies(id), 'both');
  t.truthy(await makeKey(one.keystore, secret));
});

test('refuse: no key without a second copy, everything else goes on and merges', async (t) => {
  const { one, two } = await twins(t);
  const id = await makeKey(one.keystore, secret);
  await setPolicy(one, 'refuse', 0);
  await until(() => two.keystore.replica.copyPolicy().policy === 'refuse');
  one.proxy.weather = { kind: 'blackhole' };
  two.proxy.weather = { kind: 'blackhole' };
  // The first one to ask is in doubt: refused, but never rolled back.
  const doubtful = makeKey(one.keystore, secret, 'doubtful');
  await t.throwsAsync(doubtful, { code: 'copies-missing' });
  await t.throwsAsync(makeKey(one.keystore, secret, 'refused'), { code: 'copies-missing' });
  t.is(one.keystore.object('refused'), undefined);
  t.truthy(one.keystore.object('doubtful'));
  await one.keystore.change((draft) => {
    draft.append({ kind: 'object-activated', object: id, date: 5 });
  });
  await two.keystore.change((draft) => {
    draft.append({ kind: 'object-revoked', object: id, code: 2, date: 6 });
  });
  t.deepEqual(await secretOf(one.keystore, id), secret);
  t.deepEqual(await secretOf(two.keystore, id), secret);
  one.proxy.weather = { kind: 'fair' };
  two.proxy.weather = { kind: 'fair' };
  await until(() => areEqual(one, two));
  t.deepEqual(await secretOf(two.keystore, 'doubtful'), secret);
  t.is(one.keystore.object(id)?.state, two.keystore.object(id)?.state);
});

test('alone-for: goes on with one copy, marked until the peer has it, then refuses', async (t) => {
  const { one, two } = await twins(t);
  await two.stop();
  await until(() => !one.carrier.present);
  const id = await makeKey(one.keystore, secret);
  t.is(one.keystore.replica.copies(id), 'single');
  t.deepEqual(one.promise.view().single, { count: 1, objects: [id] });
  t.true(one.promise.view().accepting);
  await setPolicy(one, 'alone-for', 0);
  t.false(one.promise.view().accepting);
  await t.throwsAsync(makeKey(one.keystore, secret), { code: 'copies-missing' });
  await setPolicy(one, 'alone-for', 3600);
  await two.start();
  two.link();
  await until(() => one.keystore.replica.copies(id) === 'both');
  t.deepEqual(await secretOf(two.keystore, id), secret);
  await until(() => two.keystore.replica.copyPolicy().seconds === 3600);
});

test('the journal is the second copy where there is one', async (t) => {
  const taken: number[] = [];
  let usable = true;
  const { one, two } = await twins(t, (first) => {
    first.journal = {
      get usable() {
        return usable;
      },
      append: (entries) => {
        if (!usable) return Promise.reject(new Error('pulled out'));
        taken.push(entries.length);
        return Promise.resolve();
      },
    };
  });
  await makeKey(one.keystore, secret);
  t.is(taken.length, 0);
  await setPolicy(one, 'refuse', 0);
  await two.stop();
  await until(() => !one.carrier.present);
  const id = await makeKey(one.keystore, secret);
  t.is(one.keystore.replica.copies(id), 'journal');
  t.true(taken.length > 0);
  usable = false;
  await t.throwsAsync(makeKey(one.keystore, secret), { code: 'copies-missing' });
  await two.start();
  two.link();
});

test('a slow peer makes one client wait, not every one', async (t) => {
  const { one, two } = await twins(t);
  two.proxy.weather = { kind: 'delay', milliseconds: 2_900 };
  one.proxy.weather = { kind: 'delay', milliseconds: 2_900 };
  await makeKey(one.keystore, secret);
  t.is(one.carrier.peers()[0]?.state, 'slow');
  t.false(one.carrier.present);
  // Each of these would wait for itself if the link's state were not known.
  let asked = 0;
  const confirmed = one.carrier.confirmed.bind(one.carrier);
  one.carrier.confirmed = async (records) => {
    const answer = await confirmed(records);
    if (answer) asked++;
    return answer;
  };
  for (let i = 0; i < 20; i++) await makeKey(one.keystore, secret);
  t.is(asked, 0);
  one.proxy.weather = { kind: 'fair' };
  two.proxy.weather = { kind: 'fair' };
  await until(() => one.carrier.present);
  await until(() => areEqual(one, two));
});

test('clocks that are decades apart change nothing but what people are shown', async (t) => {
  const { one, two } = await twins(t);
  await one.restart({ now: () => 946_684_800 });
  await two.restart({ now: () => 4_102_444_800 });
  await until(() => one.carrier.present && two.carrier.present);
  for (const [from, to] of [
    [one, two],
    [two, one],
  ] as const) {
    const id = await makeKey(from.keystore, secret);
    // The link may have broken just then, by a connection that was begun twice.
    await until(() => from.keystore.copies(id) === 'both');
    await from.keystore.change((draft) => {
      draft.append({ kind: 'object-activated', object: id, date: 900_000_000 });
    });
    await to.keystore.change((draft) => {
      draft.append({ kind: 'object-revoked', object: id, code: 2, date: 910_000_000 });
    });
    t.deepEqual(await secretOf(to.keystore, id), secret);
  }
  await until(() => areEqual(one, two));
  t.is(one.keystore.replica.healings().length, 0);
});

test('what was sealed under a retired wrapping key is asked for again', async (t) => {
  const { one, two } = await twins(t);
  await two.stop();
  const id = await makeKey(one.keystore, secret);
  await two.start();
  const sealed = one.keystore.replica.materials([id])[0]?.sealed ?? new Uint8Array(0);
  two.keystore.retire([Buffer.from(sealed.subarray(1, 17)).toString('hex')]);
  two.link();
  await until(() => two.keystore.object(id) !== undefined);
  await until(() => one.carrier.peers()[0]?.lacking === 1);
  t.is(one.keystore.copies(id), 'single');
  // The first node has sealed it anew meanwhile, as its own rotation does.
  const generation = randomBytes(16);
  await one.keystore.rewrap({ generation, limit: 10 });
  await until(() => one.keystore.copies(id) === 'both');
  t.deepEqual(await secretOf(two.keystore, id), secret);
});
