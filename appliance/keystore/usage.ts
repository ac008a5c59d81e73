import { Tag } from '../kmip/tag.ts';
import type { Item, Value } from '../ttlv/item.ts';
import type { Database, Statement } from './database.ts';
import type { Payloads } from './payload.ts';
import { decodeHead } from './record.ts';
import type { RecordHead } from './record.ts';

/**
 * Usage Limits (KMIP 1.4 §3.21) that are never overdrawn, although several nodes serve at once: a
 * bounded counter. The node that set a limit owns all of it; each node may spend, or hand on, only
 * what it holds; each says how much in all, so that a record repeated or out of order changes
 * nothing. Records of one node follow one another, so no two can spend the same.
 */
export interface Limit {
  /** The record that set it. */
  readonly instance: string;
  readonly owner: string;
  readonly total: bigint;
}

/** limit → node → what it spent in all; `>` before a node: what was handed on to it. */
type Folded = Map<string, Map<string, bigint>>;

/** Records of use stand apart from those of the object, which are folded at each change. */
export const usageKey = (object: string): string => `${object}#usage`;

export function foldUsage(records: Iterable<RecordHead>): Folded {
  const folded: Folded = new Map();
  for (const record of records) take(folded, record);
  return folded;
}

function take(folded: Folded, record: RecordHead): void {
  if (record.kind !== 'usage-spent' && record.kind !== 'usage-granted') return;
  const payload = JSON.parse(record.payload) as Payloads['usage-spent' | 'usage-granted'];
  const key = 'to' in payload ? `${record.node}>${payload.to}` : record.node;
  const amounts = folded.get(payload.limit) ?? new Map<string, bigint>();
  const amount = BigInt(payload.amount);
  if (amount > (amounts.get(key) ?? 0n)) amounts.set(key, amount);
  folded.set(payload.limit, amounts);
}

/** What all nodes together have left. */
export function remaining(folded: Folded, { instance, total }: Limit): bigint {
  let left = total;
  for (const [key, amount] of folded.get(instance) ?? []) if (!key.includes('>')) left -= amount;
  return left < 0n ? 0n : left;
}

/** What a node may spend by itself. */
export function holding(folded: Folded, { instance, owner, total }: Limit, node: string): bigint {
  let held = node === owner ? total : 0n;
  for (const [key, amount] of folded.get(instance) ?? []) {
    const [from, to] = key.split('>');
    if (from === node) held -= amount;
    if (to === node) held += amount;
  }
  return held;
}

/** The usage of objects, folded once and then kept in step. */
export class Usage {
  readonly #records: Statement;
  readonly #node: Statement;
  #known = new Map<string, Folded>();

  constructor(database: Database) {
    this.#records = database.prepare('SELECT body FROM record WHERE object = ?');
    this.#node = database.prepare('SELECT node FROM head WHERE epoch = ?').pluck();
  }

  /** Takes a record into account that was just written. */
  apply(record: RecordHead): void {
    const folded = this.#known.get(record.object);
    if (folded !== undefined) take(folded, record);
  }

  /** After a rollback: what was taken into account may be gone. */
  forget(): void {
    this.#known.clear();
  }

  folded(object: string): Folded {
    const key = usageKey(object);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const bodies = this.#records.all(key) as { body: Buffer }[];
    const heads = bodies.map(({ body }) => decodeHead(body)).filter((head) => head !== undefined);
    const folded = foldUsage(heads);
    if (this.#known.size >= knownMost) this.#known.clear();
    this.#known.set(key, folded);
    return folded;
  }

  /** The node that wrote an instance: its name is epoch.seq, with a position where it has one. */
  owner(instance: string): string {
    const node = this.#node.get(instance.split('.')[0] ?? '') as string | undefined;
    return node ?? '';
  }
}

const knownMost = 10_000;

/** The Usage Limits Total of an attribute's value; 0 where it has none. */
export function totalOf(value: Value): bigint {
  return bigIn(value, Tag.UsageLimitsTotal) ?? 0n;
}

function bigIn(value: Value, tag: number): bigint | undefined {
  const items = value.type === 'Structure' ? value.value : [];
  const item = items.find((each) => each.tag === tag);
  return item?.type === 'LongInteger' ? item.value : undefined;
}

/** The attribute with the count that is left, in the order of its structure. */
export function withCount(value: Value, count: bigint): Value {
  if (value.type !== 'Structure') return value;
  const left: Item = { tag: Tag.UsageLimitsCount, type: 'LongInteger', value: count };
  const others = value.value.filter(({ tag }) => tag !== Tag.UsageLimitsCount);
  return { type: 'Structure', value: [...others.slice(0, 1), left, ...others.slice(1)] };
}
