import type { PublicRoot } from '../keeper-client/pairing.ts';
import type { Slot } from './slot.ts';
import type { SlotTable } from './slot-table.ts';

/** Another node of the cluster, as this node's slot table knows it. */
export interface Peer {
  readonly node: string;
  readonly name: string;
  /** What slots are made for; only its own keeper, or a person at a pairing, can say another. */
  readonly root: PublicRoot;
  /** Its slots, one for each generation; made here, and again there from what it opened. */
  readonly slots: readonly Slot[];
  /** The serial number of its slot table when it last said something new: no older word counts. */
  readonly serial: number;
  /** The generations that it has opened through its own token. */
  readonly proven: readonly string[];
}

/** What a slot table holds beside a lone node's; nothing of it is there before a pairing. */
export interface PairPart {
  /** This node. */
  readonly node?: string;
  readonly peers?: readonly Peer[];
  /** A number for each generation: of those that all have proven the highest is written under. */
  readonly order?: Readonly<Record<string, number>>;
  /** A joiner that has the keys and not yet every record. */
  readonly joining?: true;
  /** A node was removed and no wrapping key has begun since: it still has the one written under. */
  readonly owed?: true;
}

/** The part in one fixed form, for the table's MAC; nothing for a lone node. */
export function canonicalPair({ node, peers, order, joining, owed }: PairPart): unknown[] {
  if (node === undefined && peers === undefined && order === undefined) return [];
  const listed = (peers ?? []).map((peer) => [
    peer.node,
    peer.name,
    [peer.root.keyId, peer.root.label, peer.root.publicKey, peer.root.hash],
    peer.slots.map((slot) => [slot.generation, slot.ciphertext]),
    peer.serial,
    peer.proven,
  ]);
  const numbers = Object.entries(order ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return [['pair', node ?? '', listed, numbers, joining === true, owed === true]];
}

/** Which of two generations is to be written under: the later one, and of two begun at once one. */
export function compareGenerations({ order }: PairPart, a: string, b: string): number {
  return (order?.[a] ?? 0) - (order?.[b] ?? 0) || (a < b ? -1 : a > b ? 1 : 0);
}

/** The number of the generation that is begun next. */
export function nextNumber({ order }: PairPart): number {
  return Math.max(0, ...Object.values(order ?? {})) + 1;
}

/** The generations that come after the written one: not every node has proven its slot yet. */
export function pendingOf(table: SlotTable, held: readonly string[]): string[] {
  return held.filter((id) => compareGenerations(table, id, table.written) > 0);
}

/** Names of the peers that have not proven their slot of this generation. */
export function waitedFor({ peers = [] }: PairPart, generation: string): string[] {
  return peers.filter(({ proven }) => !proven.includes(generation)).map(({ name }) => name);
}
