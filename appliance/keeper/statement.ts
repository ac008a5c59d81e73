import { createHmac, timingSafeEqual } from 'node:crypto';
import { KeeperError } from '../keeper-client/keeper.ts';
import type { PublicRoot, Statement } from '../keeper-client/pairing.ts';
import { compareGenerations } from './peer.ts';
import type { Peer } from './peer.ts';
import { slotFor } from './peer-slot.ts';
import type { RecoverySet } from './recovery.ts';
import { membersOf, mergedRecovery, recoverySlots, setsOf } from './recovery-part.ts';
import type { RecoveryPart } from './recovery-part.ts';
import type { RecoveryToken } from './recovery-token.ts';
import { isRecovery } from './restore.ts';
import type { KeeperParts } from './rotation.ts';
import type { Slot } from './slot.ts';
import { WrappingKey } from './wrapping-key.ts';

/** What a keeper tells another one, whole each time: late, twice or never, it does no harm. */
export interface Said {
  readonly cluster: string;
  readonly from: string;
  readonly to: string;
  /** Of the sender's slot table. */
  readonly serial: number;
  /** The highest serial number that the sender has seen of the receiver. */
  readonly seen: number;
  readonly written: string;
  readonly order: Readonly<Record<string, number>>;
  /** The cluster's secret under `written`, for a joiner. */
  readonly secret: string;
  readonly root: PublicRoot;
  /** The sender's own slots; and those that it made for the receiver's root key. */
  readonly slots: readonly Slot[];
  readonly offers: readonly Slot[];
  /** Generations that something may still be sealed under at the sender. */
  readonly needed: readonly string[];
  readonly recovery: RecoverySet | null;
  /** Not said by an earlier version. */
  readonly recoveryTokens?: readonly RecoveryToken[];
}

const purpose = 'twinlock keeper statement';

/** What this node tells one of its peers. `done`: generations that nothing here is under. */
export function makeStatement(
  { ring }: Pick<KeeperParts, 'ring'>,
  node: string,
  done: ReadonlySet<string>,
): Statement {
  const { table, slot } = ring.opened();
  const peer = table.peers?.find((each) => each.node === node);
  if (peer === undefined || table.node === undefined) {
    throw new KeeperError('peer-unknown', 'no such peer');
  }
  const { keyId, label, publicKey, hash } = slot;
  const held = ring.keys.map(({ generation }) => generation.toString('hex'));
  const said: Said = {
    cluster: table.cluster,
    from: table.node,
    to: node,
    serial: table.serial,
    seen: peer.serial,
    written: table.written,
    order: table.order ?? {},
    secret: table.secret,
    root: { keyId, label, publicKey, hash },
    slots: table.slots.filter((each) => !isRecovery(each)),
    offers: peer.slots,
    needed: held.filter((id) => !done.has(id)),
    recovery: table.recovery ?? null,
    recoveryTokens: table.recoveryTokens ?? [],
  };
  const body = JSON.stringify(said);
  const macs = ring.keys.map((key) => [key.generation.toString('hex'), mac(key, body)]);
  return { body, macs: Object.fromEntries(macs) as Record<string, string> };
}

/** The generations under which this statement bears the MAC of one who holds them. */
export function authenticOf(statement: Statement, keys: readonly WrappingKey[]): string[] {
  return keys
    .filter((key) => {
      const given = Buffer.from(statement.macs[key.generation.toString('hex')] ?? '', 'hex');
      const right = Buffer.from(mac(key, statement.body), 'hex');
      return given.length === right.length && timingSafeEqual(given, right);
    })
    .map(({ generation }) => generation.toString('hex'));
}

/**
 * Takes in what a peer's keeper said: its root key and slots, what it has proven, and generations
 * that it began, each opened through the token first. Gives what was said, and nothing for an older
 * word than the last. Throws KeeperError
 * `peer-unknown`, `statement-refused`, `token`.
 */
export async function takeStatement(
  parts: KeeperParts,
  statement: Statement,
): Promise<Said | undefined> {
  const { ring } = parts;
  const { table } = ring.opened();
  const said = JSON.parse(statement.body) as Said;
  const peer = peerOf(table.peers, said.from);
  const authentic = authenticOf(statement, ring.keys);
  if (said.cluster !== table.cluster || said.to !== table.node || authentic.length === 0) {
    throw new KeeperError('statement-refused', 'not from a keeper of this cluster');
  }
  if (said.serial < peer.serial) return undefined;
  await adoptGenerations(parts, statement, said);
  const proven = authenticOf(statement, ring.keys);
  const now = ring.opened().table;
  const before = peerOf(now.peers, said.from);
  const moved = before.root.publicKey !== said.root.publicKey;
  const unproven = ring.keys.filter(
    ({ generation }) => !proven.includes(generation.toString('hex')),
  );
  const slots = [
    ...said.slots.filter(({ generation }) => proven.includes(generation)),
    ...(moved
      ? unproven.map((key) => slotFor(said.root, key, parts.now()))
      : before.slots.filter(({ generation }) =>
          unproven.some((key) => key.generation.toString('hex') === generation),
        )),
  ];
  const after: Peer = { ...before, root: said.root, slots, proven };
  if (JSON.stringify(after) !== JSON.stringify(before)) {
    const peers = (now.peers ?? []).map((each) =>
      each.node === said.from ? { ...after, serial: said.serial } : each,
    );
    ring.store({ peers, order: { ...said.order, ...now.order } });
  }
  takeRecovery(parts, recoverySaid(said));
  // An older table was put back here: what is said from now on has to count again.
  if (said.seen > ring.opened().table.serial) ring.store({ serial: said.seen + 1 });
  settle(parts);
  return said;
}

/** Writes under the latest generation that every peer has proven; true where that is news. */
export function settle({ ring, log }: Pick<KeeperParts, 'ring' | 'log'>): boolean {
  const { table } = ring.opened();
  const ready = ring.keys
    .map(({ generation }) => generation.toString('hex'))
    .filter((id) => (table.peers ?? []).every(({ proven }) => proven.includes(id)))
    .filter((id) => compareGenerations(table, id, table.written) > 0)
    .sort((a, b) => compareGenerations(table, a, b));
  const written = ready.at(-1);
  if (written === undefined) return false;
  ring.store({ written });
  log('info', 'a new wrapping key is written under', { generation: written });
  return true;
}

/** The keys in these slots, opened through the token. Throws TokenError, KeeperError. */
export async function openOffers(
  { tokens }: Pick<KeeperParts, 'tokens'>,
  offers: readonly Slot[],
): Promise<WrappingKey[]> {
  const root = tokens.inUse;
  const keys: WrappingKey[] = [];
  await root.login();
  for (const slot of offers) {
    const bytes = await root.read(slot);
    if (bytes === undefined)
      throw new KeeperError('statement-refused', 'a slot is not what it says');
    keys.push(new WrappingKey(Buffer.from(slot.generation, 'hex'), bytes));
  }
  return keys;
}

/** Begins to hold what the peer began: nothing is written under it before all have proven it. */
async function adoptGenerations(
  parts: KeeperParts,
  statement: Statement,
  said: Said,
): Promise<void> {
  const { ring, tokens, now } = parts;
  const root = tokens.inUse;
  const { table } = ring.opened();
  const held = ring.keys.map(({ generation }) => generation.toString('hex'));
  const news = said.offers.filter(
    ({ generation }) =>
      !held.includes(generation) &&
      // What was retired here is not taken up again.
      compareGenerations({ order: { ...table.order, ...said.order } }, generation, table.written) >
        0,
  );
  if (news.length === 0) return;
  const keys = await root.attempt(() => openOffers(parts, news));
  const current = ring.opened().table;
  const known = keys.filter((key) => authenticOf(statement, [key]).length === 1);
  const recovering = known.flatMap((key) => recoverySlots(current, key, now()));
  for (const key of known) ring.add(key);
  const own = news.filter(({ generation }) =>
    known.some((key) => key.generation.toString('hex') === generation),
  );
  ring.store({
    slots: [...own, ...recovering, ...current.slots],
    order: { ...said.order, ...current.order },
    peers: (current.peers ?? []).map((peer) => ({
      ...peer,
      slots: [...peer.slots, ...known.map((key) => slotFor(peer.root, key, now()))],
    })),
  });
}

/** What the other node recovers with. */
export function recoverySaid({ recovery, recoveryTokens = [] }: Said): RecoveryPart {
  return {
    ...(recovery === null ? {} : { recovery }),
    ...(recoveryTokens.length === 0 ? {} : { recoveryTokens }),
  };
}

/** The same for the whole cluster: slots for what is new here are made with its public half. */
function takeRecovery({ ring, now }: KeeperParts, theirs: RecoveryPart): void {
  const { table } = ring.opened();
  const { recovery, nextRecovery, recoveryTokens } = table;
  const merged = mergedRecovery(table, theirs);
  const before = JSON.stringify([recovery, nextRecovery, recoveryTokens ?? []]);
  const after = [merged.recovery, merged.nextRecovery, merged.recoveryTokens ?? []];
  if (JSON.stringify(after) === before) return;
  const wanted = new Set([
    ...setsOf(merged).map(({ set }) => set),
    ...membersOf(merged).map(({ keyId }) => keyId),
  ]);
  const kept = table.slots.filter((slot) => !isRecovery(slot) || wanted.has(slot.keyId));
  const held = new Set(kept.map(({ keyId, generation }) => `${keyId} ${generation}`));
  const made = ring.keys
    .flatMap((key) => recoverySlots(merged, key, now()))
    .filter(({ keyId, generation }) => !held.has(`${keyId} ${generation}`));
  ring.store({ nextRecovery: undefined, ...merged, slots: [...kept, ...made] });
}

function peerOf(peers: readonly Peer[] | undefined, node: string): Peer {
  const peer = peers?.find((each) => each.node === node);
  if (peer === undefined) throw new KeeperError('peer-unknown', 'not a node of this cluster');
  return peer;
}

function mac(key: WrappingKey, body: string): string {
  return createHmac('sha256', key.derive(purpose)).update(body).digest('hex');
}
