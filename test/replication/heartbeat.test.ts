import { randomBytes } from 'node:crypto';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Channel } from '../../appliance/replication/channel.ts';
import { messageKind, toJson } from '../../appliance/replication/message.ts';
import { Session } from '../../appliance/replication/session.ts';
import type { Surroundings } from '../../appliance/replication/surroundings.ts';
import { makeKey, pairOf } from '../harness/replica.ts';
import { twins, until } from '../harness/twin.ts';

const beat = { heads: {}, lacking: [], able: true, time: 1_700_000_000 };

/** A session whose time the test makes, and whose other end it plays. */
async function playedSession(t: ExecutionContext) {
  const { one, two } = await pairOf(t);
  t.teardown(() => Promise.all([one.close(), two.close()]));
  let time = 0;
  const timers = new Set<{ readonly at: number; readonly act: () => void }>();
  const surroundings: Surroundings = {
    elapsed: () => time,
    now: () => 1_700_000_000,
    random: randomBytes,
    log: () => {},
    after: (milliseconds, act) => {
      const timer = { at: time + milliseconds, act };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  const sent: number[] = [];
  const ends: string[] = [];
  let say: (kind: number, payload: Buffer) => void = () => {};
  const nothing = (): void => {};
  const channel: Channel = {
    peer: two.replica.node,
    dialled: false,
    send: (kind) => {
      sent.push(kind);
      return Promise.resolve();
    },
    receive: (onMessage) => {
      say = onMessage;
    },
    close: nothing,
  };
  const session = new Session({
    ...{ channel, surroundings, replica: one.replica, features: [], able: () => true },
    ...{ changed: nothing, greeted: nothing, past: nothing, ingested: nothing },
    ended: (why) => ends.push(why),
  });
  session.begin();
  return {
    ...{ session, sent, ends, node: two.replica.node, cluster: two.replica.cluster },
    heads: one.replica.heads(),
    say: (kind: number, message: object): void => {
      say(kind, toJson(message));
    },
    /** Lets so much time pass, and all happen that is due meanwhile. */
    pass: (milliseconds: number): void => {
      for (const end = time + milliseconds; time < end;) {
        time += 100;
        for (const timer of timers) {
          if (timer.at > time || !timers.delete(timer)) continue;
          timer.act();
        }
      }
    },
  };
}

test('a heartbeat goes out each second; three that do not come mean away', async (t) => {
  const { session, sent, ends, say, pass, heads, node, cluster } = await playedSession(t);
  t.false(session.alive);
  const greeting = { protocol: 1, node, cluster, epoch: 'e', features: [], heads, time: 0 };
  say(messageKind.hello, { ...greeting, remembered: {}, lacking: [], able: true });
  t.true(session.alive);
  for (let second = 1; second <= 10; second++) {
    const before = sent.length;
    pass(1_000);
    t.deepEqual(sent.slice(before), [messageKind.beat]);
    say(messageKind.beat, beat);
    t.true(session.alive);
  }
  // One and two that are lost mean nothing; the state is known before anybody asks.
  pass(3_000);
  t.true(session.alive);
  say(messageKind.beat, beat);
  pass(3_400);
  t.true(session.alive);
  pass(200);
  t.false(session.alive);
  pass(1_000);
  t.deepEqual(ends, ['three heartbeats did not come']);
});

test('a peer that is known to be away is not waited for, by the first client either', async (t) => {
  const { one, two } = await twins(t);
  for (const { proxy } of [one, two]) proxy.weather = { kind: 'blackhole' };
  // Nobody asks for a key meanwhile: the heartbeats alone tell.
  await until(() => !one.carrier.present);
  t.is(one.carrier.peers()[0]?.state, 'away');
  const waits: number[] = [];
  const confirmed = one.carrier.confirmed.bind(one.carrier);
  one.carrier.confirmed = async (records) => {
    const answer = confirmed(records);
    const first = await Promise.race([answer, Promise.resolve('it waits')]);
    if (first === 'it waits') waits.push(1);
    return answer;
  };
  for (let i = 0; i < 5; i++) await makeKey(one.keystore, Buffer.alloc(32, 1));
  t.deepEqual(waits, []);
  await until(() => one.carrier.peers()[0]?.trouble !== undefined);
});
