import { contextBytes, creationOf } from '../keystore/material.ts';
import { decodeHead } from '../keystore/record.ts';
import { fromKeeper } from './bundle-key.ts';
import { BackupError, damaged } from './error.ts';
import type { BundledRecord } from './item.ts';
import type { Heads, Manifest } from './manifest.ts';
import { openBundle } from './read.ts';
import { missingFrom } from './verify.ts';
import type { Verified, VerifyParts } from './verify.ts';
import { recordsUpTo } from './work.ts';

/** What takes a backup's records in. */
export interface RecordTarget {
  /** The node's own identifier. */
  readonly node: string;
  heads(): Heads;
  digest(pause: () => Promise<void>): Promise<Manifest['state']>;
  members(): readonly {
    readonly node: string;
    readonly removed: boolean;
    readonly lost?: true;
    readonly transportKey: string;
  }[];
  introduce(recordKeys: Readonly<Record<string, string>>): Promise<void>;
  removeLost(nodes: readonly string[]): Promise<void>;
  holdsMore(heads: Heads): boolean;
  /** Whether this node itself ever made or changed an object, a client or a group. */
  hasActed(): boolean;
  /** Takes back what was said of keys behind `to` and is saved elsewhere (see `goBack`). */
  goBack(way: {
    readonly to: Heads;
    readonly saved: Heads;
    readonly next: string;
  }): Promise<{ readonly records: number; readonly objects: number }>;
  /** `sender`: the member that answers for what removed nodes wrote after their removal. */
  ingest(
    entries: readonly BundledRecord[],
    sender?: string,
  ): Promise<{
    readonly added: number;
    readonly corrupt: readonly string[];
    /** Objects that were purged here and are not any more: their secrets are wanted again. */
    readonly returned: readonly string[];
  }>;
}

export interface RestoreParts extends VerifyParts {
  readonly target: RecordTarget;
}

/** What a person said beside the file. */
export interface RestoreChoice {
  /** Whether this node takes the place of those that the backup is of. */
  readonly fresh: boolean;
  /** Whether what a removed node wrote after its removal is wanted. */
  readonly fromRemoved: boolean;
}

export interface Restored {
  readonly manifest: Manifest;
  readonly records: number;
  readonly secrets: number;
  readonly absent: number;
  /** How many of the records were not here before. */
  readonly added: number;
  /** Newer records that something speaks of, and that are neither in the backup nor here. */
  readonly missing: readonly {
    readonly epoch: string;
    readonly from: number;
    readonly to: number;
  }[];
  /** Records that are here and not in the backup: nothing is taken back. */
  readonly newer: number;
  /**
   * Whether this node is now what the other was, by one number for all its tables; undefined where
   * it holds more than the backup, or folds records differently.
   */
  readonly same: boolean | undefined;
  readonly files: ReadonlyMap<string, Buffer>;
}

const batchMost = 256;

/**
 * Takes a backup's records in that are not here yet, with their secrets, and takes nothing away.
 * The backup is read twice: to its end before the first record is taken (`verified`), so that a
 * damaged one leaves nothing behind; cut short, it is simply done again. `open`: its bytes anew.
 * Throws BackupError, and KeystoreError as `ingest` does.
 */
export async function restoreBundle(
  open: () => AsyncIterable<Buffer>,
  { manifest, totals, spokenOf }: Verified,
  parts: RestoreParts,
  choice: RestoreChoice,
): Promise<Restored> {
  const { target } = parts;
  refuseShutOut(manifest.node, isNews(target.heads(), manifest.heads), target, choice);
  const before = target.heads();
  await target.introduce(manifest.recordKeys);
  const { added, returned, files } = await take(open(), parts);
  // What was purged when its secret came by is not any more: it is to come by again.
  if (returned) await take(open(), parts);
  const newer = Object.entries(before).reduce(
    (sum, [epoch, [seq]]) => sum + Math.max(0, seq - (manifest.heads[epoch]?.[0] ?? 0)),
    0,
  );
  await removeThoseGone(Object.keys(manifest.recordKeys), target, choice);
  const missing = missingFrom(target.heads(), spokenOf);
  const { records, secrets, absent } = totals;
  const same = await isSame(manifest, parts);
  return { manifest, records, secrets, absent, added, missing, newer, same, files };
}

/** Whether these heads lie anywhere before those. */
export function isNews(held: Heads, heads: Heads): boolean {
  return Object.entries(heads).some(([epoch, [seq]]) => (held[epoch]?.[0] ?? 0) < seq);
}

/**
 * A node that a person shut out may have been in other hands since: what it wrote alone is taken
 * only by a person's word. Throws BackupError `removed`.
 */
export function refuseShutOut(
  author: string,
  news: boolean,
  target: Pick<RecordTarget, 'members'>,
  { fromRemoved }: Pick<RestoreChoice, 'fromRemoved'>,
): void {
  if (fromRemoved || !news) return;
  const member = target.members().find(({ node }) => node === author);
  if (member?.removed !== true || member.lost === true) return;
  throw new BackupError('removed', 'its node was removed, and wrote this afterwards');
}

/** Nodes that were never linked to this one, or whose place it takes: nobody waits for them. */
export async function removeThoseGone(
  nodes: readonly string[],
  target: RecordTarget,
  { fresh }: Pick<RestoreChoice, 'fresh'>,
): Promise<void> {
  const gone = target
    .members()
    .filter(({ node, transportKey }) => nodes.includes(node) && (fresh || transportKey === ''))
    .map(({ node }) => node);
  await target.removeLost(gone.filter((node) => node !== target.node));
}

async function isSame(
  { heads, state }: Manifest,
  { target }: RestoreParts,
): Promise<boolean | undefined> {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const { fold, digest } = await target.digest(turn);
  return target.holdsMore(heads) || fold !== state.fold ? undefined : digest === state.digest;
}

async function take(
  source: AsyncIterable<Buffer>,
  parts: RestoreParts,
): Promise<{ added: number; returned: boolean; files: Map<string, Buffer> }> {
  const { target } = parts;
  const { manifest, content } = await openBundle(source, parts);
  const of = recordsUpTo(manifest.heads);
  let taken = 0;
  const files = new Map<string, Buffer>();
  let added = 0;
  let returned = false;
  let batch: BundledRecord[] = [];
  const flush = async (): Promise<void> => {
    const fresh = await Promise.all(batch.map((record) => sealedAnew(record, parts)));
    taken += batch.length;
    parts.counted?.(taken, of);
    batch = [];
    const done = await target.ingest(fresh, target.node);
    added += done.added;
    returned ||= done.returned.length > 0;
  };
  for await (const each of content) {
    if (each.is === 'file') {
      files.set(each.name, Buffer.from(each.content));
      continue;
    }
    batch.push(each.record);
    if (batch.length >= batchMost) await flush();
  }
  await flush();
  return { added, returned, files };
}

/** A secret goes in under the wrapping key that is written under: the older may soon be gone. */
export async function sealedAnew(
  record: BundledRecord,
  parts: RestoreParts,
): Promise<BundledRecord> {
  const { keeper, cluster } = parts;
  const { sealed, body } = record;
  if (sealed === undefined) return record;
  const status = await currentGeneration(parts);
  if (Buffer.from(sealed.subarray(1, 17)).toString('hex') === status) return record;
  const head = decodeHead(body);
  const creation = head && creationOf(head);
  if (creation === undefined) throw damaged('a secret that no record speaks of');
  const context = contextBytes(cluster, creation.context);
  try {
    const secret = await keeper.open(context, sealed);
    const anew = await keeper.seal(context, secret);
    secret.fill(0);
    return { ...record, sealed: anew };
  } catch (cause) {
    throw fromKeeper(cause);
  }
}

async function currentGeneration({ keeper }: RestoreParts): Promise<string | undefined> {
  try {
    return (await keeper.status()).generation;
  } catch (cause) {
    throw fromKeeper(cause);
  }
}
