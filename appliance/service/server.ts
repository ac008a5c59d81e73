import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { AddressInfo, ListenOptions } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Appliance } from '../admin/appliance.ts';
import { MetricsServer } from '../admin/metrics-server.ts';
import { AdminServer } from '../admin/server.ts';
import { KeeperClient } from '../keeper-client/client.ts';
import type { KeeperStatus } from '../keeper-client/keeper.ts';
import { KeystoreError } from '../keystore/error.ts';
import { SealedFiles } from '../keystore/sealed-file.ts';
import { SqliteKeystore } from '../keystore/store.ts';
import { toJson } from '../encoding/json.ts';
import { fingerprint, readCertificate } from '../pki/fingerprint.ts';
import { selfTest } from '../self-test/self-test.ts';
import { Dispatch } from '../server/dispatch.ts';
import { cutBlockedClients } from '../server/blocked-client.ts';
import { PendingClients } from '../server/pending-client.ts';
import { ClientPorts } from '../server/port.ts';
import { passed } from './activated-socket.ts';
import { endpointOf, isEverywhere, ownAddresses } from './own-address.ts';
import { earliestPlausible, now } from './clock.ts';
import { configurationFromArguments, hostAndPort } from './configuration.ts';
import type { Configuration } from './configuration.ts';
import { explain, Stop } from './exit.ts';
import { makeLog } from './log.ts';
import type { Log } from './log.ts';
import { commitmentKey, recordKey, serverIdentity } from './node-secret.ts';
import type { ServerIdentity } from './node-secret.ts';
import { SystemdNotify } from './notify.ts';
import { features, startReplication } from './replication.ts';
import type { Replication } from './replication.ts';
import { dieWithParent, onStop } from './process.ts';
import { AuditKeeping } from './audit-keeping.ts';
import { Rotation } from './rotation.ts';
import { ServerCertificate } from './server-certificate.ts';
import { beginningStatusOf, statusOf } from './status.ts';
import { ExpiryWatch } from './expiry.ts';
import { caughtUp, JoiningNode, joinedNode } from './joining.ts';
import type { Joined } from './joining.ts';
import { Pair } from './pair.ts';
import { nodeIdentity } from './node-identity.ts';
import { watchDisk } from './disk.ts';
import { watchShredding } from './shredded.ts';
import { installRestoredIdentity, NodeBackups } from './backup.ts';

const random = (bytes: number): Buffer => randomBytes(bytes);

/** The server process: KMIP, keystore and admin API; sees no PIN and no wrapping key. */
async function main(): Promise<void> {
  selfTest('server');
  const configuration = configurationFromArguments(process.argv);
  const log = makeLog('server', configuration.log);
  const systemd = new SystemdNotify(log);
  dieWithParent();
  const folder = join(configuration.state, 'server');
  mkdirSync(join(folder, 'sealed'), { recursive: true, mode: 0o700 });
  if (now() < earliestPlausible) {
    log('warn', 'the clock was never set; keys are served, certificates made now would be wrong');
  }
  const keeper = new KeeperClient(join(configuration.run, 'keeper.sock'));
  const joins = new JoiningNode({ configuration, folder, keeper, random, log });
  const admin = new AdminServer({
    status: () => beginningStatusOf({ keeper, node: nodeIdentity(folder, random), now }),
    joins,
    log,
  });
  await admin.listen(configuration.server.admin_socket ?? join(configuration.run, 'admin.sock'));
  await systemd.status('waiting for the keeper to open the wrapping key');
  const { cluster } = await openKeeper(keeper, folder, log);
  const node = nodeIdentity(folder, random);
  const files = new SealedFiles(join(folder, 'sealed'), keeper, cluster);
  const keystore = await openKeystore(configuration, folder, files, keeper, cluster, log);
  installRestoredIdentity(folder);
  const names = certificateNames(configuration);
  const kind = configuration.server.key;
  const identity = await serverIdentity(files, folder, names, kind, { now, random });
  const rotation = new Rotation({ keystore, files, keeper, log });
  const audit = new AuditKeeping({ trail: keystore.trail, keeper, configuration, node, now, log });
  const joined = joinedNode(folder);
  if (joined !== undefined) await trustOnce(keystore, joined);
  const linked = { keystore, keeper, configuration, log };
  const replication = await startReplication({ ...linked, files, random, joined });
  const authority = identity.authority.certificate;
  const pair = new Pair({ ...linked, replication, folder, authority });
  if (joined !== undefined) await caughtUp({ keystore, keeper, replication, joined, log });
  const parts = {
    ...{ keystore, keeper, identity, audit, cluster, node, log, configuration },
    ...{ rotation, replication, pair, folder },
  };
  const backups = await nodeBackups(parts, files);
  const { listener, address, appliance } = await serve({ ...parts, backups });
  admin.open(appliance);
  await serveAdministrators(admin, configuration, identity, keystore, log);
  const metrics = await serveMetrics(configuration, keystore, audit, appliance);
  onStop(async () => {
    await systemd.stopping();
    metrics?.close();
    rotation.stop();
    backups.stop();
    await audit.stop();
    await admin.close();
    await listener.close();
    pair.stop();
    await replication.stop();
    await keystore.close();
    keeper.close();
  });
  watchDisk(keystore, folder, log);
  watchShredding(keeper, startAnew);
  const text = `serving on ${address.address} port ${address.port}`;
  log('info', text, { address: address.address, port: address.port });
  await systemd.ready(text);
  const sample = await keeper.seal(Buffer.from('self-check'), random(32));
  systemd.watch(async () => {
    keystore.check();
    (await keeper.open(Buffer.from('self-check'), sample)).fill(0);
  });
}

/** Once: a node whose disk is full at a later start has to serve all the same. */
async function trustOnce({ replica }: SqliteKeystore, joined: Joined): Promise<void> {
  for (const { node, recordKey } of [joined, ...(joined.members ?? [])]) {
    if (replica.members().some((member) => member.node === node)) continue;
    await replica.trust(node, recordKey, 'paired');
  }
}

/** Off unless the configuration gives it an address; that it cannot listen stops no Get. */
async function serveAdministrators(
  admin: AdminServer,
  { server: { admin_listen: listen } }: Configuration,
  identity: ServerIdentity,
  keystore: SqliteKeystore,
  log: Log,
): Promise<void> {
  if (listen === undefined) return;
  keystore.onRecords((records) => {
    if (records.some(({ kind }) => kind.startsWith('administrator-'))) admin.cutBlocked();
  });
  try {
    const { address, port } = await admin.listenRemote(hostAndPort(listen), identity);
    log('info', 'administrators are served', { address, adminPort: port });
  } catch (error) {
    const text = error instanceof Error ? error.message : 'unknown';
    log('error', 'administrators cannot be served', { error: text });
  }
}

/** Off unless the configuration gives it an address; that it cannot listen stops no Get. */
async function serveMetrics(
  { metrics: { listen } }: Configuration,
  keystore: SqliteKeystore,
  audit: AuditKeeping,
  { status, log }: Appliance,
): Promise<MetricsServer | undefined> {
  if (listen === undefined) return undefined;
  const server = new MetricsServer({
    status,
    acts: () => keystore.trail.counts(),
    audit: () => ({ newest: keystore.trail.newest.seq, receivers: audit.receivers() }),
    check: () => {
      keystore.check();
    },
  });
  try {
    const { address, port } = await server.listen(hostAndPort(listen));
    log('info', 'metrics are answered', { address, port });
  } catch (error) {
    const text = error instanceof Error ? error.message : 'unknown';
    log('error', 'metrics cannot be answered', { error: text });
  }
  return server;
}

async function openKeystore(
  configuration: Configuration,
  folder: string,
  files: SealedFiles,
  keeper: KeeperClient,
  cluster: string,
  log: Log,
): Promise<SqliteKeystore> {
  const pageKey = await files.openOrMake('page-key', () => random(32));
  const parts = {
    recordKey: await recordKey(files),
    commitmentKey: await commitmentKey(keeper),
    node: nodeIdentity(folder, random),
    epoch: random(16).toString('hex'),
    features,
    cacheKiB: configuration.server.cache_mib * 1024,
  };
  const path = join(folder, 'keystore.db');
  try {
    const recoverable = recoverableThrough(keeper);
    return new SqliteKeystore({ path, pageKey, keeper, cluster, now, log, recoverable, ...parts });
  } catch (error) {
    if (!(error instanceof KeystoreError)) throw error;
    throw stopFor(error, path);
  }
}

/** Asks the keeper until its recovery set is proven: a set that is proven stays so. */
function recoverableThrough(keeper: KeeperClient): () => Promise<boolean> {
  let proven = false;
  return async () => (proven ||= (await keeper.status()).recovery?.proven === true);
}

function stopFor(error: KeystoreError, path: string): Error {
  const backup = 'the file is kept as it is; move it away only if you have a backup';
  switch (error.code) {
    case 'database-foreign':
      return new Stop('databaseForeign', `${path}: ${error.message}`, backup, { cause: error });
    case 'database-newer':
      return new Stop('databaseNewer', `${path}: ${error.message}`, 'start the newer version');
    case 'database-unreadable':
    case 'chain-broken':
      return new Stop('databaseUnreadable', `${path}: ${error.message}`, backup, { cause: error });
    default:
      return error;
  }
}

async function serve(parts: {
  readonly keystore: SqliteKeystore;
  readonly keeper: KeeperClient;
  readonly identity: ServerIdentity;
  /** Where server.pem lies. */
  readonly folder: string;
  readonly cluster: string;
  readonly node: string;
  readonly log: Log;
  readonly configuration: Configuration;
  readonly rotation: Rotation;
  readonly audit: AuditKeeping;
  readonly replication: Replication;
  readonly pair: Pair;
  readonly backups: NodeBackups;
}): Promise<{ listener: ClientPorts; address: AddressInfo; appliance: Appliance }> {
  const { keystore, identity, backups, log, configuration } = parts;
  const newIdentifier = (): string => randomUUID();
  const dispatch = new Dispatch({ keystore, now, random, newIdentifier, log });
  const { authority, key, certificate } = identity;
  const expiry = new ExpiryWatch(log);
  const options = {
    key,
    certificate,
    keystore,
    dispatch,
    newRequestId: () => random(8).toString('hex'),
    now,
    log,
    pending: new PendingClients({ keystore, newIdentifier, now, log }),
    listen: kmipSocket(configuration),
  };
  const web = configuration.server.https_listen;
  const listener = new ClientPorts(options, web === undefined ? web : hostAndPort(web));
  cutBlockedClients(keystore, (id) => listener.cut(id));
  const address = await listener.listen();
  const serverCertificate = new ServerCertificate({
    ...{ identity, folder: parts.folder, names: certificateNames(configuration) },
    show: (next) => {
      listener.show(next);
    },
  });
  const appliance: Appliance = {
    keystore,
    pair: parts.pair,
    // Asked each time: an address may come after the start.
    status: () => {
      const endpoint = endpointOf(address);
      return statusOf({ ...parts, listener, serverCertificate, expiry, endpoint, now });
    },
    authority,
    serverCertificate,
    audit: keystore.trail,
    readCertificate: (pem) => {
      const read = readCertificate(pem);
      const notAfter = Date.parse(read.validTo) / 1000;
      return { fingerprint: fingerprint(read), notAfter, isAuthority: read.ca };
    },
    described: toJson,
    cut: (id) => listener.cut(id),
    backups: backups.acts(startAnew),
    acceptLoss: () => parts.replication.acceptLoss(),
    now,
    newIdentifier,
    log,
  };
  return { listener, address, appliance };
}

async function nodeBackups(
  parts: {
    readonly configuration: Configuration;
    readonly folder: string;
    readonly keystore: SqliteKeystore;
    readonly keeper: KeeperClient;
    readonly cluster: string;
    readonly log: Log;
  },
  files: SealedFiles,
): Promise<NodeBackups> {
  const { configuration, folder, keystore, keeper, cluster, log } = parts;
  return new NodeBackups({
    ...{ configuration, folder, keystore, keeper, cluster, log, random, now },
    node: nodeIdentity(folder, random),
    recordKey: await recordKey(files),
    commitmentKey: await commitmentKey(keeper),
  });
}

/** The socket that systemd holds through restarts, so that nobody is refused, else our own. */
function kmipSocket({ server }: Configuration): ListenOptions & { fd?: number } {
  const fd = passed('kmip');
  return fd === undefined ? hostAndPort(server.listen) : { fd };
}

/** Waits until the keeper is open, for as long as it takes: a person may have to type a PIN. */
async function openKeeper(
  keeper: KeeperClient,
  folder: string,
  log: Log,
): Promise<{ cluster: string }> {
  let said = '';
  for (;;) {
    const status: KeeperStatus | undefined = await keeper.status().catch(() => undefined);
    // A join that was cut short: nobody knows this node yet, so it keeps no keys.
    const halfJoined = status?.pair?.joining === true && joinedNode(folder) === undefined;
    if (status?.state === 'open' && status.cluster !== undefined && !halfJoined) {
      return { cluster: status.cluster };
    }
    const text = `keeper ${status?.state ?? 'away'}, root key ${status?.token.state ?? 'unknown'}`;
    if (text !== said) log('info', 'waiting for the wrapping key', { keeper: text });
    said = text;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Ends this process in good order; whoever started it starts it again. */
function startAnew(): void {
  setImmediate(() => process.kill(process.pid, 'SIGTERM'));
}

function certificateNames({ server }: Configuration): string[] {
  const { host } = hostAndPort(server.listen);
  const hosts = isEverywhere(host) ? ownAddresses() : [host];
  return [...new Set([...server.names, hostname(), ...hosts])];
}

main().catch((error: unknown) => {
  process.exit(explain(error));
});
