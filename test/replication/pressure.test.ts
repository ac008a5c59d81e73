import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Channel } from '../../appliance/replication/channel.ts';
import { decodeEntries, messageKind, toJson } from '../../appliance/replication/message.ts';
import { Session } from '../../appliance/replication/session.ts';
import { makeKey } from '../harness/replica.ts';
import { twins, until } from '../harness/twin.ts';
import type { Twin } from '../harness/twin.ts';

/** Messages of entries, and records and bytes of one, that may be under way at once. */
const most = { messages: 4, records: 64, bytes: (1 << 20) + (1 << 16) };

interface End {
  readonly sent: { readonly kind: number; readonly payload: Uint8Array }[];
  readonly session: Session;
  say: (kind: number, payload: Buffer) => void;
  why: string | undefined;
}

/** A session of this node with one that the test plays. */
function endOf(t: ExecutionContext, twin: Twin, other: Twin, heads: object): End {
  const sent: End['sent'] = [];
  const nothing = (): void => {};
  const end = { sent, why: undefined, say: nothing } as unknown as Omit<End, 'session'>;
  const channel: Channel = {
    peer: other.node.id,
    dialled: false,
    send: (kind, payload) => {
      sent.push({ kind, payload });
      return Promise.resolve();
    },
    receive: (onMessage) => {
      end.say = onMessage;
    },
    close: nothing,
  };
  const session = new Session({
    ...{ channel, replica: twin.keystore.replica, surroundings: twin.surroundings, features: [] },
    ...{ able: () => true, changed: nothing, greeted: nothing, past: nothing, ingested: nothing },
    ended: (why) => {
      end.why = why;
    },
  });
  session.begin();
  const { node, cluster, epoch } = other.keystore.replica;
  const greeting = { protocol: 1, node, cluster, epoch, features: [], heads, time: 0 };
  end.say(messageKind.hello, toJson({ ...greeting, remembered: {}, lacking: [], able: true }));
  // It lives, however busy the machine is: nothing but the window is to stop the session.
  const beat = { heads: {}, lacking: [], able: true, time: 0 };
  const timer = setInterval(() => {
    end.say(messageKind.beat, toJson(beat));
  }, 100);
  t.teardown(() => {
    clearInterval(timer);
  });
  return Object.assign(end, { session });
}

const entriesOf = ({ sent }: End): Uint8Array[] =>
  sent.filter(({ kind }) => kind === messageKind.entries).map(({ payload }) => payload);

test('a peer that takes nothing is sent no more than fits into the window', async (t) => {
  const { one, two } = await twins(t);
  await two.stop();
  await until(() => !one.carrier.present);
  const keys = Array.from({ length: 1_000 }, () => makeKey(one.keystore, Buffer.alloc(32, 1)));
  await Promise.all(keys);
  const end = endOf(t, one, two, {});
  await until(() => entriesOf(end).length === most.messages);
  // Whatever else is made meanwhile stays on the disk.
  for (let i = 0; i < 50; i++) {
    await makeKey(one.keystore, Buffer.alloc(32, 1));
    end.session.wake();
  }
  t.is(entriesOf(end).length, most.messages);
  for (const payload of entriesOf(end)) {
    t.true(payload.length < most.bytes);
    t.true(decodeEntries(Buffer.from(payload)).length <= most.records);
  }
  // It goes on by as much as was taken.
  end.say(messageKind.ack, toJson({ taken: 2, heads: {}, lacking: [], able: true }));
  await until(() => entriesOf(end).length === most.messages + 2);
  t.is(end.why, undefined);
  end.session.end('the test is over');
  await two.start();
  two.link();
});

test('large secrets fill a message sooner: it is bounded by bytes, too', async (t) => {
  const { one, two } = await twins(t);
  await two.stop();
  await until(() => !one.carrier.present);
  const large = Buffer.alloc(600_000, 1);
  for (let i = 0; i < 12; i++) await makeKey(one.keystore, large);
  const end = endOf(t, one, two, {});
  await until(() => entriesOf(end).length === most.messages);
  for (const payload of entriesOf(end)) t.true(payload.length < most.bytes);
  end.session.end('the test is over');
  await two.start();
  two.link();
});

test('one that sends more than it may is cut off, and not kept in memory', async (t) => {
  const { one, two } = await twins(t);
  const end = endOf(t, one, two, one.keystore.replica.heads());
  let said = 0;
  while (end.why === undefined && said < 1_000) {
    end.say(messageKind.entries, Buffer.alloc(0));
    said++;
  }
  t.is(end.why, 'more than was asked for');
  t.true(said <= most.messages * 4 + 1);
});
