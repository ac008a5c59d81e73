import { join } from 'node:path';
import { SqliteKeystore } from '../../appliance/keystore/store.ts';
import { watchedRoot } from '../harness/power-cut.ts';
import { makeKey, secretOf, testCluster } from '../harness/replica.ts';
import { Chance } from './chance.ts';
import { SimulatedDisk } from './disk.ts';
import { ed25519 } from './node.ts';

/** One case of `disk.test.ts`, in a process behind the shim; says `held`, or what did not. */
const chance = new Chance(1);
const cluster = testCluster();
const [node, recordKey, pageKey] = [chance.bytes(16), ed25519(chance.bytes(32)), chance.bytes(32)];
const disk = new SimulatedDisk(join(watchedRoot ?? '', 'disk'));
const secret = Buffer.alloc(32, 7);

function open(): SqliteKeystore {
  return new SqliteKeystore({
    ...cluster,
    path: join(disk.path, 'keystore.db'),
    pageKey: Buffer.from(pageKey),
    recordKey,
    node: node.toString('hex'),
    epoch: chance.bytes(16).toString('hex'),
    now: () => 1_800_000_000,
    log: () => {},
  });
}

async function end(keystore: SqliteKeystore, death: 'killed' | 'power'): Promise<void> {
  disk.cut();
  await keystore.close();
  if (death === 'power') disk.loseUnflushed(chance);
  disk.mend();
}

async function isThere(keystore: SqliteKeystore, id: string): Promise<boolean> {
  return (await secretOf(keystore, id)).equals(secret);
}

const cases: Readonly<Record<string, () => Promise<boolean>>> = {
  /** What was answered was flushed. */
  answered: async () => {
    const first = open();
    const id = await makeKey(first, secret);
    await end(first, 'power');
    const second = open();
    const found = await isThere(second, id);
    second.verify();
    return found;
  },
  /** A start on a full disk serves what is there. */
  full: async () => {
    const first = open();
    const id = await makeKey(first, secret);
    await end(first, 'killed');
    disk.fillAfter(1);
    const second = open();
    return second.failure?.code === 'disk-full' && isThere(second, id);
  },
  /**
   * A flush failed; the next process finds its bytes in the page cache, where no later flush writes
   * them: what that process answers may not depend on them.
   */
  failed: async () => {
    const first = open();
    const early = await makeKey(first, secret);
    disk.failFlushAfter(1);
    const refused = await makeKey(first, secret, 'refused').catch(() => 'refused');
    const isFinal = first.failure?.code === 'commit-failed';
    await end(first, 'killed');
    const second = open();
    const late = await makeKey(second, secret);
    await end(second, 'power');
    const third = open();
    third.verify();
    const kept = (await isThere(third, early)) && (await isThere(third, late));
    return isFinal && refused === 'refused' && kept;
  },
  /** Where the bytes of a failed flush cannot be written anew, nothing is written behind them. */
  stuck: async () => {
    const first = open();
    const early = await makeKey(first, secret);
    await end(first, 'killed');
    disk.failFlushAfter(1);
    const second = open();
    const reads = await isThere(second, early);
    return second.failure?.code === 'commit-failed' && reads;
  },
};

const held = await cases[process.argv[2] ?? '']?.();
process.stdout.write(held === true ? 'held' : 'did not hold');
