import { createHash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { encodeBundleHead } from '../keeper-client/bundle-head.ts';
import type { Keeper } from '../keeper-client/keeper.ts';
import { decodeHead } from '../keystore/record.ts';
import { creationOf } from '../keystore/material.ts';
import { backupMacKey, chunkKey, fromKeeper, keyContext } from './bundle-key.ts';
import { sealChunks } from './chunk.ts';
import { BackupError } from './error.ts';
import { encodeFile, encodeItem, encodeRecord, itemKind } from './item.ts';
import type { BundledRecord } from './item.ts';
import { encodeTotals, macOf } from './manifest.ts';
import type { Heads, Manifest, Totals } from './manifest.ts';
import { recordsUpTo } from './work.ts';
import type { Counted } from './work.ts';

/** What a keystore gives to a backup; every call is one moment, between two the world goes on. */
export interface RecordSource {
  /** The next records behind these heads, in an order in which a keystore can take them. */
  after(
    heads: Heads,
    most: { readonly records: number; readonly bytes: number },
  ): { readonly entries: readonly BundledRecord[]; readonly heads: Heads };
  members(): readonly { readonly node: string; readonly recordKey: string }[];
  /** What all records up to some heads come to: those at which it stands when it is asked. */
  digest(pause: () => Promise<void>): Promise<Manifest['state'] & Pick<Manifest, 'heads'>>;
}

export interface WriteParts {
  readonly source: RecordSource;
  readonly keeper: Keeper;
  /** The node's record key. */
  readonly recordKey: KeyObject;
  readonly random: (bytes: number) => Buffer;
  readonly counted?: Counted;
  /** What the manifest says beside the snapshot. */
  readonly about: () => Omit<Manifest, 'bundle' | 'heads' | 'recordKeys' | 'state'>;
  /** The node's files that go with it: name and content, sealed already where they are secret. */
  readonly files: () => readonly (readonly [name: string, content: Uint8Array])[];
}

const page = { records: 256, bytes: 1 << 20 };

/**
 * Makes a backup as a stream of bytes: the records up to the heads of this moment, in constant
 * memory, while the keystore goes on. `done` holds what was written once the stream has ended.
 */
export class BundleWriter {
  readonly #parts: WriteParts;
  readonly #items = createHash('sha256');
  #totals = { records: 0, secrets: 0, absent: 0 };
  #done: { readonly manifest: Manifest; readonly totals: Totals } | undefined;

  constructor(parts: WriteParts) {
    this.#parts = parts;
  }

  get done(): { readonly manifest: Manifest; readonly totals: Totals } {
    if (this.#done === undefined) throw new Error('the backup is not written yet');
    return this.#done;
  }

  /** Throws BackupError `recovery-missing`, `rotated`, `keeper-unavailable`. */
  async *bytes(): AsyncGenerator<Buffer> {
    const { keeper, random, source, about } = this.#parts;
    const status = await keeper.status().catch((cause: unknown) => {
      throw fromKeeper(cause);
    });
    if (status.recovery?.proven !== true) {
      const message = 'nobody could open a backup: the recovery set is not proven';
      throw new BackupError('recovery-missing', message);
    }
    const mac = await backupMacKey(keeper);
    const slots = await keeper.slots();
    const bundle = random(16).toString('hex');
    const own = random(32);
    const { heads, ...state } = await source.digest(turn);
    const recordKeys = Object.fromEntries(
      source.members().map(({ node, recordKey }) => [node, recordKey]),
    );
    const manifest: Manifest = { bundle, ...about(), heads, recordKeys, state };
    const { cluster, node, made, software } = manifest;
    const names = { bundle, cluster, node };
    const key = (await keeper.seal(keyContext(names), own)).toString('base64');
    const bytes = encodeBundleHead({ ...names, made, software, key, slots });
    const head = Buffer.concat([bytes, macOf(mac, bytes)]);
    const digest = createHash('sha256').update(head).digest();
    yield head;
    const chunks = chunkKey(own, digest);
    own.fill(0);
    yield* sealChunks(this.#plaintext(manifest, digest, mac, generationsIn(slots)), chunks);
  }

  async *#plaintext(
    manifest: Manifest,
    head: Buffer,
    mac: KeyObject,
    generations: ReadonlySet<string>,
  ): AsyncGenerator<Buffer> {
    yield this.#item(itemKind.manifest, Buffer.from(JSON.stringify(manifest)));
    for (const [name, content] of this.#parts.files()) {
      checkGeneration(content, name.endsWith('.sealed'), generations);
      yield this.#item(itemKind.file, encodeFile(name, content));
    }
    const of = recordsUpTo(manifest.heads);
    for await (const entries of pagesUpTo(this.#parts.source, manifest.heads)) {
      this.#parts.counted?.(this.#totals.records, of);
      yield Buffer.concat(entries.map((entry) => this.#record(entry, generations)));
    }
    const totals: Totals = { ...this.#totals, items: this.#items.digest('hex') };
    const keys = { mac, record: this.#parts.recordKey };
    this.#done = { manifest, totals };
    yield encodeItem(itemKind.seal, encodeTotals(totals, head, keys));
  }

  #record(entry: BundledRecord, generations: ReadonlySet<string>): Buffer {
    const { sealed, body } = entry;
    this.#totals.records++;
    if (sealed !== undefined) {
      checkGeneration(sealed, true, generations);
      this.#totals.secrets++;
    } else if (hasSecret(body)) {
      this.#totals.absent++;
    }
    return this.#item(itemKind.record, encodeRecord(entry));
  }

  #item(kind: number, payload: Uint8Array): Buffer {
    const bytes = encodeItem(kind, payload);
    this.#items.update(bytes);
    return bytes;
  }
}

/** Pages of the records up to these heads; what came later is left out. */
export async function* pagesUpTo(
  source: RecordSource,
  until: Heads,
): AsyncGenerator<readonly BundledRecord[]> {
  let reached: Heads = {};
  const behind = (): boolean =>
    Object.entries(until).some(([epoch, [seq]]) => (reached[epoch]?.[0] ?? 0) < seq);
  while (behind()) {
    const { entries, heads } = source.after(reached, page);
    if (entries.length === 0) throw new Error('the keystore has fewer records than it said');
    reached = heads;
    yield entries.filter(({ body }) => {
      const head = decodeHead(body);
      return head !== undefined && head.seq <= (until[head.epoch]?.[0] ?? 0);
    });
    // Clients come first: one turn of the loop between two pages.
    await turn();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The generations that the slot table of the head opens. */
function generationsIn(slots: string): Set<string> {
  const { table } = JSON.parse(slots) as { table: { slots: { generation: string }[] } };
  return new Set(table.slots.map(({ generation }) => generation));
}

/** A rotation that began meanwhile seals under a key that the head does not have. */
function checkGeneration(
  sealed: Uint8Array,
  isSealed: boolean,
  generations: ReadonlySet<string>,
): void {
  if (!isSealed) return;
  const generation = Buffer.from(sealed.subarray(1, 17)).toString('hex');
  if (generations.has(generation)) return;
  throw new BackupError('rotated', 'the wrapping key was rotated meanwhile');
}

function hasSecret(body: Uint8Array): boolean {
  const head = decodeHead(body);
  return head !== undefined && creationOf(head)?.commitment !== undefined;
}
