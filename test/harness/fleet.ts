import type { ExecutionContext } from 'ava';
import type { SqliteKeystore } from '../../appliance/keystore/store.ts';
import { CopyPromise } from '../../appliance/replication/copy-promise.ts';
import { FleetCarrier } from '../../appliance/replication/fleet-carrier.ts';
import { History } from '../../appliance/replication/history.ts';
import { RecordTable } from '../../appliance/replication/record-table.ts';
import type { Surroundings } from '../../appliance/replication/surroundings.ts';
import type { PostgresPair } from './postgresql.ts';
import { RealTime } from './real-time.ts';
import { testCluster, TestNode } from './replica.ts';
import { until } from './twin.ts';

/** A running node of a fleet: real SQLite, and a real database between it and the others. */
export class FleetNode {
  readonly node: TestNode;
  readonly said: string[] = [];
  keystore!: SqliteKeystore;
  carrier!: FleetCarrier;
  promise!: CopyPromise;
  history!: History;
  readonly #database: PostgresPair;
  readonly #keeper: ReturnType<typeof testCluster>['keeper'];
  readonly #time = new RealTime();

  constructor(t: ExecutionContext, cluster: ReturnType<typeof testCluster>, pair: PostgresPair) {
    this.node = new TestNode(t, cluster);
    this.#keeper = cluster.keeper;
    this.#database = pair;
  }

  open(): void {
    this.keystore = this.node.open();
  }

  link(): void {
    const { keystore, surroundings } = this;
    const { replica } = keystore;
    this.history = new History(replica, surroundings);
    this.carrier = new FleetCarrier({
      replica,
      onRecords: (listener) => keystore.onRecords(listener),
      keeper: this.#keeper,
      surroundings,
      history: this.history,
      able: () => true,
      connect: () => RecordTable.open(this.#database.address),
    });
    const { carrier, history } = this;
    this.promise = new CopyPromise({ replica, carrier, history, surroundings });
    keystore.guard = this.promise;
    this.carrier.start();
  }

  async stop(): Promise<void> {
    this.promise.stop();
    await this.carrier.stop();
    await this.keystore.close();
    this.#time.end();
  }

  async restart(): Promise<void> {
    await this.stop();
    this.open();
    this.link();
  }

  get surroundings(): Surroundings {
    return this.#time.surroundings((_level, message, fields) => {
      this.said.push(`${message} ${JSON.stringify(fields ?? {})}`);
    });
  }
}

/** So many linked nodes on one database that answer no key with a single copy. */
export async function fleetOf(
  t: ExecutionContext,
  pair: PostgresPair,
  count: number,
): Promise<FleetNode[]> {
  const cluster = testCluster();
  const nodes = Array.from({ length: count }, () => new FleetNode(t, cluster, pair));
  for (const node of nodes) node.open();
  const [first, ...others] = nodes;
  if (first === undefined) return [];
  await first.keystore.change((draft) => {
    for (const { node } of nodes) draft.append(node.joining);
    draft.append({ kind: 'copy-policy-set', policy: 'refuse', seconds: 0 });
  });
  for (const { keystore } of others) {
    await keystore.replica.trust(first.node.id, first.node.publicKey, 'paired');
  }
  t.teardown(async () => {
    for (const node of nodes) await node.stop();
  });
  for (const node of nodes) node.link();
  await until(() => nodes.every(({ carrier }) => carrier.present));
  return nodes;
}

/** Waits until all hold the same records, and make the same of them. */
export async function sameOnAll(nodes: readonly FleetNode[]): Promise<void> {
  const now = (): Promise<void> => Promise.resolve();
  await until(async () => {
    const digests = new Set<string>();
    for (const { keystore } of nodes) {
      const { heads, digest } = await keystore.replica.digest(now);
      digests.add(JSON.stringify([Object.entries(heads).sort(), digest]));
    }
    return digests.size === 1;
  });
}
