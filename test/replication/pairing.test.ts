import { createPrivateKey, randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import type { Server, TLSSocket } from 'node:tls';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { PublicRoot } from '../../appliance/keeper-client/pairing.ts';
import type { KeyKeeper } from '../../appliance/keeper/keeper.ts';
import { makeAuthorityCertificate, makePrivateKey } from '../../appliance/pki/authority.ts';
import { callNode } from '../../appliance/replication/errand-line.ts';
import { Errand, ErrandError, errandProtocol } from '../../appliance/replication/errand.ts';
import { peerTls, pinOf } from '../../appliance/replication/peer-tls.ts';
import {
  invitationSeconds,
  invitationTries,
  makeCode,
  readCode,
} from '../../appliance/replication/invitation.ts';
import type { KeeperOfPair } from '../../appliance/replication/keeper-of-pair.ts';
import { PairingGuest } from '../../appliance/replication/pairing-guest.ts';
import { PairingHost } from '../../appliance/replication/pairing-host.ts';
import type { Joining } from '../../appliance/replication/pairing-host.ts';
import { until } from '../harness/appliance.ts';
import { blankKeeper, keeperSetting, NearToken, removeToken } from '../harness/near-token.ts';

test.after.always(removeToken);

const a = 'a'.repeat(32);
const b = 'b'.repeat(32);
const now = (): number => 1_700_000_000;

/** A clock that a test moves, and real timers. */
class Clock {
  elapsed = 0;
  readonly surroundings = {
    elapsed: (): number => this.elapsed,
    now,
    random: randomBytes,
    log: (): void => {},
    after: (milliseconds: number, act: () => void): (() => void) => {
      const timer = setTimeout(act, milliseconds);
      return () => {
        clearTimeout(timer);
      };
    },
  };
}

function identity(): { key: string; certificate: string } {
  const der = makePrivateKey('p256');
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const certificate = makeAuthorityCertificate(key, 'node', { now, random: randomBytes });
  return { key: key.export({ format: 'pem', type: 'pkcs8' }).toString(), certificate };
}

function near(keeper: KeyKeeper): KeeperOfPair {
  const { pairing } = keeper;
  return {
    identity: () => Promise.resolve(pairing.identity()),
    propose: async (proposal) => {
      await Promise.resolve();
      pairing.propose(proposal);
    },
    candidate: () => Promise.resolve(pairing.candidate()),
    statement: (node) => Promise.resolve(pairing.state(node)),
    take: (statement) => pairing.take(statement),
    status: () => Promise.resolve(keeper.status()),
  };
}

function listening(
  t: ExecutionContext,
  self: { key: string; certificate: string },
  onSocket: (socket: TLSSocket) => void,
): Promise<{ server: Server; address: string }> {
  const server = createServer({ ...peerTls(self), ALPNProtocols: [errandProtocol] }, onSocket);
  const sockets = new Set<TLSSocket>();
  server.on('secureConnection', (socket) => sockets.add(socket));
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({ server, address: `127.0.0.1:${port}` });
    });
  });
}

interface Two {
  readonly one: KeyKeeper;
  readonly two: KeyKeeper;
  readonly host: PairingHost;
  readonly guest: PairingGuest;
  readonly clock: Clock;
  readonly address: string;
  readonly root: PublicRoot;
  readonly admitted: Joining[];
  readonly kept: Joining[];
}

async function twoNodes(t: ExecutionContext): Promise<Two> {
  const clock = new Clock();
  const { surroundings } = clock;
  const [first, second] = [identity(), identity()];
  const { keeper: one } = await keeperSetting(t);
  const { keeper: two } = blankKeeper(t, new NearToken());
  const admitted: Joining[] = [];
  const kept: Joining[] = [];
  const facts = { addresses: ['127.0.0.1:1'], recordKey: 'key' };
  const host = new PairingHost({
    keeper: near(one),
    self: { node: a, name: 'one', transportKey: pinOf(first.certificate), ...facts },
    surroundings,
    dowry: () => Promise.resolve({ authority: 'pem', authorityKey: 'sealed', members: [] }),
    admit: (joiner) => {
      admitted.push(joiner);
      return Promise.resolve();
    },
  });
  const { address } = await listening(t, first, (socket) => void host.serve(new Errand(socket)));
  const guest = new PairingGuest({
    keeper: near(two),
    self: () => ({ node: b, name: 'two', transportKey: pinOf(second.certificate) }),
    surroundings,
    connect: (where) => callNode(where, second, surroundings),
    facts: () => Promise.resolve(facts),
    keep: (joined) => {
      kept.push(joined);
      return Promise.resolve();
    },
  });
  const root = await two.pairing.prepareJoin('joins');
  return { one, two, host, guest, clock, address, root, admitted, kept };
}

async function confirmBoth({ one, two, host }: Two): Promise<void> {
  await until('both show words', () => {
    const [mine, theirs] = [one.pairing.candidate(), two.pairing.candidate()];
    return mine?.words.join() !== undefined && mine.words.join() === theirs?.words.join();
  });
  await one.pairing.confirm(one.pairing.candidate()?.words ?? []);
  await two.pairing.confirm(two.pairing.candidate()?.words ?? []);
  await until('the pairing ends', () => ['joined', 'failed'].includes(host.view().state));
}

async function refused(t: ExecutionContext, act: Promise<unknown>): Promise<string | undefined> {
  return (await t.throwsAsync(act, { instanceOf: ErrandError })).code;
}

test('a code and two persons make a pair: keys opened, members known on both', async (t) => {
  const two = await twoNodes(t);
  const { code } = two.host.invite();
  t.is(two.host.view().state, 'waiting');
  // As a person may type it.
  await two.guest.join(two.address, code.toLowerCase().replaceAll('-', ' '), two.root);
  await until('it waits for persons', () => two.host.view().state === 'comparing');
  t.deepEqual(two.host.view().peer, { node: b, name: 'two' });
  t.is(two.two.status().state, 'new');
  await confirmBoth(two);
  t.is(two.host.view().state, 'joined');
  await until('the joiner knows', () => two.guest.view().state === 'joined');
  t.like(two.admitted[0], { node: b, name: 'two', recordKey: 'key' });
  t.like(two.kept[0], { node: a, name: 'one', recordKey: 'key' });
  const context = Buffer.from('context');
  const sealed = two.one.seal(context, Buffer.from('secret'));
  t.deepEqual(two.two.open(context, sealed), Buffer.from('secret'));
});

test('a code is good once, for its time, for a few tries; a mistyped one costs none', async (t) => {
  const { host, guest, clock, address, root } = await twoNodes(t);
  t.is(await refused(t, guest.join(address, other(), root)), 'code-refused');
  const { code } = host.invite();
  const mistyped = `${code.slice(0, -1)}${code.endsWith('0') ? '1' : '0'}`;
  t.is(readCode(mistyped), undefined);
  t.is(await refused(t, guest.join(address, mistyped, root)), 'code-refused');
  for (let i = 1; i < invitationTries; i++) {
    t.is(await refused(t, guest.join(address, other(), root)), 'code-refused');
  }
  t.is(host.view().state, 'waiting');
  t.is(await refused(t, guest.join(address, other(), root)), 'code-refused');
  t.is(host.view().state, 'failed');
  t.is(await refused(t, guest.join(address, code, root)), 'code-refused');
  const second = host.invite();
  clock.elapsed += invitationSeconds * 1000;
  t.is(host.view().state, 'failed');
  t.is(await refused(t, guest.join(address, second.code, root)), 'code-refused');
  const third = host.invite();
  await guest.join(address, third.code, root);
  t.is(await refused(t, guest.join(address, third.code, root)), 'code-refused');
});

/** A code that is well formed and nobody's. */
function other(): string {
  return makeCode(randomBytes);
}

test('who sits in the middle gets no proof that is of use, and no words', async (t) => {
  const { host, guest, address, root, one, two } = await twoNodes(t);
  const { code } = host.invite();
  const thief = identity();
  const heard: string[] = [];
  const middle = await listening(t, thief, (socket) => {
    const toGuest = new Errand(socket);
    void (async () => {
      const toHost = await callNode(address, thief, new Clock().surroundings);
      const proof = await toGuest.receive();
      heard.push(JSON.stringify(proof));
      toHost.send(proof);
      try {
        toGuest.send(await toHost.receive());
      } catch (error) {
        heard.push((error as ErrandError).code);
        toGuest.send({
          proof: 'ff'.repeat(32),
          inviter: { transportKey: pinOf(thief.certificate) },
        });
      }
    })();
  });
  t.is(await refused(t, guest.join(middle.address, code, root)), 'not-the-peer');
  t.is(heard.at(-1), 'code-refused');
  t.false(heard.join().includes(code));
  t.is(one.pairing.candidate(), undefined);
  t.is(two.pairing.candidate(), undefined);
  // The true joiner is not kept out by it.
  await guest.join(address, code, root);
});

test('words refused by a person, or a connection that breaks, leave nothing behind', async (t) => {
  const nodes = await twoNodes(t);
  const { host, guest, address, root, one, two } = nodes;
  await guest.join(address, host.invite().code, root);
  await until('it waits for persons', () => one.pairing.candidate() !== undefined);
  one.pairing.refuse();
  await until('both know', () => host.view().state === 'failed' && guest.view().state === 'failed');
  t.is(guest.view().code, 'not-confirmed');
  t.is(one.status().pair, undefined);
  t.is(two.status().state, 'new');
  // Begun again, with the same root key, it ends well.
  await guest.join(address, host.invite().code, root);
  await confirmBoth(nodes);
  t.is(host.view().state, 'joined');
});

test('a stranger who never speaks, or speaks nonsense, harms nobody', async (t) => {
  const { host, guest, address, root } = await twoNodes(t);
  const { code } = host.invite();
  const { surroundings } = new Clock();
  const silent = await callNode(address, identity(), surroundings);
  const garbled = await callNode(address, identity(), surroundings);
  garbled.send({ proof: 7, nonsense: ['x'.repeat(1000)] });
  await t.throwsAsync(garbled.receive());
  await guest.join(address, code, root);
  silent.destroy();
  t.is(await refused(t, callNode('127.0.0.1:1', identity(), surroundings)), 'unreachable');
  t.is(await refused(t, callNode('nowhere', identity(), surroundings)), 'unreachable');
});
