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

/** How one batch went; `after`: where the next one begins, undefined behind the last row. */
export interface RewrapBatch {
  readonly after: string | undefined;
  readonly rewrapped: number;
  /** Secrets that did not open, or were not what their record says: left as they are. */
  readonly failed: readonly string[];
}

/**
 * So many secrets are asked of the keeper at once: a client's Get waits for no more than these,
 * while one transaction, and its flush, still does for a whole batch.
 */
const together = 8;

const outdated = 'substr(sealed, 2, 16) <> ?';

/** How many secrets are not sealed under this generation. Reads the whole table. */
export function countOutdated({ database }: RewrapParts, generation: Buffer): number {
  const query = `SELECT count(*) FROM material WHERE ${outdated}`;
  return Number(database.prepare(query).pluck().get(generation));
}

/**
 * Seals the next secrets anew that are not under this generation, and writes them in one
 * transaction. Each is checked against its record's commitment before, and a row that changed in
 * between keeps its change. Throws what the keeper throws when it is away.
 */
export async function rewrapBatch(
  parts: RewrapParts,
  { generation, after, limit }: { generation: Buffer; after: string; limit: number },
): Promise<RewrapBatch> {
  const { database } = parts;
  const rows = database
    .prepare(`SELECT * FROM material WHERE object > ? AND ${outdated} ORDER BY object LIMIT ?`)
    .all(after, generation, limit) as Row[];
  const sealed: (Buffer | undefined)[] = [];
  for (let at = 0; at < rows.length; at += together) {
    const few = rows.slice(at, at + together).map((row) => resealed(parts, row));
    sealed.push(...(await Promise.all(few)));
    // Clients come first: what has come in meanwhile is answered before the next ones.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const update = database.prepare('UPDATE material SET sealed = ? WHERE object = ? AND sealed = ?');
  let rewrapped = 0;
  database.transaction(() => {
    for (const [i, row] of rows.entries()) {
      const anew = sealed[i];
      if (anew !== undefined) rewrapped += update.run(anew, row.object, row.sealed).changes;
    }
  })();
  return {
    after: rows.length < limit ? undefined : rows.at(-1)?.object,
    rewrapped,
    failed: rows.filter((_, i) => sealed[i] === undefined).map(({ object }) => object),
  };
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
