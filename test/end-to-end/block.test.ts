import { connect } from 'node:tls';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { until } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { startPair } from '../harness/pair.ts';

/** A connection that does nothing, as vCenter keeps many; tells whether it still stands. */
async function idle(node: RunningAppliance): Promise<{ readonly ended: boolean }> {
  const { host, port } = node;
  const cert = readFileSync(node.file('client', 'cert.pem'));
  const key = readFileSync(node.file('client', 'key.pem'));
  const socket = connect({ host, port, cert, key, rejectUnauthorized: false });
  const state = { ended: false };
  socket.on('error', () => {});
  socket.on('close', () => {
    state.ended = true;
  });
  socket.resume();
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  return state;
}

test('a certificate that is blocked on one node loses its connections on both', async (t) => {
  t.timeout(240_000);
  const { a, b } = await startPair(t);
  const clients = [new KmipClient(a), new KmipClient(b)] as const;
  const id = await clients[0].create();
  // Before and after a first request, on both nodes.
  for (const client of clients) t.is((await client.get(id)).length, 64);
  const waiting = [await idle(a), await idle(a), await idle(b), await idle(b)];
  t.false(waiting.some(({ ended }) => ended));
  const listed = await a.twinlock('client', 'list', '--json');
  const { clients: found } = JSON.parse(listed.stdout) as { clients: { id: string }[] };
  const blocked = await a.twinlock('client', 'block', found[0]?.id ?? '');
  t.is(blocked.code, 0, blocked.stderr);
  await until('all connections are cut', () => waiting.every(({ ended }) => ended));
  for (const client of clients) await t.throwsAsync(client.get(id));
  // Let in again on the other node, it is let in on both.
  const allowed = await b.twinlock('client', 'allow', found[0]?.id ?? '');
  t.is(allowed.code, 0, allowed.stderr);
  const again = [new KmipClient(a), new KmipClient(b)] as const;
  for (const client of again) {
    t.is(await client.insist(() => client.get(id)), await again[1].get(id));
    client.end();
  }
  for (const client of clients) client.end();
});
