import { createHash, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { parseBundleHead } from '../keeper-client/bundle-head.ts';
import type { BundleHead } from '../keeper-client/bundle-head.ts';
import type { Keeper } from '../keeper-client/keeper.ts';
import { backupMacKey, chunkKey, openKey } from './bundle-key.ts';
import { openChunks } from './chunk.ts';
import { BackupError, damaged } from './error.ts';
import { decodeFile, decodeRecord, encodeItem, itemKind, readItems } from './item.ts';
import type { BundledRecord, Item } from './item.ts';
import { decodeTotals, macOf, sameBytes } from './manifest.ts';
import type { Manifest, Totals } from './manifest.ts';

const macBytes = 32;

export type BundleContent =
  | { readonly is: 'record'; readonly record: BundledRecord }
  | { readonly is: 'file'; readonly name: string; readonly content: Buffer };

/**
 * A backup whose head and manifest are authentic. `content` has to be read to its end: only there
 * it is known that nothing is missing; it returns the totals. It throws BackupError `damaged`.
 */
export interface OpenBundle {
  readonly head: BundleHead;
  readonly manifest: Manifest;
  readonly content: AsyncGenerator<BundleContent, Totals>;
}

export interface ReadParts {
  readonly keeper: Keeper;
  /** This cluster: a backup of another one is refused. */
  readonly cluster: string;
}

/** Opens a backup. Throws BackupError. */
export async function openBundle(
  source: AsyncIterable<Buffer>,
  { keeper, cluster }: ReadParts,
): Promise<OpenBundle> {
  const bytes = new HeadReader(source);
  const { head, text, mac } = await bytes.head();
  if (head.cluster !== cluster) {
    throw new BackupError('foreign', `the backup is of the cluster ${head.cluster}`);
  }
  const macKey = await backupMacKey(keeper);
  if (!sameBytes(mac, macOf(macKey, text))) {
    throw new BackupError('forged', 'the backup was changed, or this cluster did not make it');
  }
  const digest = createHash('sha256').update(text).update(mac).digest();
  const own = await openKey(head, keeper);
  const key = chunkKey(own, digest);
  own.fill(0);
  const items = readItems(openChunks(bytes.rest(), key));
  const first = await items.next();
  if (first.done === true || first.value.kind !== itemKind.manifest) {
    throw damaged('it does not begin with its manifest');
  }
  const manifest = JSON.parse(first.value.payload.toString()) as Manifest;
  const { bundle, node } = manifest;
  if (bundle !== head.bundle || manifest.cluster !== cluster || node !== head.node) {
    throw damaged('its manifest is another’s');
  }
  const keys = { mac: macKey, record: recordKeyOf(manifest, node) };
  return { head, manifest, content: contentOf(items, first.value, digest, keys) };
}

/** The key that a member's records are signed with. Throws BackupError `damaged`. */
export function recordKeyOf({ recordKeys }: Manifest, node: string): KeyObject {
  try {
    const bytes = Buffer.from(recordKeys[node] ?? '', 'base64');
    return createPublicKey({ key: bytes, format: 'der', type: 'spki' });
  } catch (cause) {
    throw damaged('a node of it has no key', { cause });
  }
}

async function* contentOf(
  items: AsyncGenerator<Item>,
  first: Item,
  head: Buffer,
  keys: { readonly mac: KeyObject; readonly record: KeyObject },
): AsyncGenerator<BundleContent, Totals> {
  const digest = createHash('sha256').update(encodeItem(first.kind, first.payload));
  let totals: Totals | undefined;
  for await (const { kind, payload } of items) {
    if (totals !== undefined) throw damaged('something stands behind its end');
    if (kind === itemKind.seal) {
      totals = decodeTotals(payload, head, keys);
      continue;
    }
    digest.update(encodeItem(kind, payload));
    if (kind === itemKind.record) yield { is: 'record', record: decodeRecord(payload) };
    else if (kind === itemKind.file) yield { is: 'file', ...decodeFile(payload) };
    else throw damaged('an item of no known kind');
  }
  if (totals === undefined || totals.items !== digest.digest('hex')) {
    throw damaged('it is not whole');
  }
  return totals;
}

/** The head of a stream, and what comes behind it. */
class HeadReader {
  readonly #source: AsyncIterator<Buffer>;
  #waiting: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async head(): Promise<{
    readonly head: BundleHead;
    readonly text: Buffer;
    readonly mac: Buffer;
  }> {
    let wanted = 1;
    for (;;) {
      await this.#fill(wanted);
      const parsed = parseBundleHead(this.#waiting);
      switch (parsed.is) {
        case 'more':
          if (this.#waiting.length < parsed.bytes && !(await this.#fill(parsed.bytes))) {
            throw damaged('its head has no end');
          }
          wanted = parsed.bytes;
          break;
        case 'newer':
          throw new BackupError('newer', 'a later version made this backup');
        case 'foreign':
          throw new BackupError('not-a-backup', 'this is no backup, or its head is damaged');
        case 'head': {
          const { head, end } = parsed;
          if (!(await this.#fill(end + macBytes))) throw damaged('its head has no end');
          const text = Buffer.from(this.#waiting.subarray(0, end));
          const mac = Buffer.from(this.#waiting.subarray(end, end + macBytes));
          this.#waiting = this.#waiting.subarray(end + macBytes);
          return { head, text, mac };
        }
      }
    }
  }

  async *rest(): AsyncGenerator<Buffer> {
    yield this.#waiting;
    for (;;) {
      const next = await this.#source.next();
      if (next.done === true) return;
      yield next.value;
    }
  }

  /** Reads until so many bytes are there; false where the stream ends before. */
  async #fill(bytes: number): Promise<boolean> {
    while (this.#waiting.length < bytes) {
      const next = await this.#source.next();
      if (next.done === true) return false;
      this.#waiting = Buffer.concat([this.#waiting, next.value]);
    }
    return true;
  }
}
