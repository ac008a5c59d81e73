import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { Journal } from '../../appliance/backup/journal.ts';
import { SqliteKeystore } from '../../appliance/keystore/store.ts';
import { CopyPromise } from '../../appliance/replication/copy-promise.ts';
import { headDigestFeature } from '../../appliance/replication/greeting.ts';
import { History } from '../../appliance/replication/history.ts';
import { PairCarrier } from '../../appliance/replication/pair-carrier.ts';
import { purgeFeature, Purging } from '../../appliance/replication/purge.ts';
import type { Surroundings } from '../../appliance/replication/surroundings.ts';
import { takeAllJournals } from '../../appliance/service/journal.ts';
import type { Chance } from './chance.ts';
import { SimulatedDisk } from './disk.ts';
import type { Image } from './disk.ts';
import { SimulatedFiles } from './files.ts';
import type { Later } from './files.ts';
import { SimulatedKeeper } from './keeper.ts';
import type { SimulatedWrapping } from './keeper.ts';
import type { SimulatedNetwork } from './network.ts';
import type { Timeline } from './timeline.ts';

/** The parts that die together with a process. */
interface Life {
  readonly keystore: SqliteKeystore;
  readonly carrier: PairCarrier;
  readonly promise: CopyPromise;
  readonly history: History;
  readonly files: SimulatedFiles;
  /** What came from journals is in. */
  journalsTaken: boolean;
  /** Ends its timers: nothing of a dead process happens any more. */
  readonly timers: Set<() => void>;
}

/** What the nodes of one run share. */
export interface World {
  readonly folder: string;
  readonly cluster: string;
  readonly commitmentKey: KeyObject;
  readonly wrapping: SimulatedWrapping;
  readonly journals: boolean;
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly network: SimulatedNetwork;
  readonly say: (text: string) => void;
  readonly fault: (text: string) => void;
}

/** How an end comes: the kernel lives on, with all that was written, or it does not. */
export type Death = 'killed' | 'power';

const watchMilliseconds = 2_000;
const ed25519Head = Buffer.from('302e020100300506032b657004220420', 'hex');

/** One node: the real keystore, replication and journal, on disks that keep what was flushed. */
export class SimulatedNode {
  readonly id: string;
  readonly name: string;
  readonly recordKey: KeyObject;
  readonly keeper: SimulatedKeeper;
  readonly disk: SimulatedDisk;
  /** Where its journal lies. */
  readonly stick: SimulatedDisk;
  readonly #pageKey: Buffer;
  readonly #world: World;
  #life: Life | undefined;
  #death: Death = 'killed';
  /** Seconds by which its clock is wrong. */
  skew = 0;
  able = true;
  /** Whether the journal's medium is in. */
  plugged = true;
  full = false;
  /** What its disk will hold once it is down: an older image. */
  next: Image | undefined;

  constructor(name: string, world: World) {
    const { chance, folder, wrapping } = world;
    this.name = name;
    this.#world = world;
    this.id = chance.bytes(16).toString('hex');
    this.#pageKey = chance.bytes(32);
    this.recordKey = ed25519(chance.bytes(32));
    this.keeper = new SimulatedKeeper(wrapping);
    this.disk = new SimulatedDisk(join(folder, name));
    this.stick = new SimulatedDisk(join(folder, `${name}-stick`));
  }

  /** Its parts, while its process lives. */
  get life(): Life | undefined {
    return this.disk.off ? undefined : this.#life;
  }

  get publicKey(): string {
    const key = createPublicKey(this.recordKey);
    return key.export({ format: 'der', type: 'spki' }).toString('base64');
  }

  /** The keystore alone, before there is a cluster. */
  open(): SqliteKeystore {
    const { cluster, commitmentKey, chance } = this.#world;
    return new SqliteKeystore({
      cluster,
      commitmentKey,
      keeper: this.keeper,
      path: join(this.disk.path, 'keystore.db'),
      pageKey: Buffer.from(this.#pageKey),
      recordKey: this.recordKey,
      node: this.id,
      epoch: chance.bytes(16).toString('hex'),
      now: () => this.#now(),
      log: () => {},
      features: [purgeFeature, headDigestFeature],
      cacheKiB: 512,
    });
  }

  /** Begins a process, unless there is one. Its power may go while it begins. */
  start(): void {
    if (this.#life !== undefined) return;
    try {
      this.#life = this.#begin();
    } catch (error) {
      const text = error instanceof Error ? `${error.message} ${String(error.cause)}` : '';
      if (!this.disk.off) this.#world.fault(`${this.name} does not start: ${text}`);
      else this.lose(this.#death);
      return;
    }
    this.#watch(this.#life);
  }

  /** How it ends once its power is cut, be it now or at an operation that was named. */
  dying(death: Death): void {
    this.#death = death;
  }

  /** Its process ends at this instant; what it still does is done to nothing. */
  die(death: Death): void {
    this.#death = death;
    this.disk.cut();
  }

  /** Whether its process ended and was not buried yet. */
  get isDead(): boolean {
    return this.#life !== undefined && this.disk.off;
  }

  /** Takes away what a dead process left, and of its disks what is lost. */
  async bury(): Promise<void> {
    const life = this.#life;
    this.#life = undefined;
    if (life === undefined) return;
    for (const end of life.timers) end();
    this.#world.network.kill(this.id, this.#death === 'power');
    life.promise.stop();
    life.files.end();
    await life.keystore.close();
    this.lose(this.#death);
  }

  /** What a death takes of its disks. */
  lose(death: Death): void {
    if (death === 'power') {
      this.disk.loseUnflushed(this.#world.chance);
      this.stick.loseUnflushed(this.#world.chance);
    }
    if (this.next !== undefined) this.disk.put(this.next);
    this.next = undefined;
    this.disk.mend();
    this.fill(this.full);
  }

  fill(full: boolean, writes = 1): void {
    this.full = full;
    this.disk.fillAfter(full ? writes : -1);
  }

  discard(): void {
    this.disk.discard();
    this.stick.discard();
  }

  #begin(): Life {
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
      // So few that a greeting is a digest, too, and heads follow in pages.
      named: 2,
      able: () => this.able && keystore.failure === undefined,
    });
    const files = new SimulatedFiles(this.#later(surroundings));
    const journal = this.#journal(keystore, surroundings, files);
    const second = journal === undefined ? {} : { journal };
    const promise = new CopyPromise({ replica, carrier, history, surroundings, ...second });
    keystore.guard = promise;
    const parts = { keystore, carrier, promise, history, files, timers };
    const look = { floor: 0, lookMilliseconds: 1_000 };
    new Purging({ replica, carrier, history, surroundings, ...look });
    const life: Life = { ...parts, journalsTaken: false };
    this.#takeJournals(life, surroundings, journal);
    carrier.start();
    return life;
  }

  #journal(
    keystore: SqliteKeystore,
    surroundings: Surroundings,
    files: SimulatedFiles,
  ): Journal | undefined {
    if (!this.#world.journals) return undefined;
    const { replica } = keystore;
    return new Journal({
      folder: this.stick.path,
      files,
      keeper: this.keeper,
      cluster: replica.cluster,
      node: this.id,
      members: () => replica.members(),
      now: surroundings.now,
      random: surroundings.random,
      after: surroundings.after,
      log: surroundings.log,
    });
  }

  /** As an appliance does at each start. */
  #takeJournals(life: Life, surroundings: Surroundings, journal: Journal | undefined): void {
    const { keystore, files } = life;
    const parts = { keystore, keeper: this.keeper, surroundings, files };
    void takeAllJournals(this.stick.path, parts).then(() => {
      life.journalsTaken = true;
    });
    void journal?.start();
  }

  #later({ after }: Surroundings): Later {
    return (act) =>
      new Promise((resolve, reject) => {
        after(1 + this.#world.chance.below(4), () => {
          if (this.disk.off) return;
          try {
            if (!this.plugged) throw new Error('the medium is not there');
            resolve(act());
          } catch (error) {
            reject(error instanceof Error ? error : new Error('unknown'));
          }
        });
      });
  }

  /** Ends a process whose keystore cannot write as soon as its disk takes bytes again. */
  #watch(life: Life): void {
    const look = (): void => {
      if (this.life !== life) return;
      if (life.keystore.failure !== undefined && !this.full) {
        this.#world.say(`${this.name} starts anew: its disk takes bytes again`);
        this.die('killed');
        this.#world.timeline.after(300, () => {
          this.start();
        });
        return;
      }
      this.#world.timeline.after(watchMilliseconds, look);
    };
    this.#world.timeline.after(watchMilliseconds, look);
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
      log: (level, message, fields) => {
        const error = fields?.['error'];
        const more = typeof error === 'string' ? `: ${error}` : '';
        if (level !== 'debug') say(`${this.name} says: ${message}${more}`);
      },
    };
  }
}

/** The private key whose 32 bytes these are. */
export function ed25519(bytes: Buffer): KeyObject {
  const key = Buffer.concat([ed25519Head, bytes]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}
