import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { until } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { startPair } from '../harness/pair.ts';
import { PostgresPair } from '../harness/postgresql.ts';

interface PeerStatus {
  readonly accepting: boolean;
  readonly peers: readonly { readonly state: string }[];
}

async function peerStatus(node: RunningAppliance): Promise<PeerStatus | undefined> {
  const { code, stdout } = await node.twinlock('peer', 'status', '--json');
  return code === 0 ? (JSON.parse(stdout) as PeerStatus) : undefined;
}

/** Writes what the administrator would into the node's file, and starts its server anew. */
function moveTo(database: PostgresPair, node: RunningAppliance): void {
  const { servers, password = '', ca } = database.address;
  const path = node.file('twinlock.toml');
  const [caFile, passwordFile] = [node.file('database-ca.pem'), node.file('database-password')];
  writeFileSync(caFile, ca);
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  const before = readFileSync(path, 'utf8');
  const after = before.replace('[replication]\n', '[replication]\ncarrier = "postgresql"\n');
  writeFileSync(path, after);
  const addresses = servers.map(({ host, port }) => JSON.stringify(`${host}:${port}`)).join();
  appendFileSync(
    path,
    [
      '[replication.postgresql]',
      `servers = [${addresses}]`,
      `ca = ${JSON.stringify(caFile)}`,
      `password_file = ${JSON.stringify(passwordFile)}`,
      '',
    ].join('\n'),
  );
  node.signal('server', 'SIGKILL');
}

test('a pair moves to a database and back, and every key is on both nodes', async (t) => {
  t.timeout(280_000);
  const database = await PostgresPair.start(t);
  const { a, b } = await startPair(t);
  const clients = [new KmipClient(a), new KmipClient(b)] as const;
  const [one, two] = clients;
  const policy = await a.twinlock('peer', 'policy', 'refuse');
  t.is(policy.code, 0, policy.stderr);
  const made = [await one.create()];
  const kept = [a, b].map((node) => readFileSync(node.file('twinlock.toml')));
  const linked = async (): Promise<boolean> => {
    const both = await Promise.all([a, b].map(peerStatus));
    return both.every((each) => each?.accepting === true && each.peers[0]?.state === 'present');
  };
  for (const node of [a, b]) moveTo(database, node);
  await until('both are on the database', linked, 120_000);
  made.push(await one.insist(() => one.create()), await two.insist(() => two.create()));
  const onBoth = async (): Promise<void> => {
    for (const id of made) {
      t.is(await one.insist(() => one.get(id)), await two.insist(() => two.get(id)));
    }
  };
  await onBoth();
  const rows = await database.primary.sql('SELECT 1 FROM twinlock.record', 'twinlock');
  t.true(rows.length > made.length);
  const invited = await a.twinlock('peer', 'invite');
  t.not(invited.code, 0);
  // Back, while the database is gone for good.
  await database.primary.kill();
  await database.standby.kill();
  for (const [i, node] of [a, b].entries()) {
    writeFileSync(node.file('twinlock.toml'), kept[i] ?? '');
    node.signal('server', 'SIGKILL');
  }
  await until('both are linked again', linked, 120_000);
  made.push(await two.insist(() => two.create()));
  await onBoth();
  for (const client of clients) client.end();
});
