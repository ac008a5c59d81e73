import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { KeeperError } from '../../appliance/keeper-client/keeper.ts';
import type { PairingProposal } from '../../appliance/keeper-client/pairing.ts';
import type { KeyKeeper } from '../../appliance/keeper/keeper.ts';
import { blankKeeper, keeperSetting, NearToken, removeToken } from '../harness/near-token.ts';

test.after.always(removeToken);

const [a, b] = ['a'.repeat(32), 'b'.repeat(32)];
const context = Buffer.from('context');
const secret = Buffer.from('a secret of some length');

type Setting = Awaited<ReturnType<typeof keeperSetting>>;

interface Two {
  readonly inviter: Setting;
  readonly joiner: Setting;
  readonly proposal: PairingProposal;
}

/** Two keepers that have been introduced to each other. */
async function introduced(t: ExecutionContext): Promise<Two> {
  const inviter = await keeperSetting(t);
  const joiner = blankKeeper(t, new NearToken());
  const root = await joiner.keeper.pairing.prepareJoin('joins');
  const proposal: PairingProposal = {
    role: 'inviter',
    ...inviter.keeper.pairing.identity(),
    inviter: { node: a, name: 'one', transportKey: '01' },
    joiner: { node: b, name: 'two', transportKey: '02', root },
  };
  inviter.keeper.pairing.propose(proposal);
  joiner.keeper.pairing.propose({ ...proposal, role: 'joiner' });
  return { inviter, joiner, proposal };
}

function words({ pairing }: KeyKeeper): readonly string[] {
  return pairing.candidate()?.words ?? [];
}

/** Each keeper takes what the other one says, until both have said all. */
async function talk(one: KeyKeeper, other: KeyKeeper): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await other.pairing.take(one.pairing.state(b));
    await one.pairing.take(other.pairing.state(a));
  }
}

async function paired(t: ExecutionContext): Promise<Two> {
  const two = await introduced(t);
  const { inviter, joiner } = two;
  await inviter.keeper.pairing.confirm(words(inviter.keeper));
  await joiner.keeper.pairing.confirm(words(joiner.keeper));
  await talk(inviter.keeper, joiner.keeper);
  await joiner.keeper.pairing.joined();
  return two;
}

function refusal(t: ExecutionContext, act: () => unknown): string | undefined {
  return t.throws(act, { instanceOf: KeeperError }).code;
}

async function refused(t: ExecutionContext, act: Promise<unknown>): Promise<string | undefined> {
  return (await t.throwsAsync(act, { instanceOf: KeeperError })).code;
}

test('both show the same ten words; confirmed, what one sealed the other opens', async (t) => {
  const { inviter, joiner } = await introduced(t);
  t.is(words(inviter.keeper).length, 10);
  t.deepEqual(words(inviter.keeper), words(joiner.keeper));
  await inviter.keeper.pairing.confirm(words(inviter.keeper));
  await joiner.keeper.pairing.confirm(words(joiner.keeper));
  await talk(inviter.keeper, joiner.keeper);
  t.true(joiner.keeper.status().pair?.joining);
  await joiner.keeper.pairing.joined();
  t.like(inviter.keeper.status().pair, { node: a, joining: false });
  t.deepEqual(inviter.keeper.status().pair?.peers, [{ node: b, name: 'two', proven: true }]);
  t.deepEqual(joiner.keeper.status().pair?.peers, [{ node: a, name: 'one', proven: true }]);
  t.deepEqual(joiner.keeper.open(context, inviter.keeper.seal(context, secret)), secret);
  t.deepEqual(inviter.keeper.open(context, joiner.keeper.seal(context, secret)), secret);
  t.deepEqual(
    joiner.keeper.derive('material commitment'),
    inviter.keeper.derive('material commitment'),
  );
  const again = joiner.another();
  await again.advance();
  t.deepEqual(again.open(context, inviter.keeper.seal(context, secret)), secret);
});

test('without a person’s word no slot is made, and no other key gets one', async (t) => {
  const { inviter, joiner, proposal } = await introduced(t);
  const { pairing } = inviter.keeper;
  t.is(
    refusal(t, () => pairing.state(b)),
    'peer-unknown',
  );
  const compared = words(inviter.keeper);
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const other = publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  const root = { ...proposal.joiner.root, publicKey: other };
  // A server that brings a key of its own after the words were compared.
  pairing.propose({ ...proposal, joiner: { ...proposal.joiner, root } });
  t.notDeepEqual(words(inviter.keeper), compared);
  t.is(await refused(t, pairing.confirm(compared)), 'proposal-refused');
  t.is(
    refusal(t, () => pairing.state(b)),
    'peer-unknown',
  );
  for (const wrong of [
    { ...proposal, identity: '00'.repeat(32) },
    { ...proposal, cluster: '00'.repeat(16) },
    { ...proposal, joiner: { ...proposal.joiner, root: { ...root, publicKey: 'AAAA' } } },
  ]) {
    t.is(
      refusal(t, () => {
        pairing.propose(wrong);
      }),
      'proposal-refused',
    );
  }
  t.is(
    refusal(t, () => {
      joiner.keeper.pairing.propose({
        ...proposal,
        role: 'joiner',
        joiner: { ...proposal.joiner, root },
      });
    }),
    'proposal-refused',
  );
});

test('any other value in a pairing gives other words', async (t) => {
  const { inviter, proposal } = await introduced(t);
  const { joiner } = proposal;
  const seen = new Set([words(inviter.keeper).join(' ')]);
  const others: PairingProposal[] = [
    { ...proposal, inviter: { ...proposal.inviter, node: b } },
    { ...proposal, inviter: { ...proposal.inviter, transportKey: '03' } },
    { ...proposal, joiner: { ...joiner, node: a } },
    { ...proposal, joiner: { ...joiner, transportKey: '03' } },
    { ...proposal, joiner: { ...joiner, root: { ...joiner.root, keyId: '00' } } },
    { ...proposal, joiner: { ...joiner, root: { ...joiner.root, label: 'other' } } },
  ];
  for (const other of others) {
    inviter.keeper.pairing.propose(other);
    seen.add(words(inviter.keeper).join(' '));
  }
  t.is(seen.size, others.length + 1);
});

test('a joiner takes keys from the cluster alone whose words it confirmed', async (t) => {
  const { inviter, joiner, proposal } = await introduced(t);
  await inviter.keeper.pairing.confirm(words(inviter.keeper));
  const said = inviter.keeper.pairing.state(b);
  t.is(await refused(t, joiner.keeper.pairing.take(said)), 'statement-refused');
  await joiner.keeper.pairing.confirm(words(joiner.keeper));
  // Another cluster, whose keeper a person there told to admit the same joiner.
  const stranger = await keeperSetting(t);
  const identity = stranger.keeper.pairing.identity();
  stranger.keeper.pairing.propose({ ...proposal, ...identity });
  await stranger.keeper.pairing.confirm(words(stranger.keeper));
  t.is(
    await refused(t, joiner.keeper.pairing.take(stranger.keeper.pairing.state(b))),
    'statement-refused',
  );
  t.is(joiner.keeper.status().state, 'new');
  const body = said.body.replace('"serial":', '"serial":1');
  t.is(await refused(t, joiner.keeper.pairing.take({ ...said, body })), 'statement-refused');
  await joiner.keeper.pairing.take(said);
  t.is(joiner.keeper.status().state, 'open');
});

test('a node that has keys does not join; a join that was cut short begins anew', async (t) => {
  const { inviter, joiner, proposal } = await introduced(t);
  t.is(await refused(t, inviter.keeper.pairing.prepareJoin('x')), 'not-new');
  await inviter.keeper.pairing.confirm(words(inviter.keeper));
  await joiner.keeper.pairing.confirm(words(joiner.keeper));
  await joiner.keeper.pairing.take(inviter.keeper.pairing.state(b));
  const again = joiner.another();
  await again.advance();
  t.true(again.status().pair?.joining);
  const root = await again.pairing.prepareJoin('joins');
  t.deepEqual(root, proposal.joiner.root);
  t.is(again.status().state, 'new');
  inviter.keeper.pairing.propose(proposal);
  again.pairing.propose({ ...proposal, role: 'joiner' });
  await inviter.keeper.pairing.confirm(words(inviter.keeper));
  await again.pairing.confirm(words(again));
  await talk(inviter.keeper, again);
  t.deepEqual(again.open(context, inviter.keeper.seal(context, secret)), secret);
});

test('a wrapping key waits until the peer’s token has opened it', async (t) => {
  const { inviter, joiner } = await paired(t);
  const [one, two] = [inviter.keeper, joiner.keeper];
  const before = one.status().generation ?? '';
  const sealed = one.seal(context, secret);
  const begun = await one.rotateWrappingKey();
  t.is(one.status().generation, before);
  t.deepEqual(one.status().pending, { generation: begun, waitsFor: ['two'] });
  joiner.token.dead = true;
  t.is(await refused(t, two.pairing.take(one.pairing.state(b))), 'token');
  t.is(one.status().generation, before);
  joiner.token.dead = false;
  // The inviter is killed and the joiner too: both go on with what they wrote down.
  const [first, second] = [inviter.another(), joiner.another()];
  await first.advance();
  await second.advance();
  await talk(first, second);
  for (const keeper of [first, second]) {
    t.is(keeper.status().generation, begun);
    t.deepEqual(keeper.status().older, [before]);
    t.is(keeper.status().pending, undefined);
    t.deepEqual(keeper.open(context, sealed), secret);
  }
  // The older one goes once neither node needs it.
  await first.retire(first.status().older ?? []);
  t.deepEqual(first.status().older, [before]);
  await talk(first, second);
  await second.retire(second.status().older ?? []);
  t.is(second.status().older, undefined);
  await talk(first, second);
  await first.retire(first.status().older ?? []);
  t.is(first.status().older, undefined);
  t.deepEqual(second.open(context, first.seal(context, secret)), secret);
});

test('restored alone, a wrapping key that waited for the peer waits for nobody', async (t) => {
  const { inviter, joiner } = await introduced(t);
  const shares = await inviter.keeper.makeRecovery({ threshold: 2, shares: 3 });
  await inviter.keeper.pairing.confirm(words(inviter.keeper));
  await joiner.keeper.pairing.confirm(words(joiner.keeper));
  await talk(inviter.keeper, joiner.keeper);
  await joiner.keeper.pairing.joined();
  const before = inviter.keeper.status().generation ?? '';
  const sealed = inviter.keeper.seal(context, secret);
  const begun = await inviter.keeper.rotateWrappingKey();
  const slots = inviter.keeper.slots();
  const { keeper: restored } = blankKeeper(t, new NearToken());
  await restored.restore({ shares, rootKeyLabel: 'new', slots });
  t.like(restored.status(), { generation: begun, older: [before], pending: undefined });
  t.deepEqual(restored.open(context, sealed), secret);
});

test('what is said of one generation retires none that began since', async (t) => {
  const { inviter, joiner, proposal } = await introduced(t);
  const one = inviter.keeper;
  await one.pairing.confirm(words(one));
  await joiner.keeper.pairing.confirm(words(joiner.keeper));
  const first = one.status().generation ?? '';
  const second = await one.pairing.remove(b);
  // The server looks, seals everything anew under the second one, and begins to wait.
  t.deepEqual(one.status().older, [first]);
  const sealed = one.seal(context, secret);
  one.pairing.propose(proposal);
  await one.pairing.confirm(words(one));
  const third = await one.pairing.remove(b);
  await one.retire([first]);
  t.like(one.status(), { generation: third, older: [second] });
  t.deepEqual(one.open(context, sealed), secret);
  await one.retire([third]);
  t.is(one.status().generation, third);
});

test('what a peer wrote under a key that waits here opens after its removal', async (t) => {
  const { inviter, joiner } = await paired(t);
  const [one, two] = [inviter.keeper, joiner.keeper];
  const before = one.status().generation ?? '';
  const begun = await one.rotateWrappingKey();
  // It sees that both have proven the key, writes under it, and is lost before it says so.
  await two.pairing.take(one.pairing.state(b));
  t.is(two.status().generation, begun);
  const sealed = two.seal(context, secret);
  t.is(one.status().generation, before);
  const next = await one.pairing.remove(b);
  t.like(one.status(), { generation: next, pending: undefined });
  t.deepEqual([...(one.status().older ?? [])].sort(), [before, begun].sort());
  t.deepEqual(one.open(context, sealed), secret);
  const again = inviter.another();
  await again.advance();
  t.deepEqual(again.open(context, sealed), secret);
});

test('begun on both nodes at once, both end under the same wrapping key', async (t) => {
  for (let i = 0; i < 4; i++) {
    const { inviter, joiner } = await paired(t);
    const [one, two] = [inviter.keeper, joiner.keeper];
    const begun = [await one.rotateWrappingKey(), await two.rotateWrappingKey()];
    // Whatever order the words come in.
    if (i % 2 === 0) await one.pairing.take(two.pairing.state(a));
    await talk(one, two);
    t.true(begun.includes(one.status().generation ?? ''));
    t.is(one.status().generation, two.status().generation);
    t.deepEqual(two.open(context, one.seal(context, secret)), secret);
  }
});

test('a new root key is told to the other node, and an old word changes nothing', async (t) => {
  const { inviter, joiner } = await paired(t);
  const [one, two] = [inviter.keeper, joiner.keeper];
  const old = two.pairing.state(a);
  await two.rotateRootKey({ rootKeyLabel: 'newer' });
  await talk(one, two);
  const peerSlots = (): string => {
    const text = readFileSync(join(inviter.folder, 'slots.a'), 'utf8');
    return JSON.stringify((JSON.parse(text) as { table: { peers: unknown } }).table.peers);
  };
  t.true(peerSlots().includes('newer'));
  await one.pairing.take(old);
  t.true(peerSlots().includes('newer'));
  t.false(peerSlots().includes('joins'));
  const begun = await one.rotateWrappingKey();
  await talk(one, two);
  t.is(two.status().generation, begun);
});

test('a removed peer has no slot, is not listened to, and never has the next key', async (t) => {
  const { inviter, joiner } = await paired(t);
  const [one, two] = [inviter.keeper, joiner.keeper];
  const last = two.pairing.state(a);
  const pending = await one.rotateWrappingKey();
  const offered = one.pairing.state(b);
  const begun = await one.pairing.remove(b);
  t.not(begun, pending);
  t.is(one.status().generation, begun);
  await one.retire(one.status().older ?? []);
  t.false(readFileSync(join(inviter.folder, 'slots.a'), 'utf8').includes(pending));
  t.is(await refused(t, one.pairing.take(last)), 'peer-unknown');
  t.is(
    refusal(t, () => one.pairing.state(b)),
    'peer-unknown',
  );
  await two.pairing.take(offered);
  t.throws(() => two.open(context, one.seal(context, secret)), { code: 'generation-unknown' });
  t.is(await refused(t, one.pairing.remove(b)), 'peer-unknown');
});

test('a peer is removed while the token is away; that a rotation is owed is kept', async (t) => {
  const { inviter } = await paired(t);
  const before = inviter.keeper.status().generation;
  inviter.token.dead = true;
  t.is(await refused(t, inviter.keeper.pairing.remove(b)), 'token');
  inviter.token.dead = false;
  const again = inviter.another();
  await again.advance();
  t.like(again.status().pair, { owed: true });
  t.deepEqual(again.status().pair?.peers, []);
  t.is(again.status().generation, before);
  const begun = await again.rotateWrappingKey();
  t.is(again.status().generation, begun);
  t.false('owed' in (again.status().pair ?? {}));
});

test('a backup’s slots that are restored on another node bring no peers with them', async (t) => {
  const { inviter } = await paired(t);
  const shares = await inviter.keeper.makeRecovery({ threshold: 2, shares: 3 });
  const sealed = inviter.keeper.seal(context, secret);
  const { keeper } = blankKeeper(t, new NearToken());
  const slots = inviter.keeper.slots();
  await keeper.restore({ shares: shares.slice(1), rootKeyLabel: 'restored', slots });
  t.is(keeper.status().pair, undefined);
  t.deepEqual(keeper.open(context, sealed), secret);
  const begun = await keeper.rotateWrappingKey();
  t.is(keeper.status().generation, begun);
});

test('the newest recovery set is the set of both', async (t) => {
  const { inviter, joiner } = await paired(t);
  const [one, two] = [inviter.keeper, joiner.keeper];
  const shares = await one.makeRecovery({ threshold: 2, shares: 3 });
  await one.proveRecovery(shares.slice(0, 2));
  await talk(one, two);
  t.like(two.status().recovery, { members: [{ threshold: 2, shares: 3 }], proven: true });
  await two.proveRecovery(shares.slice(1));
  await two.rotateWrappingKey();
  await talk(one, two);
  await one.proveRecovery(shares.slice(0, 2));
  t.is(one.status().generation, two.status().generation);
});

test('a peer’s slot that somebody put into the table is not trusted', async (t) => {
  const { inviter } = await paired(t);
  for (const copy of ['slots.a', 'slots.b']) {
    const path = join(inviter.folder, copy);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"label": "joins"', '"label": "mine"'));
  }
  const again = inviter.another();
  await again.advance();
  t.is(again.status().state, 'sealed');
});
