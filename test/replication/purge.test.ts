import { createDecipheriv, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { State } from '../../appliance/kmip/enumeration.ts';
import type { SqliteKeystore } from '../../appliance/keystore/store.ts';
import { purgeFeature, Purging } from '../../appliance/replication/purge.ts';
import { makeKey, secretOf, testCluster, TestNode } from '../harness/replica.ts';
import { areEqual, Twin, twins, until } from '../harness/twin.ts';

const secret = Buffer.alloc(32, 7);
const retention = 10 * 60;
const options = { retentionFloor: retention, features: [purgeFeature] };

/** A node's purging, whose clocks and looks are in the test's hand. */
class Hand {
  readonly purging: Purging;
  wall = 1_700_000_000;
  #elapsed = 0;
  #look: (() => void) | undefined;

  constructor({ keystore, carrier, history, surroundings }: Twin) {
    this.purging = new Purging({
      ...{ replica: keystore.replica, carrier, history, floor: keystore.retentionFloor },
      surroundings: {
        ...surroundings,
        elapsed: () => this.#elapsed,
        now: () => this.wall,
        after: (_, act) => {
          this.#look = act;
          return () => {};
        },
      },
    });
  }

  /** So much running time passes before the next look. */
  async look(seconds = 60): Promise<void> {
    this.#elapsed += seconds * 1000;
    this.wall += seconds;
    const act = this.#look;
    this.#look = undefined;
    act?.();
    await until(() => this.#look !== undefined);
  }

  async looks(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.look();
  }
}

async function destroy(keystore: SqliteKeystore, object: string): Promise<void> {
  await keystore.change((draft) => {
    draft.append({ kind: 'destroy-intended', object, date: 1_700_000_000 });
  });
}

async function undestroy(keystore: SqliteKeystore, object: string): Promise<void> {
  await keystore.change((draft) => {
    draft.append({ kind: 'destroy-cancelled', object });
  });
}

async function setRetention(keystore: SqliteKeystore, seconds: number): Promise<void> {
  await keystore.change((draft) => {
    draft.append({ kind: 'retention-set', seconds });
  });
}

/** Two linked nodes and their purgings. */
async function keepers(
  t: ExecutionContext,
): Promise<{ one: Twin; two: Twin; hands: readonly [Hand, Hand] }> {
  const { one, two } = await twins(t, () => {}, options);
  await setRetention(one.keystore, retention);
  await until(() => areEqual(one, two));
  return { one, two, hands: [new Hand(one), new Hand(two)] };
}

const isPurged = ({ keystore }: Twin, id: string): boolean => keystore.object(id)?.purged === true;

function acts({ keystore }: Twin, act: string): number {
  return keystore.trail.page(0, 1000).filter(({ entry }) => entry.includes(`"${act}"`)).length;
}

test('a destroyed key is purged when both nodes have kept it long enough', async (t) => {
  const { one, two, hands } = await keepers(t);
  const id = await makeKey(one.keystore, secret);
  const other = await makeKey(two.keystore, secret);
  await destroy(one.keystore, id);
  await until(() => areEqual(one, two));
  // The first look notices it; only from then on time counts.
  await hands[0].looks(11);
  t.true(one.keystore.object(id)?.intents[0]?.words.some(({ node }) => node === one.node.id));
  t.false(isPurged(one, id), 'one node’s word is not enough');
  t.is(one.keystore.replica.materials([id]).length, 1);
  await hands[1].looks(10);
  await until(() => areEqual(one, two));
  t.false(isPurged(two, id), 'the other one counts for itself');
  await hands[1].look();
  t.true(isPurged(two, id));
  await until(() => isPurged(one, id));
  for (const node of [one, two]) {
    const { replica } = node.keystore;
    t.deepEqual(replica.materials([id]), []);
    t.deepEqual(replica.lacking(10), []);
    t.is(node.keystore.object(id)?.state, State.Destroyed);
    t.is(replica.keeping.count, 0);
    t.is(acts(node, 'key purged'), 1);
    t.is(acts(node, 'key purge agreed'), 1);
    t.deepEqual(await secretOf(node.keystore, other), secret);
    await t.throwsAsync(secretOf(node.keystore, id), { code: 'material-missing' });
  }
  t.true(await areEqual(one, two));
  await one.keystore.replica.refold();
  t.deepEqual(one.keystore.replica.lacking(10), [], 'what is purged is asked of nobody');
  t.is(acts(one, 'key purged'), 1);
});

test('no clock that somebody sets ends a key, and no pause counts', async (t) => {
  const { one, two, hands } = await keepers(t);
  const id = await makeKey(one.keystore, secret);
  await destroy(one.keystore, id);
  await until(() => areEqual(one, two));
  for (const hand of hands) {
    await hand.look();
    hand.wall += 40 * 365 * 86_400;
    await hand.looks(5);
    hand.wall -= 80 * 365 * 86_400;
    await hand.looks(2);
    t.is(hand.purging.view().jumped, -80 * 365 * 86_400);
    // Stopped for a month: nobody could have missed the key meanwhile.
    await hand.look(30 * 86_400);
  }
  t.deepEqual(one.keystore.object(id)?.intents[0]?.words, []);
  t.is(one.keystore.kept(one.keystore.object(id) ?? t.fail()), 60);
  await hands[0].look();
  await hands[1].look();
  await until(() => isPurged(one, id) && isPurged(two, id));
});

test('what was kept is not forgotten by a restart, and never counted twice', async (t) => {
  const { one, two, hands } = await keepers(t);
  const id = await makeKey(one.keystore, secret);
  await destroy(one.keystore, id);
  await until(() => areEqual(one, two));
  await hands[0].looks(7);
  await one.restart(options);
  const again = new Hand(one);
  t.is(one.keystore.kept(one.keystore.object(id) ?? t.fail()), retention - 6 * 60);
  await until(() => one.carrier.present);
  await again.looks(3);
  t.deepEqual(one.keystore.object(id)?.intents[0]?.words, []);
  await again.look();
  t.is(one.keystore.object(id)?.intents[0]?.words.length, 1);
});

test('undestroy: by whom has not agreed yet, until the last word', async (t) => {
  const { one, two, hands } = await keepers(t);
  const id = await makeKey(one.keystore, secret);
  await destroy(one.keystore, id);
  await until(() => areEqual(one, two));
  await hands[0].looks(11);
  await until(() => areEqual(one, two));
  // The other one's word alone would do from now on, and may be on its way.
  await t.throwsAsync(undestroy(one.keystore, id), { code: 'purge-agreed' });
  await undestroy(two.keystore, id);
  await until(() => areEqual(one, two));
  await hands[1].looks(20);
  await hands[0].looks(20);
  for (const { keystore } of [one, two]) {
    t.is(keystore.object(id)?.state, State.PreActive);
    t.deepEqual(await secretOf(keystore, id), secret);
  }
  // Destroyed again it is kept for the whole time again.
  await destroy(one.keystore, id);
  await until(() => areEqual(one, two));
  await hands[0].looks(10);
  t.deepEqual(one.keystore.object(id)?.intents[0]?.words, []);
});

test('apart no word is said, and what was undone on one node stays undone', async (t) => {
  const { one, two, hands } = await keepers(t);
  const id = await makeKey(one.keystore, secret);
  await destroy(one.keystore, id);
  await until(() => areEqual(one, two));
  for (const { proxy } of [one, two]) proxy.weather = { kind: 'blackhole' };
  await until(() => !one.carrier.present && !two.carrier.present);
  await hands[0].looks(30);
  await hands[1].looks(30);
  t.is(acts(one, 'key purge agreed') + acts(two, 'key purge agreed'), 0);
  await undestroy(two.keystore, id);
  for (const { proxy } of [one, two]) proxy.weather = { kind: 'fair' };
  await until(() => areEqual(one, two));
  await hands[0].looks(30);
  t.deepEqual(await secretOf(one.keystore, id), secret);
});

test('while one of both is of an older version nobody agrees to an end', async (t) => {
  const { one, two } = await twins(t, () => {}, { ...options, features: [] });
  const { keystore } = one;
  await setRetention(keystore, retention);
  const id = await makeKey(keystore, secret);
  await destroy(keystore, id);
  await one.restart(options);
  await until(() => one.carrier.present);
  await until(() => areEqual(one, two));
  const early = new Hand(one);
  await early.looks(30);
  t.is(acts(one, 'key purge agreed'), 0, 'the newer one waits for the older one');
  await undestroy(one.keystore, id);
  await destroy(one.keystore, id);
  await two.restart(options);
  await until(() => one.carrier.present && two.carrier.present);
  await until(() => areEqual(one, two));
  const late = new Hand(two);
  await early.looks(12);
  await late.looks(12);
  await until(() => isPurged(one, id) && isPurged(two, id));
});

test('a node that is left alone needs only its own word', async (t) => {
  const { one, two, hands } = await keepers(t);
  const id = await makeKey(one.keystore, secret);
  await destroy(one.keystore, id);
  await until(() => areEqual(one, two));
  await hands[0].looks(11);
  t.false(isPurged(one, id));
  await one.keystore.change((draft) => {
    draft.append({ kind: 'member-removed', node: two.node.id });
  });
  await until(() => one.carrier.peers().length === 0);
  await hands[0].look();
  t.true(isPurged(one, id));
  t.deepEqual(one.keystore.replica.materials([id]), []);
});

test('what an older copy still holds does not bring a purged key back', async (t) => {
  const { one, two, hands } = await keepers(t);
  const id = await makeKey(one.keystore, secret);
  await destroy(one.keystore, id);
  const old = one.keystore.replica.after({}, { records: 1000, bytes: 1 << 22 }).entries;
  t.true(old.some(({ sealed }) => sealed !== undefined));
  const loose = one.keystore.replica.materials([id]);
  await until(() => areEqual(one, two));
  await hands[0].looks(11);
  await hands[1].looks(11);
  await until(() => isPurged(one, id) && isPurged(two, id));
  for (const { keystore } of [one, two]) {
    await keystore.replica.ingest(old);
    await keystore.replica.ingestMaterials(loose);
    t.deepEqual(keystore.replica.materials([id]), []);
    t.is(keystore.object(id)?.purged, true);
  }
  // Nor does a new node learn of its secret that takes everything from the start.
  const fresh = new TestNode(t, one.cluster);
  const keystore = fresh.open();
  t.teardown(() => keystore.close());
  await keystore.replica.trust(one.node.id, one.node.publicKey, 'paired');
  await keystore.replica.ingest(old);
  t.deepEqual(await secretOf(keystore, id).catch(() => 'destroyed'), secret);
  await keystore.replica.ingest(
    one.keystore.replica.after(keystore.replica.heads(), { records: 1000, bytes: 1 << 22 }).entries,
  );
  t.is(keystore.object(id)?.purged, true);
  t.deepEqual(keystore.replica.materials([id]), []);
});

const pageBytes = 4096;

/**
 * Every page of a database and of its write-ahead journal in clear, free and outdated ones too.
 * Each is AES-256-CBC (SQLCipher 4); its last 80 bytes are its IV and an HMAC.
 */
function pagesOf(node: TestNode): Buffer {
  const clear = (page: Buffer, from: number): Buffer => {
    const iv = page.subarray(pageBytes - 80, pageBytes - 64);
    const decipher = createDecipheriv('aes-256-cbc', node.pageKey, iv).setAutoPadding(false);
    return decipher.update(page.subarray(from, pageBytes - 80));
  };
  const file = readFileSync(node.path);
  const journal = readFileSync(`${node.path}-wal`);
  // The first page begins with a salt in clear; the header behind it says the size of pages.
  const pages = [clear(file.subarray(0, pageBytes), 16)];
  if (pages[0]?.readUInt16BE(0) !== pageBytes) throw new Error('the pages cannot be read');
  for (let at = pageBytes; at < file.length; at += pageBytes) {
    pages.push(clear(file.subarray(at, at + pageBytes), 0));
  }
  for (let at = 32 + 24; at + pageBytes <= journal.length; at += 24 + pageBytes) {
    pages.push(clear(journal.subarray(at, at + pageBytes), 0));
  }
  return Buffer.concat(pages);
}

test('no page of the database holds what was purged', async (t) => {
  const { one, two, hands } = await keepers(t);
  const big = randomBytes(200_000);
  const ids = [await makeKey(one.keystore, secret), await makeKey(one.keystore, big)];
  const kept = await makeKey(one.keystore, secret);
  await until(() => areEqual(one, two));
  const endOf = (id: string): Buffer =>
    Buffer.from(one.keystore.replica.materials([id])[0]?.sealed ?? '').subarray(-32);
  const [parts, there] = [ids.map(endOf), endOf(kept)];
  const before = pagesOf(one.node);
  for (const part of parts) t.true(before.includes(part), 'the test sees what is there');
  for (const id of ids) await destroy(one.keystore, id);
  await until(() => areEqual(one, two));
  await hands[0].looks(11);
  await hands[1].looks(11);
  await until(() => ids.every((id) => isPurged(one, id)));
  const after = pagesOf(one.node);
  for (const part of parts) t.false(after.includes(part));
  t.true(after.includes(there));
});

test('a node that was never paired purges by itself, and not before', async (t) => {
  const twin = new Twin(t, testCluster());
  await twin.start(options);
  twin.link();
  t.teardown(() => twin.stop());
  const hand = new Hand(twin);
  const id = await makeKey(twin.keystore, secret);
  await setRetention(twin.keystore, 1);
  await destroy(twin.keystore, id);
  await hand.looks(10);
  t.is(twin.keystore.object(id)?.intents[0]?.retention, 1);
  t.is(twin.keystore.replica.materials([id]).length, 1, 'the floor holds');
  await hand.look();
  t.true(isPurged(twin, id));
});
