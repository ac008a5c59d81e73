import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { inOrder } from './fold.ts';
import type { Payloads } from './payload.ts';
import type { RecordHead } from './record.ts';

/** A node whose records are taken: its own word, or that of a member before it. */
export interface Member {
  readonly node: string;
  readonly name: string;
  readonly addresses: readonly string[];
  /** Ed25519, SubjectPublicKeyInfo in base64. */
  readonly recordKey: string;
  /** SHA-256 of the transport key's SubjectPublicKeyInfo; empty while nobody said it. */
  readonly transportKey: string;
  /** Removed for good: no link is made to it. What it wrote before then stays good. */
  readonly removed: boolean;
  /** Removed because its hardware was lost, by nobody's distrust: all it wrote stays good. */
  readonly lost?: true;
}

/** Where trust begins: this node itself, the node it was paired with, a backup's author. */
export interface Anchor {
  readonly node: string;
  readonly recordKey: string;
}

interface Known {
  member: Member;
  readonly key: KeyObject;
  /** Per epoch, the newest record that counts of a removed node; undefined for others. */
  last?: Map<string, number>;
}

/**
 * Who belongs to the cluster, as a fold of `member-joined` and `member-removed` records from the
 * local anchors: only a member's word makes a member.
 */
export class Membership {
  readonly #anchors: readonly Anchor[];
  readonly #records: readonly RecordHead[];
  readonly #known = new Map<string, Known>();

  /** `anchors`: this node's own first. */
  constructor(anchors: readonly Anchor[], records: Iterable<RecordHead>) {
    this.#anchors = anchors;
    this.#records = inOrder(records);
    for (const { node, recordKey } of anchors) this.#add(node, recordKey);
    // A member may be named before the one who names it is known: until nothing changes.
    let size: number;
    do {
      size = this.#known.size;
      for (const record of this.#records) {
        if (record.kind !== 'member-joined' || !this.#known.has(record.node)) continue;
        this.#add(record.object, joining(record).recordKey);
      }
    } while (this.#known.size > size);
    for (const record of this.#records) {
      if (this.#known.has(record.node)) this.#take(record);
    }
  }

  /** The same with these records too. */
  with(records: Iterable<RecordHead>): Membership {
    return new Membership(this.#anchors, [...this.#records, ...records]);
  }

  /** All that ever were members, by node. */
  all(): Member[] {
    const members = [...this.#known.values()].map(({ member }) => member);
    return members.sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  member(node: string): Member | undefined {
    return this.#known.get(node)?.member;
  }

  /**
   * The key that has to have signed a record: undefined for a stranger's, and for what a removed
   * node wrote after its removal, unless a present member passes it on.
   */
  keyFor(record: RecordHead, sender: string | undefined): KeyObject | undefined {
    const known = this.#known.get(record.node);
    if (known?.last === undefined || record.node === this.#anchors[0]?.node) return known?.key;
    if (known.member.lost === true) return known.key;
    const passed = sender !== undefined && this.#known.get(sender)?.member.removed === false;
    const counted = record.seq <= (known.last.get(record.epoch) ?? 0);
    return passed || counted ? known.key : undefined;
  }

  #add(node: string, recordKey: string): Known | undefined {
    const found = this.#known.get(node);
    if (found !== undefined) return found;
    try {
      const bytes = Buffer.from(recordKey, 'base64');
      const key = createPublicKey({ key: bytes, format: 'der', type: 'spki' });
      if (key.asymmetricKeyType !== 'ed25519') return undefined;
      const common = { name: '', addresses: [], transportKey: '', removed: false };
      const known = { member: { node, recordKey, ...common }, key };
      this.#known.set(node, known);
      return known;
    } catch {
      return undefined;
    }
  }

  #take(record: RecordHead): void {
    const known = this.#known.get(record.object);
    if (known === undefined) return;
    if (record.kind === 'member-joined') {
      const { recordKey, transportKey, name, addresses } = joining(record);
      // Another key for a node that is known is not that node.
      if (known.member.recordKey !== recordKey) return;
      known.member = { ...known.member, transportKey, name, addresses };
      return;
    }
    const { heads, why } = JSON.parse(record.payload) as Payloads['member-removed'];
    const { lost: _lost, ...member } = known.member;
    // Whoever was shut out by a person stays so, whatever else is said of it.
    const shutOut = why !== 'lost' || (known.member.removed && _lost === undefined);
    known.member = { ...member, removed: true, ...(shutOut ? {} : { lost: true }) };
    known.last ??= new Map();
    for (const [epoch, seq] of Object.entries(heads)) {
      known.last.set(epoch, Math.max(seq, known.last.get(epoch) ?? 0));
    }
  }
}

function joining(record: RecordHead): Payloads['member-joined'] {
  return JSON.parse(record.payload) as Payloads['member-joined'];
}
