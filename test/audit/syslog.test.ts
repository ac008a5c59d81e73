import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { chainHash, chainStart } from '../../appliance/audit/chain.ts';
import type { ChainedEntry } from '../../appliance/audit/chain.ts';
import type { AuditEntry } from '../../appliance/audit/event.ts';
import { syslogFrame, syslogMessage } from '../../appliance/audit/syslog-message.ts';
import { SyslogSender } from '../../appliance/audit/syslog-sender.ts';
import { removeFolder, temporaryFolder, until } from '../harness/appliance.ts';
import { Rsyslog } from '../harness/rsyslog.ts';

const origin = { hostname: 'kms-a', node: '0a'.repeat(16) };

function chained(entries: readonly AuditEntry[]): ChainedEntry[] {
  let hash: Uint8Array = chainStart;
  return entries.map((each, i) => {
    const entry = JSON.stringify(each);
    hash = chainHash(hash, i + 1, 1_700_000_000, entry);
    return { seq: i + 1, time: 1_700_000_000, entry, hash };
  });
}

function entry(change: Partial<AuditEntry> = {}): AuditEntry {
  return { request: 'r1', actor: 'client:vc', act: 'Get', outcome: 'success', ...change };
}

test('an entry is a message of RFC 5424, framed by its length in bytes (RFC 5425)', (t) => {
  const [first] = chained([
    entry({ object: 'key-1', outcome: 'denied', reason: 'Item Not Found' }),
  ]);
  if (first === undefined) throw new Error('no entry');
  const message = syslogMessage(first, origin);
  const hash = Buffer.from(first.hash).toString('hex');
  t.is(
    message.toString(),
    '<108>1 2023-11-14T22:13:20Z kms-a twinlock - Get [twinlock@32473 seq="1" ' +
      `hash="${hash}" node="${origin.node}" actor="client:vc" object="key-1" outcome="denied" ` +
      'reason="Item Not Found" request="r1"] \u{feff}Get key-1 denied Item Not Found',
  );
  t.true(syslogFrame(message).toString().startsWith(`${message.length} <108>1 `));
});

test('nothing in an entry ends its field or its line', (t) => {
  const hostile = 'x"]\n<0>1 forged\u0000\\';
  const [first] = chained([entry({ object: hostile, act: 'Add Attribute' })]);
  if (first === undefined) throw new Error('no entry');
  const text = syslogMessage(first, { ...origin, hostname: 'a b' }).toString();
  t.false(/\p{Cc}/u.test(text));
  t.true(text.includes('object="x\\"\\] <0>1 forged \\\\"'));
  t.true(text.includes(' a-b twinlock - Add-Attribute ['));
});

test('a receiver that is killed and comes back has every entry', async (t) => {
  const folder = temporaryFolder();
  const receiver = await Rsyslog.make(folder);
  const all = chained(Array.from({ length: 3_000 }, (_, i) => entry({ object: `key-${i + 1}` })));
  let there = 1_000;
  let kept = 0;
  const sender = new SyslogSender({
    ...origin,
    target: { host: '127.0.0.1', port: receiver.port, ca: receiver.ca },
    entries: (after, limit) => all.slice(after, Math.min(after + limit, there)),
    newest: () => there,
    cursor: { read: () => kept, write: (seq) => (kept = seq) },
    monotonic: () => performance.now(),
    log: () => {},
  });
  t.teardown(async () => {
    await sender.stop();
    await receiver.kill();
    removeFolder(folder);
  });
  await until('the sender to say why it waits', () => sender.status().failure === 'ECONNREFUSED');
  t.is(sender.status().behind, 1_000);
  receiver.start();
  await until('the first messages', () => receiver.received().length > 200);
  await receiver.kill();
  there = 2_000;
  await until('the loss to be noticed', () => !sender.status().connected);
  there = 3_000;
  receiver.start();
  const numbers = (): Set<string | undefined> =>
    new Set(receiver.received().map((line) => / seq="(\d+)" /.exec(line)?.[1]));
  await until('all of them', () => numbers().size === 3_000, 60_000);
  t.true(kept < 3_000, 'what was sent a moment ago is not yet taken as arrived');
  await sender.stop();
  t.is(kept, 3_000, 'an end that the receiver answered confirms everything');
});

/** A way to a receiver that loses its power: what is sent then is gone, and no end is answered. */
async function lossyWay(
  receiver: number,
): Promise<{ port: number; lost: boolean; close: () => void }> {
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: receiver, host: '127.0.0.1', allowHalfOpen: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (chunk) => {
        if (!way.lost) to.write(chunk);
      });
      from.on('end', () => {
        if (!way.lost) to.end();
      });
    }
    for (const each of [near, far]) each.on('error', () => each.destroy());
    near.on('close', () => far.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const way = { port, lost: false, close: () => void server.close() };
  return way;
}

test('what a receiver took that lost its power is sent again, and not confirmed', async (t) => {
  const folder = temporaryFolder();
  const receiver = await Rsyslog.make(folder);
  receiver.start();
  const way = await lossyWay(receiver.port);
  const all = chained(Array.from({ length: 900 }, (_, i) => entry({ object: `key-${i + 1}` })));
  let there = 300;
  let kept = 0;
  let ahead = 0;
  const sender = new SyslogSender({
    ...origin,
    target: { host: '127.0.0.1', port: way.port, ca: receiver.ca },
    entries: (after, limit) => all.slice(after, Math.min(after + limit, there)),
    newest: () => there,
    cursor: { read: () => kept, write: (seq) => (kept = seq) },
    monotonic: () => performance.now() + ahead,
    log: () => {},
  });
  t.teardown(async () => {
    await sender.stop();
    way.close();
    await receiver.kill();
    removeFolder(folder);
  });
  const numbers = (): Set<string | undefined> =>
    new Set(receiver.received().map((line) => / seq="(\d+)" /.exec(line)?.[1]));
  await until('the first', () => numbers().size === 300, 60_000);
  t.is(kept, 0);
  ahead += 60_000;
  await until('the receiver’s end confirms them', () => kept === 300, 60_000);
  there = 310;
  await until('the next connection carries', () => numbers().size === 310, 60_000);
  t.true(sender.status().connected);
  // From here on nothing arrives, and nobody says so.
  way.lost = true;
  there = 600;
  ahead += 60_000;
  await until('an end that is not answered is said', () => !sender.status().connected, 60_000);
  t.is(kept, 300, 'what was swallowed is not taken as arrived');
  way.lost = false;
  there = 900;
  await until('all of them', () => numbers().size === 900, 120_000);
});

test('a receiver whose certificate is not of the named authority gets nothing', async (t) => {
  const folder = temporaryFolder();
  const other = temporaryFolder();
  const receiver = await Rsyslog.make(folder);
  const { ca } = await Rsyslog.make(other);
  receiver.start();
  const sender = new SyslogSender({
    ...origin,
    target: { host: '127.0.0.1', port: receiver.port, ca },
    entries: () => chained([entry()]),
    newest: () => 1,
    cursor: { read: () => 0, write: () => {} },
    monotonic: () => performance.now(),
    log: () => {},
  });
  t.teardown(async () => {
    await sender.stop();
    await receiver.kill();
    for (const each of [folder, other]) removeFolder(each);
  });
  await until('the refusal', () => {
    const { failure = '' } = sender.status();
    return failure !== 'ECONNREFUSED' && failure !== '' && failure !== 'closed';
  });
  t.regex(sender.status().failure ?? '', /CERT|SIGNATURE/);
  t.deepEqual(receiver.received(), []);
});
