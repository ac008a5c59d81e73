import type { KeyObject } from 'node:crypto';
import type { Keeper } from '../keeper-client/keeper.ts';
import type { Database } from './database.ts';
import { contextBytes, creationOf, isCommitted } from './material.ts';
import type { Projection } from './projection.ts';

/** Sealed bytes begin with a version (1 byte) and the generation that sealed them (16). */
export function generationOf(sealed: Uint8Array): Buffer {
  return Buffer.from(sealed.subarray(1, 17));
}

interface Row {
  readonly object: string;
  readonly commitment: Buffer;
  readonly sealed: Buffer;
}

export interface RewrapParts {
  readonly database: Database;
  readonly projection: Projection;
  readonly keeper: Keeper;
  readonly cluster: string;
  readonly commitmentKey: KeyObject;
}

/** Behind which row the next slice of the table begins. */
export type Place = Pick<Row, 'object' | 'commitment'>;

/** How one batch went; `after`: where the next one begins, undefined behind the last row. */
export interface RewrapBatch {
  readonly after: Place | undefined;
  readonly rewrapped: number;
  /** Secrets that did not open, or were not what their record says: left as they are. */
  readonly failed: readonly string[];
}

/**
 * So many secrets are asked of the keeper at once: a client's Get waits for no more than these,
 * while one transaction, and its flush, still does for a whole batch.
 */
const together = 8;
/** So many rows are looked at before clients have their turn again. */
const slice = 512;

const first: Place = { object: '', commitment: Buffer.alloc(0) };
const behind = '(object, commitment) > (?, ?) ORDER BY object, commitment LIMIT ?';

/**
 * How many secrets are not sealed under this generation. Reads the whole table, in slices: clients
 * are served between them, and what is committed behind the place that it has reached is not seen.
 */
export async function countOutdated(
  { database }: Pick<RewrapParts, 'database'>,
  generation: Buffer,
): Promise<number> {
  const next = database.prepare(
    `SELECT object, commitment, substr(sealed, 2, 16) <> ? AS old FROM material WHERE ${behind}`,
  );
  let count = 0;
  for (let after = first; ;) {
    const rows = next.all(generation, after.object, after.commitment, slice) as (Place & {
      readonly old: number;
    })[];
    count += rows.reduce((sum, { old }) => sum + old, 0);
    const last = rows.at(-1);
    if (last === undefined || rows.length < slice) return count;
    after = last;
    await turn();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Looks at the next `limit` secrets, seals those anew that are not under this generation, and
 * writes them in one transaction. Each is checked against its record's commitment before, and a row
 * that changed in between keeps its change. Throws what the keeper throws when it is away.
 */
export async function rewrapBatch(
  parts: RewrapParts,
  { generation, after = first, limit }: { generation: Buffer; after?: Place; limit: number },
): Promise<RewrapBatch> {
  const { database } = parts;
  const looked = database
    .prepare(`SELECT * FROM material WHERE ${behind}`)
    .all(after.object, after.commitment, limit) as Row[];
  const rows = looked.filter(({ sealed }) => !generationOf(sealed).equals(generation));
  const sealed: (Buffer | undefined)[] = [];
  for (let at = 0; at < rows.length; at += together) {
    const few = rows.slice(at, at + together).map((row) => resealed(parts, row));
    sealed.push(...(await Promise.all(few)));
    // Clients come first: what has come in meanwhile is answered before the next ones.
    await turn();
  }
  if (rows.length === 0) await turn();
  const last = looked.at(-1);
  return {
    after: looked.length < limit || last === undefined ? undefined : last,
    rewrapped: write(database, rows, sealed),
    failed: rows.filter((_, i) => sealed[i] === undefined).map(({ object }) => object),
  };
}

function write(
  database: Database,
  rows: readonly Row[],
  sealed: readonly (Buffer | undefined)[],
): number {
  if (rows.length === 0) return 0;
  const update = database.prepare('UPDATE material SET sealed = ? WHERE object = ? AND sealed = ?');
  let rewrapped = 0;
  database.transaction(() => {
    for (const [i, row] of rows.entries()) {
      const anew = sealed[i];
      if (anew !== undefined) rewrapped += update.run(anew, row.object, row.sealed).changes;
    }
  })();
  return rewrapped;
}

async function resealed(parts: RewrapParts, row: Row): Promise<Buffer | undefined> {
  const { projection, keeper, cluster, commitmentKey } = parts;
  const head = projection.creation(row.object, row.commitment.toString('hex'));
  const creation = head && creationOf(head);
  if (creation === undefined) return undefined;
  const context = contextBytes(cluster, creation.context);
  let secret: Buffer;
  try {
    secret = await keeper.open(context, row.sealed);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'not-authentic' || code === 'generation-unknown') return undefined;
    throw error;
  }
  try {
    if (!isCommitted(commitmentKey, context, secret, row.commitment)) return undefined;
    return await keeper.seal(context, secret);
  } finally {
    secret.fill(0);
  }
}
