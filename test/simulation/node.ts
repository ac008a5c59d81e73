import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SqliteKeystore } from '../../appliance/keystore/store.ts';
import { CopyPromise } from '../../appliance/replication/copy-promise.ts';
import { History } from '../../appliance/replication/history.ts';
import { PairCarrier } from '../../appliance/replication/pair-carrier.ts';
import { purgeFeature, Purging } from '../../appliance/replication/purge.ts';
import type { Surroundings } from '../../appliance/replication/surroundings.ts';
import type { TestCluster } from '../harness/replica.ts';
import type { Chance } from './chance.ts';
import type { SimulatedNetwork } from './network.ts';
import type { Timeline } from './timeline.ts';

/** The parts that die together with a process. */
interface Life {
  readonly keystore: SqliteKeystore;
  readonly carrier: PairCarrier;
  readonly promise: CopyPromise;
  readonly history: History;
  readonly purging: Purging;
  /** Ends its timers: nothing of a dead process happens any more. */
  readonly timers: Set<() => void>;
}

/** What the nodes of one run share. */
export interface World {
  readonly cluster: TestCluster;
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly network: SimulatedNetwork;
  readonly say: (text: string) => void;
}

const files = ['keystore.db', 'keystore.db-wal'];

/** One node: the real keystore and replication, on a disk that keeps what was flushed. */
export class SimulatedNode {
  readonly id: string;
  readonly name: string;
  readonly recordKey = generateKeyPairSync('ed25519').privateKey;
  readonly #folder: string;
  readonly #pageKey: Buffer;
  readonly #world: World;
  #life: Life | undefined;
  #images = 0;
  /** Seconds by which its clock is wrong. */
  skew = 0;
  able = true;

  constructor(name: string, folder: string, world: World) {
    this.name = name;
    this.#world = world;
    this.#folder = join(folder, name);
    mkdirSync(this.#folder, { recursive: true });
    this.id = world.chance.bytes(16).toString('hex');
    this.#pageKey = world.chance.bytes(32);
  }

  get life(): Life | undefined {
    return this.#life;
  }

  get publicKey(): string {
    const key = createPublicKey(this.recordKey);
    return key.export({ format: 'der', type: 'spki' }).toString('base64');
  }

  /** The keystore alone, before there is a cluster. */
  open(): SqliteKeystore {
    return new SqliteKeystore({
      ...this.#world.cluster,
      path: join(this.#folder, 'keystore.db'),
      pageKey: Buffer.from(this.#pageKey),
      recordKey: this.recordKey,
      node: this.id,
      epoch: this.#world.chance.bytes(16).toString('hex'),
      now: () => this.#now(),
      log: () => {},
      features: [purgeFeature],
      cacheKiB: 512,
    });
  }

  start(): void {
    const { network } = this.#world;
    const timers = new Set<() => void>();
    const keystore = this.open();
    const surroundings = this.#surroundings(timers);
    const { replica } = keystore;
    const history = new History(replica, surroundings);
    const carrier = new PairCarrier({
      replica,
      onRecords: (listener) => keystore.onRecords(listener),
      transport: network.transportOf(this.id),
      surroundings,
      history,
      features: [],
      able: () => this.able && keystore.failure === undefined,
    });
    const promise = new CopyPromise({ replica, carrier, history, surroundings });
    keystore.guard = promise;
    const purging = new Purging({
      ...{ replica, carrier, history, surroundings, floor: 0, lookMilliseconds: 1_000 },
    });
    this.#life = { keystore, carrier, promise, history, purging, timers };
    carrier.start();
  }

  /** The process ends at this instant: the disk keeps what was flushed, and nothing else. */
  async crash(): Promise<void> {
    const life = this.#life;
    if (life === undefined) return;
    this.#life = undefined;
    for (const end of life.timers) end();
    this.#world.network.kill(this.id);
    const image = this.#copy();
    await life.keystore.close();
    this.#put(image);
  }

  /** Remembers the disk as it is, to be put back later. Only of a node that is down. */
  image(): string {
    return this.#copy();
  }

  putBack(image: string): void {
    this.#put(image);
  }

  #copy(): string {
    const image = join(this.#folder, `image${this.#images++}`);
    mkdirSync(image);
    for (const file of files) {
      const from = join(this.#folder, file);
      if (existsSync(from)) copyFileSync(from, join(image, file));
    }
    return image;
  }

  #put(image: string): void {
    rmSync(join(this.#folder, 'keystore.db-shm'), { force: true });
    for (const file of files) {
      const to = join(this.#folder, file);
      rmSync(to, { force: true });
      if (existsSync(join(image, file))) copyFileSync(join(image, file), to);
    }
  }

  #now(): number {
    return 1_800_000_000 + Math.floor(this.#world.timeline.elapsed / 1000) + this.skew;
  }

  #surroundings(timers: Set<() => void>): Surroundings {
    const { timeline, chance, say } = this.#world;
    const born = timeline.elapsed;
    return {
      elapsed: () => timeline.elapsed - born,
      now: () => this.#now(),
      random: (bytes) => chance.bytes(bytes),
      after: (milliseconds, act) => {
        const cancel = timeline.after(milliseconds, () => {
          timers.delete(cancel);
          act();
        });
        timers.add(cancel);
        return () => {
          timers.delete(cancel);
          cancel();
        };
      },
      log: (level, message) => {
        if (level !== 'debug') say(`${this.name} says: ${message}`);
      },
    };
  }
}
