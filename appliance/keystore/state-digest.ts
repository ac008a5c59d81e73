import { hash } from 'node:crypto';
import type { Database } from './database.ts';
import { foldClient, foldDigest, foldObject, foldVersion } from './fold.ts';
import { kinds } from './payload.ts';
import type { Projection } from './projection.ts';
import type { RecordHead } from './record.ts';
import type { Heads, RecordLog } from './record-log.ts';

const slice = 1000;
/** So many objects are folded at once, which takes longer than to read their digests. */
const foldsMost = 64;
const triesMost = 3;

/** What this version makes of records; states of different folds are not compared. */
const kindsDigest = hash('sha256', [...kinds].sort().join(), 'hex');
export const foldName = `${foldVersion}.${kindsDigest.slice(0, 8)}`;

/** What a node makes of all records up to these heads. */
export interface StateDigest {
  readonly fold: string;
  readonly digest: string;
  readonly heads: Heads;
}

export interface StateDigestParts {
  readonly database: Database;
  readonly projection: Projection;
  readonly records: RecordLog;
  /** Gives others their turn. */
  readonly pause: () => Promise<void>;
}

/**
 * One number for all that the tables hold at `heads`: the exclusive or of the digests of objects,
 * clients and groups. Read from the tables themselves, so that rows that were lost show; what a
 * record behind the heads speaks of is folded from those before them, so that two nodes can compare
 * while clients change things all the time. In slices, so that nobody waits for it. Against chance,
 * not against whoever can write the tables. Undefined where this node does not reach the heads, or
 * another record stands there.
 */
export async function stateDigest(
  parts: StateDigestParts,
  heads: Heads = parts.records.heads(),
): Promise<StateDigest | undefined> {
  const { projection, records } = parts;
  const held = (): boolean =>
    Object.entries(heads).every(
      ([epoch, [seq, at]]) => records.hashAt(epoch, seq)?.toString('hex') === at,
    );
  for (let tries = 0; tries < triesMost && held(); tries++) {
    const { foldings } = projection;
    const digest = await sumAt(parts, heads);
    // All rows were written anew meanwhile: some may have been read twice, some never.
    if (projection.foldings === foldings && held()) return { fold: foldName, digest, heads };
  }
  return undefined;
}

async function sumAt(parts: StateDigestParts, heads: Heads): Promise<string> {
  const { database, projection, pause } = parts;
  const sum = Buffer.alloc(32);
  const later = new Later(parts, heads);
  const before = (id: string): RecordHead[] => projection.records(id).filter(isBefore(heads));
  const addRow = ({ identifier, digest }: DigestRow, fold: Fold): boolean => {
    const isFolded = later.speaksOf(identifier);
    const folded = isFolded ? fold(before(identifier)) : undefined;
    if (!isFolded) add(sum, digest);
    else if (folded !== undefined) add(sum, foldDigest(folded));
    return isFolded;
  };
  let folds = 0;
  const page = database.prepare(
    'SELECT id, identifier, digest FROM object WHERE id > ? ORDER BY id LIMIT ?',
  );
  for (let after = 0; ;) {
    later.learn();
    const rows = page.all(after, slice) as DigestRow[];
    for (const row of rows) {
      if (addRow(row, foldObject) && ++folds % foldsMost === 0) await pause();
    }
    after = rows.at(-1)?.id ?? after;
    if (rows.length < slice) break;
    await pause();
  }
  const clients = database.prepare('SELECT id AS identifier, digest FROM client').all();
  for (const row of clients as DigestRow[]) addRow(row, foldClient);
  const groups = database.prepare(
    `SELECT DISTINCT r.object, r.epoch, r.seq FROM record r JOIN key_group g ON g.name = r.object
      WHERE r.kind = 'group-made'`,
  );
  const made = (groups.all() as Place[]).filter(isBefore(heads)).map(({ object }) => object);
  for (const name of new Set(made)) add(sum, hash('sha256', `group ${name}`, 'buffer'));
  return sum.toString('hex');
}

type Fold = typeof foldObject | typeof foldClient;

interface DigestRow {
  readonly id: number;
  readonly identifier: string;
  readonly digest: Buffer;
}

interface Place {
  readonly object: string;
  readonly epoch: string;
  readonly seq: number;
}

function isBefore(heads: Heads): (place: Pick<Place, 'epoch' | 'seq'>) => boolean {
  return ({ epoch, seq }) => seq <= (heads[epoch]?.[0] ?? 0);
}

/** What records behind some heads speak of: those that are here, and those that come meanwhile. */
class Later {
  readonly #database: Database;
  readonly #objects = new Set<string>();
  #last: number;

  constructor({ database, records }: StateDigestParts, heads: Heads) {
    this.#database = database;
    this.#last = this.#newest();
    const find = database.prepare('SELECT object FROM record WHERE epoch = ? AND seq > ?').pluck();
    for (const [epoch, [seq]] of Object.entries(records.heads())) {
      const from = heads[epoch]?.[0] ?? 0;
      if (from >= seq) continue;
      for (const object of find.all(epoch, from) as string[]) this.#objects.add(object);
    }
  }

  learn(): void {
    const newest = this.#newest();
    if (newest === this.#last) return;
    const find = this.#database.prepare('SELECT object FROM record WHERE id > ?').pluck();
    for (const object of find.all(this.#last) as string[]) this.#objects.add(object);
    this.#last = newest;
  }

  speaksOf(object: string): boolean {
    return this.#objects.has(object);
  }

  #newest(): number {
    const find = this.#database.prepare('SELECT coalesce(max(id), 0) FROM record').pluck();
    return Number(find.get());
  }
}

function add(sum: Buffer, digest: Buffer): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) ^ (digest[i] ?? 0);
}
