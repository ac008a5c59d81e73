import { createCipheriv, createDecipheriv, createHmac, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Keeper } from '../keeper-client/keeper.ts';
import type { SealedRow } from './shared-log.ts';
import type { Surroundings } from './surroundings.ts';

const nonceBytes = 12;
const tagBytes = 16;
/** How long rows are sealed under one key: after a rotation they soon are under the new one. */
const keyMilliseconds = 600_000;
const openKeysMost = 256;

/**
 * Seals what a node gives to a database that shall learn nothing: bytes under a key of its own,
 * which the keeper seals under the wrapping key, and names that only the cluster's nodes can tell.
 */
export class RowSeal {
  readonly #keeper: Keeper;
  readonly #cluster: string;
  readonly #names: KeyObject;
  readonly #surroundings: Surroundings;
  readonly #opened = new Map<string, KeyObject>();
  #own: { readonly key: KeyObject; readonly sealed: Buffer; readonly made: number } | undefined;

  private constructor(keeper: Keeper, cluster: string, names: KeyObject, around: Surroundings) {
    this.#keeper = keeper;
    this.#cluster = cluster;
    this.#names = names;
    this.#surroundings = around;
  }

  /** Throws what the keeper throws. */
  static async open(keeper: Keeper, cluster: string, around: Surroundings): Promise<RowSeal> {
    const bytes = await keeper.derive('record table');
    const names = createSecretKey(bytes);
    bytes.fill(0);
    return new RowSeal(keeper, cluster, names, around);
  }

  /** The name of a row: of a record by its hash, of a node's standing by its identifier. */
  name(kind: 'record' | 'standing', what: string): Buffer {
    return createHmac('sha256', this.#names).update(`${kind} ${what}`).digest();
  }

  /** Throws what the keeper throws. */
  async seal(id: Buffer, plaintext: Uint8Array): Promise<SealedRow> {
    const { key, sealed: sealedKey } = await this.#current();
    const nonce = this.#surroundings.random(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(id);
    const text = [cipher.update(plaintext), cipher.final()];
    return { id, key: sealedKey, sealed: Buffer.concat([nonce, ...text, cipher.getAuthTag()]) };
  }

  /**
   * Undefined for bytes that no node of the cluster sealed, or not as this row. Throws what the
   * keeper throws, but `not-authentic`.
   */
  async unseal({ id, key: sealedKey, sealed }: SealedRow): Promise<Buffer | undefined> {
    const key = await this.#keyOf(sealedKey);
    if (key === undefined || sealed.length < nonceBytes + tagBytes) return undefined;
    const end = sealed.length - tagBytes;
    const nonce = sealed.subarray(0, nonceBytes);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(id).setAuthTag(sealed.subarray(end));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, end)), decipher.final()]);
    } catch {
      return undefined;
    }
  }

  async #current(): Promise<{ readonly key: KeyObject; readonly sealed: Buffer }> {
    const now = this.#surroundings.elapsed();
    if (this.#own !== undefined && now - this.#own.made < keyMilliseconds) return this.#own;
    const bytes = this.#surroundings.random(32);
    const sealed = await this.#keeper.seal(this.#context, bytes);
    this.#own = { key: createSecretKey(bytes), sealed, made: now };
    bytes.fill(0);
    return this.#own;
  }

  async #keyOf(sealed: Buffer): Promise<KeyObject | undefined> {
    const name = sealed.toString('hex');
    const found = this.#opened.get(name);
    if (found !== undefined) return found;
    let bytes: Buffer;
    try {
      bytes = await this.#keeper.open(this.#context, sealed);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === 'not-authentic' || code === 'protocol') return undefined;
      throw error;
    }
    const key = createSecretKey(bytes);
    bytes.fill(0);
    const [oldest] = this.#opened.keys();
    if (this.#opened.size >= openKeysMost && oldest !== undefined) this.#opened.delete(oldest);
    this.#opened.set(name, key);
    return key;
  }

  get #context(): Buffer {
    return Buffer.from(JSON.stringify(['twinlock row key 1', this.#cluster]));
  }
}
