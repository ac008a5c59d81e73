import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { AuditEntry } from '../../appliance/audit/event.ts';
import type { ActPlace } from '../../appliance/keeper-client/console-act.ts';
import { ActList } from '../../appliance/keeper/act-list.ts';
import { SqliteKeystore } from '../../appliance/keystore/store.ts';
import { ConsoleAudit } from '../../appliance/service/console-audit.ts';
import { removeFolder, temporaryFolder } from '../harness/appliance.ts';
import { NearKeeper } from '../harness/keeper.ts';

const now = (): number => 1_700_000_000;

/** A keeper's list and a server's keystore, both on a disk, each of which may start again. */
class Scene {
  readonly #folder = temporaryFolder();
  readonly #pageKey = randomBytes(32);
  readonly #recordKey = generateKeyPairSync('ed25519').privateKey;
  readonly #commitmentKey = createSecretKey(randomBytes(32));
  acts: ActList;
  keystore: SqliteKeystore;
  /** Whether what the server says reaches the keeper. */
  hears = true;

  constructor(t: ExecutionContext) {
    mkdirSync(join(this.#folder, 'keeper'));
    this.acts = this.newKeeper();
    this.keystore = this.newServer();
    t.teardown(async () => {
      await this.keystore.close();
      removeFolder(this.#folder);
    });
  }

  newKeeper(): ActList {
    const folder = join(this.#folder, 'keeper');
    return (this.acts = new ActList({ folder, now, random: randomBytes, log: () => {} }));
  }

  newServer(): SqliteKeystore {
    this.keystore = new SqliteKeystore({
      path: join(this.#folder, 'keystore.db'),
      pageKey: Buffer.from(this.#pageKey),
      recordKey: this.#recordKey,
      commitmentKey: this.#commitmentKey,
      keeper: new NearKeeper(),
      cluster: '01'.repeat(16),
      node: '02'.repeat(16),
      epoch: randomBytes(16).toString('hex'),
      now,
      log: () => {},
    });
    return this.keystore;
  }

  get file(): string {
    return join(this.#folder, 'keeper', 'console-acts.json');
  }

  did(act: string): void {
    this.acts.add({ act, outcome: 'success' });
  }

  async take(): Promise<void> {
    const keeper = {
      consoleActs: () => Promise.resolve(this.acts.waiting()),
      consoleActsTaken: (upTo: ActPlace) => {
        if (!this.hears) return Promise.reject(new Error('the keeper is away'));
        this.acts.taken(upTo);
        return Promise.resolve();
      },
    };
    await new ConsoleAudit({ keeper, trail: this.keystore.trail, now }).take();
  }

  audited(): string[] {
    const entries = this.keystore.trail.page(0, 1_000);
    return entries
      .map(({ entry }) => JSON.parse(entry) as AuditEntry)
      .filter(({ actor, act }) => actor === 'console' || act === 'console acts')
      .map(({ act, reason }) => (reason === undefined ? act : `${act}: ${reason}`));
  }
}

test('an act is in the audit once, whichever process ends when', async (t) => {
  const scene = new Scene(t);
  await scene.take();
  t.deepEqual(scene.audited(), []);
  scene.did('one');
  // The server ends after its commit and before the keeper hears of it.
  scene.hears = false;
  await t.throwsAsync(scene.take());
  await scene.keystore.close();
  scene.newServer();
  scene.newKeeper();
  t.is(scene.acts.waiting()?.acts.length, 1);
  scene.did('two');
  scene.hears = true;
  await scene.take();
  await scene.take();
  t.deepEqual(scene.audited(), ['one', 'two']);
  t.deepEqual(scene.acts.waiting()?.acts, []);
  scene.newKeeper();
  scene.did('three');
  await scene.take();
  t.deepEqual(scene.audited(), ['one', 'two', 'three']);
  const check = await scene.keystore.trail.check();
  t.is(check.broken, undefined);
});

test('a list that was lost, put back or ran over is said in the audit', async (t) => {
  const scene = new Scene(t);
  scene.did('one');
  copyFileSync(scene.file, `${scene.file}.old`);
  await scene.take();
  scene.did('two');
  await scene.take();
  copyFileSync(`${scene.file}.old`, scene.file);
  scene.newKeeper();
  scene.did('three');
  scene.did('four');
  await scene.take();
  // Its numbers are those of others by now, and nothing that is new is taken for known.
  const another = 'console acts: the keeper has another list';
  t.deepEqual(scene.audited(), ['one', 'two', another, 'one', 'three', 'four']);
  rmSync(scene.file);
  scene.newKeeper();
  for (let i = 0; i < 501; i++) scene.did('many');
  await scene.take();
  const audited = scene.audited().slice(6);
  t.deepEqual(audited.slice(0, 2), [another, 'console acts: 1 acts found no room']);
  t.is(audited.length, 502);
  await scene.take();
  t.is(scene.audited().length, 6 + 502);
});
