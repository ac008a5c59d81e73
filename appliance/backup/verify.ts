import type { KeyObject } from 'node:crypto';
import type { Keeper } from '../keeper-client/keeper.ts';
import { contextBytes, creationOf, isCommitted } from '../keystore/material.ts';
import type { Payloads } from '../keystore/payload.ts';
import { decodeHead, hashOf, isSignedBy } from '../keystore/record.ts';
import type { RecordHead } from '../keystore/record.ts';
import { fromKeeper } from './bundle-key.ts';
import { BackupError, damaged } from './error.ts';
import type { BundledRecord } from './item.ts';
import type { Heads, Manifest, Totals } from './manifest.ts';
import { openBundle, recordKeyOf } from './read.ts';
import type { ReadParts } from './read.ts';
import { recordsUpTo } from './work.ts';
import type { Counted } from './work.ts';

export interface VerifyParts extends ReadParts {
  /** The key of the commitments to secrets. */
  readonly commitmentKey: KeyObject;
  readonly counted?: Counted;
}

export interface Verified {
  readonly manifest: Manifest;
  readonly totals: Totals;
  /** The newest records that anything in it speaks of: they may be newer than what it holds. */
  readonly spokenOf: Readonly<Record<string, number>>;
}

/** So many secrets are asked of the keeper at once. */
const openingMost = 256;

/**
 * Reads a backup to its end: every chunk, chain and signature, and every secret through the keeper,
 * compared with what its record says. Nothing is kept but one page. Throws BackupError.
 */
export async function verifyBundle(
  source: AsyncIterable<Buffer>,
  parts: VerifyParts,
): Promise<Verified> {
  const { manifest, content } = await openBundle(source, parts);
  const chains = new Chains(manifest);
  const secrets = new Secrets(parts);
  const counted = { records: 0, secrets: 0, absent: 0 };
  const of = recordsUpTo(manifest.heads);
  for (;;) {
    const next = await content.next();
    if (next.done === true) {
      await secrets.settle();
      chains.end();
      const totals = next.value;
      const { records, secrets: opened, absent } = totals;
      if (records !== counted.records || opened !== counted.secrets || absent !== counted.absent) {
        throw damaged('it holds other numbers than it says');
      }
      return { manifest, totals, spokenOf: chains.spokenOf };
    }
    if (next.value.is === 'file') continue;
    const { record } = next.value;
    const head = chains.take(record);
    counted.records++;
    parts.counted?.(counted.records, of);
    if (record.sealed !== undefined) {
      counted.secrets++;
      await secrets.open(head, record.sealed);
    } else if (creationOf(head)?.commitment !== undefined) {
      counted.absent++;
    }
  }
}

/** Every epoch's chain, from its first record to the head that the manifest names. */
class Chains {
  readonly #manifest: Manifest;
  readonly #reached = new Map<string, { readonly seq: number; readonly hash: string }>();
  readonly #keys = new Map<string, KeyObject>();
  readonly spokenOf: Record<string, number> = {};

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
  }

  take(record: BundledRecord): RecordHead {
    const body = Buffer.from(record.body);
    const head = decodeHead(body);
    if (head?.cluster !== this.#manifest.cluster) throw damaged('a record cannot be read');
    const hash = hashOf(body);
    const signature = Buffer.from(record.signature);
    const key = this.#keyOf(head.node);
    if (!isSignedBy({ body, hash, signature }, key)) {
      throw damaged('a record is not what its node signed');
    }
    const { epoch, seq, prevHash } = head;
    const last = this.#reached.get(epoch) ?? { seq: 0, hash: '' };
    if (seq !== last.seq + 1 || prevHash !== last.hash) throw damaged('a chain is broken');
    this.#reached.set(epoch, { seq, hash: hash.toString('hex') });
    this.#listen(head);
    return head;
  }

  end(): void {
    const { heads } = this.#manifest;
    if (Object.keys(heads).length !== this.#reached.size) throw damaged('a chain is missing');
    for (const [epoch, [seq, hash]] of Object.entries(heads)) {
      const reached = this.#reached.get(epoch);
      if (reached?.seq !== seq || reached.hash !== hash) throw damaged('a chain is cut short');
    }
  }

  #keyOf(node: string): KeyObject {
    const known = this.#keys.get(node) ?? recordKeyOf(this.#manifest, node);
    this.#keys.set(node, known);
    return known;
  }

  /** The first record of an epoch names every head that its node knew. */
  #listen({ kind, payload }: RecordHead): void {
    if (kind !== 'epoch-begun') return;
    const { heads } = JSON.parse(payload) as Payloads['epoch-begun'];
    for (const [epoch, [seq]] of Object.entries(heads)) {
      this.spokenOf[epoch] = Math.max(seq, this.spokenOf[epoch] ?? 0);
    }
  }
}

/** Opens secrets through the keeper, many at once, and compares each with its record. */
class Secrets {
  readonly #parts: VerifyParts;
  #opening: Promise<void>[] = [];

  constructor(parts: VerifyParts) {
    this.#parts = parts;
  }

  async open(head: RecordHead, sealed: Uint8Array): Promise<void> {
    this.#opening.push(this.#check(head, sealed));
    if (this.#opening.length >= openingMost) await this.settle();
  }

  async settle(): Promise<void> {
    const opening = this.#opening;
    this.#opening = [];
    for (const { status, ...rest } of await Promise.allSettled(opening)) {
      if (status === 'rejected') throw (rest as { reason: unknown }).reason;
    }
  }

  async #check(head: RecordHead, sealed: Uint8Array): Promise<void> {
    const { keeper, cluster, commitmentKey } = this.#parts;
    const creation = creationOf(head);
    if (creation?.commitment === undefined) throw damaged('a secret that no record speaks of');
    const context = contextBytes(cluster, creation.context);
    const secret = await openSecret(keeper, context, sealed, head.object);
    const commitment = Buffer.from(creation.commitment, 'hex');
    const right = isCommitted(commitmentKey, context, secret, commitment);
    secret.fill(0);
    if (!right) throw corrupt(head.object);
  }
}

async function openSecret(
  keeper: Keeper,
  context: Buffer,
  sealed: Uint8Array,
  object: string,
): Promise<Buffer> {
  try {
    return await keeper.open(context, sealed);
  } catch (cause) {
    if ((cause as { code?: string }).code === 'not-authentic') throw corrupt(object);
    throw fromKeeper(cause);
  }
}

function corrupt(object: string): BackupError {
  return new BackupError('key-corrupt', `the key ${object} is not what its record says`);
}

/** What is spoken of and not held: epoch, and the first and last record that is missing. */
export function missingFrom(
  held: Heads,
  spokenOf: Readonly<Record<string, number>>,
): { readonly epoch: string; readonly from: number; readonly to: number }[] {
  return Object.entries(spokenOf).flatMap(([epoch, to]) => {
    const from = (held[epoch]?.[0] ?? 0) + 1;
    return from > to ? [] : [{ epoch, from, to }];
  });
}
