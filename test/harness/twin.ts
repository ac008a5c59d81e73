import { createPrivateKey, randomBytes } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { makeAuthorityCertificate, makePrivateKey } from '../../appliance/pki/authority.ts';
import type { SqliteKeystore } from '../../appliance/keystore/store.ts';
import type { KeystoreOptions } from '../../appliance/keystore/store.ts';
import { CopyPromise } from '../../appliance/replication/copy-promise.ts';
import type { SecondCopy } from '../../appliance/replication/copy-promise.ts';
import { History } from '../../appliance/replication/history.ts';
import { PairCarrier } from '../../appliance/replication/pair-carrier.ts';
import type { Surroundings } from '../../appliance/replication/surroundings.ts';
import { pinOf } from '../../appliance/replication/peer-tls.ts';
import { TlsTransport } from '../../appliance/replication/tls-transport.ts';
import { FaultProxy } from './fault-proxy.ts';
import { RealTime } from './real-time.ts';
import { testCluster, TestNode } from './replica.ts';
import type { TestCluster } from './replica.ts';

/** A running node of a test: real SQLite, real TLS, its network through a proxy. */
export class Twin {
  readonly node: TestNode;
  readonly cluster: TestCluster;
  readonly said: string[] = [];
  readonly key: string;
  readonly certificate: string;
  proxy!: FaultProxy;
  keystore!: SqliteKeystore;
  carrier!: PairCarrier;
  promise!: CopyPromise;
  history!: History;
  /** Whether its keeper can prove its root key. */
  able = true;
  journal: SecondCopy | undefined;
  /** See `linkOnly`. */
  only: string | undefined;
  #transport!: TlsTransport;
  #port = 0;
  readonly #time = new RealTime();

  constructor(t: ExecutionContext, cluster: TestCluster) {
    this.node = new TestNode(t, cluster);
    this.cluster = cluster;
    const der = makePrivateKey('p256');
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    this.key = key.export({ format: 'pem', type: 'pkcs8' }).toString();
    const surroundings = { now: () => 1_700_000_000, random: randomBytes };
    this.certificate = makeAuthorityCertificate(key, 'Twinlock node', surroundings);
  }

  /** Where it really listens, behind its proxy. */
  get port(): number {
    return this.#port;
  }

  get pin(): string {
    return pinOf(this.certificate);
  }

  get surroundings(): Surroundings {
    return this.#time.surroundings((_level, message) => {
      this.said.push(message);
    });
  }

  /** Opens keystore and port; links begin with `link`. */
  async start(options: Partial<KeystoreOptions> = {}): Promise<void> {
    this.keystore = this.node.open(options);
    this.#transport = new TlsTransport({
      key: this.key,
      certificate: this.certificate,
      members: () => this.keystore.replica.members(),
      surroundings: this.surroundings,
      listen: { host: '127.0.0.1', port: this.#port },
    });
    this.#port = (await this.#transport.listen())?.port ?? 0;
  }

  async openProxy(): Promise<void> {
    this.proxy = await FaultProxy.open(this.#port);
  }

  link(): void {
    const { replica } = this.keystore;
    const { surroundings, keystore } = this;
    this.history = new History(replica, surroundings);
    this.carrier = new PairCarrier({
      replica,
      onRecords: (listener) => keystore.onRecords(listener),
      transport: this.#transport,
      surroundings,
      history: this.history,
      features: [],
      able: () => this.able && this.keystore.failure === undefined,
    });
    this.promise = new CopyPromise({
      replica,
      carrier: this.carrier,
      history: this.history,
      surroundings,
      ...(this.journal === undefined ? {} : { journal: this.journal }),
    });
    keystore.guard = this.promise;
    this.carrier.linkOnly(this.only);
    this.carrier.start();
  }

  async stop(): Promise<void> {
    this.promise.stop();
    await this.carrier.stop();
    await this.#transport.close();
    await this.keystore.close();
    this.#time.end();
  }

  async restart(options: Partial<KeystoreOptions> = {}): Promise<void> {
    await this.stop();
    await this.start(options);
    this.link();
  }
}

/** Two linked nodes; `policy`: what they do apart. */
export async function twins(
  t: ExecutionContext,
  prepare: (one: Twin, two: Twin) => void = () => {},
  options: Partial<KeystoreOptions> = {},
): Promise<{ one: Twin; two: Twin }> {
  const cluster = testCluster();
  const one = new Twin(t, cluster);
  const two = new Twin(t, cluster);
  for (const twin of [one, two]) {
    await twin.start(options);
    await twin.openProxy();
  }
  await one.keystore.change((draft) => {
    for (const { node, pin, proxy } of [one, two]) {
      draft.append({
        kind: 'member-joined',
        node: node.id,
        recordKey: node.publicKey,
        transportKey: pin,
        name: node.id.slice(0, 8),
        addresses: [proxy.address],
      });
    }
  });
  await two.keystore.replica.trust(one.node.id, one.node.publicKey, 'paired');
  const first = one.keystore.replica.after({}, { records: 100, bytes: 1 << 20 });
  await two.keystore.replica.ingest(first.entries);
  prepare(one, two);
  one.link();
  two.link();
  t.teardown(async () => {
    await one.stop();
    await two.stop();
    await one.proxy.close();
    await two.proxy.close();
  });
  await until(() => one.carrier.present && two.carrier.present);
  return { one, two };
}

/** Waits for a condition; rejects when it does not come to hold. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  seconds = 60,
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`never: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Whether both nodes hold the same records and make the same of them. */
export async function areEqual(one: Twin, two: Twin): Promise<boolean> {
  const now = (): Promise<void> => Promise.resolve();
  const [a, b] = [one.keystore.replica, two.keystore.replica];
  const same = JSON.stringify(a.heads()) === JSON.stringify(b.heads());
  return same && (await a.digest(now)).digest === (await b.digest(now)).digest;
}
