import type { KeyObject } from 'node:crypto';
import type { Keeper } from '../keeper-client/keeper.ts';
import type { Database, Statement } from './database.ts';
import { KeystoreError } from './error.ts';
import { contextBytes, creationOf, isCommitted } from './material.ts';
import { generationOf } from './rewrap.ts';
import type { Projection } from './projection.ts';
import { decodeHead, hashOf, isSignedBy } from './record.ts';
import type { RecordHead, SignedRecord } from './record.ts';
import type { Heads, RecordLog } from './record-log.ts';
import type { ChainPlace } from './unsound.ts';

/** A record as it travels: signed bytes, and beside them the sealed secret it commits to. */
export interface Entry {
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  /** As the keeper sealed it; absent for records without a secret, or where the sender lacks it. */
  readonly sealed?: Uint8Array;
}

/** A secret that travels without its record, because it came later or was lost. */
export interface LooseMaterial {
  readonly object: string;
  /** HMAC in hexadecimal, as the record says it. */
  readonly commitment: string;
  readonly sealed: Uint8Array;
}

export interface Ingested {
  readonly added: number;
  readonly duplicates: number;
  /** Records that stand where others stand already: kept apart, never folded. */
  readonly forks: readonly RecordHead[];
  /** Objects whose secret came, but was not what the record says. */
  readonly corrupt: readonly string[];
  /** Objects that were purged here and are not any more: their secrets are wanted again. */
  readonly returned: readonly string[];
  /** The first record that this node itself had written, and had lost. */
  readonly regained?: { readonly epoch: string; readonly seq: number };
}

/** Entries that were checked and opened; not stored yet. */
export interface Checked {
  readonly records: readonly SignedRecord[];
  readonly materials: readonly LooseMaterial[];
  readonly corrupt: readonly string[];
}

export interface ExchangeParts {
  readonly database: Database;
  readonly projection: Projection;
  readonly records: RecordLog;
  readonly keeper: Keeper;
  readonly cluster: string;
  readonly commitmentKey: KeyObject;
  readonly now: () => number;
  /** Generations of the wrapping key, in hexadecimal, that the keeper has forgotten. */
  readonly retired: ReadonlySet<string>;
}

/** The Lamport counter of a record that is taken: far beyond any use, far below what JSON loses. */
const lamportMost = 2 ** 50;
const forksMost = 100_000;

/** So many epochs are read side by side. */
const epochsAtOnce = 8;

interface Behind {
  readonly epoch: string;
  /** The last record that is not behind, and the epoch's newest one. */
  seq: number;
  readonly last: number;
  /** When its first record behind came, in the order of all. */
  readonly id: number;
}

interface EntryRow {
  readonly id: number;
  readonly body: Buffer;
  readonly signature: Buffer;
  readonly seq: number;
  readonly hash: Buffer;
  readonly object: string;
  readonly kind: string;
}

/** What a keystore gives to other nodes, and what it takes from them. */
export class Exchange {
  readonly #parts: ExchangeParts;
  readonly #hasMaterial: Statement;
  readonly #putMaterial: Statement;
  readonly #sealed: Statement;
  readonly #putLacking: Statement;
  readonly #dropLacking: Statement;
  readonly #idOf: Statement;
  readonly #tail: Statement;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    const prepare = (sql: string): Statement => parts.database.prepare(sql);
    this.#hasMaterial = prepare(`SELECT object NOT IN (SELECT object FROM lacking)
      FROM material WHERE object = ? AND commitment = ?`).pluck();
    this.#putMaterial = prepare('REPLACE INTO material VALUES (?, ?, ?)');
    this.#sealed = prepare(
      'SELECT sealed FROM material WHERE object = ? AND commitment = ?',
    ).pluck();
    this.#putLacking = prepare('INSERT OR IGNORE INTO lacking VALUES (?)');
    this.#dropLacking = prepare('DELETE FROM lacking WHERE object = ?');
    this.#idOf = prepare('SELECT id FROM record WHERE epoch = ? AND seq = ?').pluck();
    this.#tail = prepare(`SELECT id, body, signature, seq, hash, object, kind FROM record
      WHERE epoch = ? AND seq > ? AND id < ? ORDER BY seq LIMIT ?`);
  }

  /**
   * Checks records and opens their secrets through the keeper, without storing anything. `sender`:
   * the member that passes them on. Throws KeystoreError `record-refused`, and what the keeper
   * throws while it cannot open anything.
   */
  async check(entries: readonly Entry[], sender?: string): Promise<Checked> {
    const records: SignedRecord[] = [];
    const opening: Promise<LooseMaterial | string | undefined>[] = [];
    let membership = this.#parts.records.membership();
    for (const { body, signature, sealed } of entries) {
      const record = this.#read(body, signature);
      const key = membership.keyFor(record.head, sender);
      if (key === undefined) throw refused('its author is no member');
      if (!isSignedBy(record, key)) throw refused('its signature is not its author’s');
      if (record.head.kind.startsWith('member-')) membership = membership.with([record.head]);
      records.push(record);
      if (sealed === undefined) continue;
      const opened = this.#open(record.head, sealed);
      // A later record that is refused ends this before anybody awaits it.
      opened.catch(() => undefined);
      opening.push(opened);
    }
    const opened = await Promise.all(opening);
    return {
      records,
      materials: opened.filter((each) => typeof each === 'object'),
      corrupt: opened.filter((each) => typeof each === 'string'),
    };
  }

  /** Stores what was checked; inside a transaction. Throws KeystoreError `record-gap`. */
  store({ records, materials, corrupt }: Checked): Ingested {
    const { records: log, projection, now } = this.#parts;
    const forks: RecordHead[] = [];
    const fresh: RecordHead[] = [];
    let added = 0;
    let regained: Ingested['regained'];
    for (const record of records) {
      const placed = log.place(record, now());
      if (placed === 'added') {
        added++;
        const { node, epoch, seq } = record.head;
        if (node === log.node) regained ??= { epoch, seq };
        this.#expectMaterial(record.head);
        fresh.push(record.head);
      }
      if (placed === 'fork') forks.push(record.head);
      if (placed === 'mended') fresh.push(record.head);
    }
    projection.applyTogether(fresh);
    this.storeMaterials(materials);
    if (forks.length > 0) this.#boundForks();
    const duplicates = records.length - added - forks.length;
    const result = { added, duplicates, forks, corrupt, returned: projection.takeReturns() };
    return regained === undefined ? result : { ...result, regained };
  }

  /** Opens secrets that came without their records; those that are not right are left out. */
  async checkMaterials(materials: readonly LooseMaterial[]): Promise<LooseMaterial[]> {
    const opened = materials.map(async (material) => {
      const creation = this.#parts.projection.creation(material.object, material.commitment);
      if (creation === undefined) return undefined;
      return this.#open(creation, material.sealed);
    });
    return (await Promise.all(opened)).filter((each) => typeof each === 'object');
  }

  /** Stores checked secrets of objects that are not purged; inside a transaction. */
  storeMaterials(materials: readonly LooseMaterial[]): void {
    for (const { object, commitment, sealed } of materials) {
      // The keeper forgot its generation between opening and storing: asked for again.
      if (this.#parts.retired.has(generationOf(sealed).toString('hex'))) continue;
      this.#dropLacking.run(object);
      if (this.#parts.projection.isPurged(object)) continue;
      this.#putMaterial.run(object, Buffer.from(commitment, 'hex'), Buffer.from(sealed));
    }
  }

  /** Objects whose secret should be here and is not, or does not open: to be asked for. */
  lacking(limit: number): string[] {
    return this.#parts.database
      .prepare('SELECT object FROM lacking ORDER BY object LIMIT ?')
      .pluck()
      .all(limit) as string[];
  }

  /** Says that an object's secret is to be had from others again. */
  lack(object: string): void {
    this.#putLacking.run(object);
  }

  /** The secrets of these objects, as far as they are here and nothing is known against them. */
  materials(objects: readonly string[]): LooseMaterial[] {
    const rows = this.#parts.database.prepare(`SELECT * FROM material WHERE object = ?
      AND object NOT IN (SELECT object FROM lacking)`);
    return objects.flatMap((object) =>
      (rows.all(object) as { object: string; commitment: Buffer; sealed: Buffer }[]).map(
        ({ commitment, sealed }) => ({ object, commitment: commitment.toString('hex'), sealed }),
      ),
    );
  }

  /**
   * The next records behind these heads with their secrets, in the order in which they came here:
   * one that a keystore at these heads can take. `heads`: where whoever has taken them stands.
   */
  after(
    heads: Heads,
    most: { readonly records: number; readonly bytes: number },
  ): { readonly entries: Entry[]; readonly heads: Heads } {
    const rows = this.#next(heads, most.records);
    const reached: Record<string, readonly [number, string]> = { ...heads };
    const entries: Entry[] = [];
    let bytes = 0;
    for (const [epoch, row] of rows) {
      const sealed = this.#sealedFor(row);
      bytes += row.body.length + (sealed?.length ?? 0);
      if (bytes > most.bytes && entries.length > 0) break;
      const { body, signature } = row;
      entries.push(sealed === undefined ? { body, signature } : { body, signature, sealed });
      reached[epoch] = [row.seq, row.hash.toString('hex')];
    }
    return { entries, heads: reached };
  }

  /** The records at these places, with their secrets, as far as they are here. */
  at(places: readonly ChainPlace[]): Entry[] {
    const find = this.#parts.database.prepare(
      'SELECT id, body, signature, seq, hash, object, kind FROM record WHERE epoch = ? AND seq = ?',
    );
    return places.flatMap(({ epoch, seq }) => {
      const row = find.get(epoch, seq) as EntryRow | undefined;
      if (row === undefined || this.#parts.records.unsound.has({ epoch, seq })) return [];
      const sealed = this.#sealedFor(row);
      const { body, signature } = row;
      return [sealed === undefined ? { body, signature } : { body, signature, sealed }];
    });
  }

  /** Of the epochs that are behind, the records that came first, merged in that order. */
  #next(heads: Heads, limit: number): [epoch: string, row: EntryRow][] {
    const behind = this.#behind(heads);
    const merged: [epoch: string, row: EntryRow][] = [];
    let active: Behind[] = [];
    for (let from = 0; merged.length < limit;) {
      const next = behind.slice(from, from + epochsAtOnce);
      from += next.length;
      active = [...active.filter(({ seq, last }) => seq < last), ...next];
      // What came before the first record of the epochs that are not looked at yet.
      const bound = behind[from]?.id ?? Number.MAX_SAFE_INTEGER;
      const rows = active.flatMap((each) =>
        (this.#tail.all(each.epoch, each.seq, bound, limit) as EntryRow[]).map(
          (row) => [each, row] as const,
        ),
      );
      rows.sort(([, a], [, b]) => a.id - b.id);
      for (const [each, row] of rows.slice(0, limit - merged.length)) {
        each.seq = row.seq;
        merged.push([each.epoch, row]);
      }
      if (from >= behind.length) break;
    }
    return merged;
  }

  /** The epochs in which there is more, in the order of the first record that there is more. */
  #behind(heads: Heads): Behind[] {
    const behind: Behind[] = [];
    for (const [epoch, [last]] of Object.entries(this.#parts.records.heads())) {
      const seq = heads[epoch]?.[0] ?? 0;
      if (seq >= last) continue;
      const id = this.#idOf.get(epoch, seq + 1) as number | undefined;
      if (id !== undefined) behind.push({ epoch, seq, last, id });
    }
    return behind.sort((a, b) => a.id - b.id);
  }

  #sealedFor({ kind, body, object }: EntryRow): Buffer | undefined {
    if (kind !== 'object-created') return undefined;
    const head = decodeHead(body);
    const commitment = head && creationOf(head)?.commitment;
    if (commitment === undefined) return undefined;
    const bytes = Buffer.from(commitment, 'hex');
    if (this.#hasMaterial.get(object, bytes) !== 1) return undefined;
    return this.#sealed.get(object, bytes) as Buffer | undefined;
  }

  /** Until its secret is stored an object lacks it; a purged one never will have it. */
  #expectMaterial(head: RecordHead): void {
    const { object } = head;
    if (creationOf(head)?.commitment === undefined) return;
    if (!this.#parts.projection.isPurged(object)) this.#putLacking.run(object);
  }

  #read(body: Uint8Array, signature: Uint8Array): SignedRecord {
    const head = decodeHead(body);
    if (head === undefined) throw refused('it cannot be read');
    if (head.cluster !== this.#parts.cluster) throw refused('it is of another cluster');
    if (head.seq < 1 || head.lamport < 1 || head.lamport > lamportMost) {
      throw refused('its numbers are impossible');
    }
    const bytes = Buffer.from(body);
    return { head, body: bytes, hash: hashOf(bytes), signature: Buffer.from(signature) };
  }

  /** The secret where it is what the record says; its object where it is not. */
  async #open(head: RecordHead, sealed: Uint8Array): Promise<LooseMaterial | string | undefined> {
    const { keeper, cluster, commitmentKey } = this.#parts;
    const creation = creationOf(head);
    if (creation?.commitment === undefined) return undefined;
    const { object } = head;
    const commitment = Buffer.from(creation.commitment, 'hex');
    if (this.#hasMaterial.get(object, commitment) === 1) return undefined;
    const context = contextBytes(cluster, creation.context);
    let secret: Buffer;
    try {
      secret = await keeper.open(context, sealed);
    } catch (error) {
      // Of a generation that has not come yet it may be right: whoever sends it sends it again.
      if ((error as { code?: string }).code === 'not-authentic') return object;
      throw error;
    }
    const right = isCommitted(commitmentKey, context, secret, commitment);
    secret.fill(0);
    return right ? { object, commitment: creation.commitment, sealed } : object;
  }

  /** A node gone mad must not fill the disk: the newest of very many forks are enough to see. */
  #boundForks(): void {
    this.#parts.database
      .prepare(
        `DELETE FROM fork WHERE hash IN (SELECT hash FROM fork ORDER BY seen DESC, hash
          LIMIT -1 OFFSET ?)`,
      )
      .run(forksMost);
  }
}

function refused(why: string): KeystoreError {
  return new KeystoreError('record-refused', `a record is refused: ${why}`);
}
