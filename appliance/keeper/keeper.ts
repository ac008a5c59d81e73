import { randomBytes, timingSafeEqual } from 'node:crypto';
import { KeeperError } from '../keeper-client/keeper.ts';
import type { KeeperStatus } from '../keeper-client/keeper.ts';
import { TokenError } from '../token/error.ts';
import type { RootKey, Token } from '../token/token.ts';
import type { PinSource } from './pin.ts';
import { makeSlot, readSlot } from './slot.ts';
import type { Slot } from './slot.ts';
import {
  isAuthentic,
  readStored,
  slotTablePurpose,
  SlotTableError,
  writeSlotTable,
} from './slot-table.ts';
import type { SlotTable } from './slot-table.ts';
import { generationBytes, generationOf, WrappingKey } from './wrapping-key.ts';

export interface KeeperOptions {
  /** Where the slot table lies. */
  readonly folder: string;
  readonly token: Token;
  readonly pin: PinSource;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly random?: (bytes: number) => Buffer;
  readonly log: (
    level: 'info' | 'warn' | 'error',
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => void;
}

type TokenState = KeeperStatus['token']['state'];

const tokenStateOf: Partial<Record<TokenError['code'], TokenState>> = {
  absent: 'absent',
  'restart-needed': 'absent',
  deadline: 'absent',
  'module-unusable': 'absent',
  'pin-needed': 'pin-needed',
  'pin-wrong': 'pin-wrong',
  'pin-locked': 'locked',
};

/**
 * Holds the wrapping keys in memory and seals and opens under them. The token is needed to come to
 * the keys and to prove that they can still be come to; never to use them.
 */
export class KeyKeeper {
  readonly #options: KeeperOptions;
  readonly #random: (bytes: number) => Buffer;
  readonly #keys = new Map<string, WrappingKey>();
  #table: SlotTable | undefined;
  #written: WrappingKey | undefined;
  #tokenState: TokenState = 'absent';
  #tokenDetail: { label?: string; module?: string; mechanism?: string } = {};
  #proven: number | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#random = options.random ?? randomBytes;
  }

  status(): KeeperStatus {
    const { found } =
      this.#table === undefined ? readStored(this.#options.folder) : { found: true };
    return {
      state: this.#written !== undefined ? 'open' : found ? 'sealed' : 'new',
      token: { state: this.#tokenState, ...this.#tokenDetail },
      ...(this.#table === undefined ? {} : { cluster: this.#table.cluster }),
      ...(this.#written === undefined
        ? {}
        : { generation: this.#written.generation.toString('hex') }),
      ...(this.#proven === undefined ? {} : { rootKeyProven: this.#proven }),
    };
  }

  seal(context: Uint8Array, plaintext: Uint8Array): Buffer {
    if (this.#written === undefined) throw new KeeperError('sealed', 'no wrapping key is open');
    return this.#written.seal(context, plaintext, this.#random(12));
  }

  open(context: Uint8Array, sealed: Buffer): Buffer {
    if (this.#written === undefined) throw new KeeperError('sealed', 'no wrapping key is open');
    const generation = generationOf(sealed).toString('hex');
    const key = this.#keys.get(generation);
    if (key === undefined) throw new KeeperError('generation-unknown', 'no such generation');
    return key.open(context, sealed);
  }

  /**
   * Brings the keeper as far as it can come without a person: logs in with the PIN at hand, opens
   * the slots, proves the root key. Never throws: the status says how far it came.
   */
  async advance(): Promise<void> {
    try {
      await this.#login(this.#options.pin.take());
      if (this.#written === undefined) await this.#openSlots();
      else await this.#prove();
      this.#tokenState = 'ready';
    } catch (error) {
      this.#note(error);
    }
  }

  /** Tries a PIN that a person typed, once, and goes on from there. Throws KeeperError `token`. */
  async givePin(pin: Buffer): Promise<void> {
    try {
      this.#options.pin.clear();
      await this.#login(pin);
      if (this.#written === undefined) await this.#openSlots();
      this.#tokenState = 'ready';
    } catch (error) {
      this.#note(error);
      throw new KeeperError('token', `the token says: ${codeOf(error)}`, { cause: error });
    } finally {
      pin.fill(0);
    }
  }

  /**
   * Makes a cluster's first wrapping key and its slot: makes the root key, decrypts the slot back
   * through the token, compares, and only then writes. Throws KeeperError `not-new`, `token`.
   */
  async initialise(label: string): Promise<void> {
    if (this.status().state !== 'new') {
      throw new KeeperError('not-new', 'there is a slot table already');
    }
    try {
      await this.#login(this.#options.pin.take());
      const root = await this.#options.token.makeRootKey(label);
      const key = new WrappingKey(this.#random(generationBytes), this.#random(32));
      const slot = this.#slotFor(root, label, key);
      await this.#provenSlot(slot, key);
      const table: SlotTable = {
        version: 1,
        serial: 1,
        cluster: this.#random(16).toString('hex'),
        written: slot.generation,
        slots: [slot],
      };
      writeSlotTable(this.#options.folder, table, key.derive(slotTablePurpose));
      this.#adopt(table, [key]);
      this.#tokenState = 'ready';
    } catch (error) {
      this.#note(error);
      throw new KeeperError('token', `the token says: ${codeOf(error)}`, { cause: error });
    }
  }

  wipe(): void {
    for (const key of this.#keys.values()) key.wipe();
    this.#keys.clear();
    this.#written = undefined;
  }

  async #login(pin: Buffer | undefined): Promise<void> {
    const { token } = this.#options;
    const status = await token.status();
    this.#tokenDetail = { label: status.label, module: `${status.manufacturer} ${status.model}` };
    if (status.loggedIn) return;
    if (pin === undefined) {
      const refused = this.#options.pin.refused();
      throw new TokenError(refused ? 'pin-wrong' : 'pin-needed', 'a PIN is needed');
    }
    try {
      await token.login(pin);
      this.#options.pin.clear();
    } catch (error) {
      // A locked token has not judged the PIN: it may be tried once more when it is unlocked.
      if (codeOf(error) === 'pin-wrong') this.#options.pin.markRefused();
      throw error;
    } finally {
      pin.fill(0);
    }
  }

  async #openSlots(): Promise<void> {
    const { found, candidates } = readStored(this.#options.folder);
    if (!found) return;
    for (const stored of candidates) {
      const keys = await this.#keysOf(stored.table);
      const written = keys.find((k) => k.generation.toString('hex') === stored.table.written);
      const mac = written?.derive(slotTablePurpose);
      if (mac !== undefined && isAuthentic(stored, mac)) {
        // Writes both copies anew where one was damaged or older.
        if (candidates.length < 2 || candidates.some((c) => c.mac !== stored.mac)) {
          this.#options.log('warn', 'a copy of the slot table was damaged and is mended');
          writeSlotTable(this.#options.folder, stored.table, mac);
        }
        this.#adopt(stored.table, keys);
        return;
      }
      for (const key of keys) key.wipe();
    }
    throw new SlotTableError('no copy of the slot table can be trusted');
  }

  async #keysOf(table: SlotTable): Promise<WrappingKey[]> {
    const keys: WrappingKey[] = [];
    for (const slot of table.slots) {
      const bytes = await this.#readThroughToken(slot);
      if (bytes === undefined) continue;
      keys.push(new WrappingKey(Buffer.from(slot.generation, 'hex'), bytes));
    }
    return keys;
  }

  #adopt(table: SlotTable, keys: readonly WrappingKey[]): void {
    this.#table = table;
    for (const key of keys) this.#keys.set(key.generation.toString('hex'), key);
    this.#written = this.#keys.get(table.written);
    const slot = table.slots.find((s) => s.generation === table.written);
    this.#tokenDetail = { ...this.#tokenDetail, mechanism: `RSA-OAEP ${slot?.hash ?? ''}` };
    this.#proven = this.#options.now();
    this.#options.log('info', 'the wrapping key is open', { generation: table.written });
  }

  async #prove(): Promise<void> {
    const slot = this.#table?.slots.find((s) => s.generation === this.#table?.written);
    if (slot === undefined || this.#written === undefined) return;
    await this.#provenSlot(slot, this.#written);
    this.#proven = this.#options.now();
  }

  /** Throws unless the token gives back from the slot the very key that is in memory. */
  async #provenSlot(slot: Slot, key: WrappingKey): Promise<void> {
    const bytes = await this.#readThroughToken(slot);
    const same = bytes !== undefined && key.use((held) => timingSafeEqual(held, bytes));
    bytes?.fill(0);
    if (!same) throw new TokenError('failed', 'the token did not give the wrapping key back');
  }

  async #readThroughToken(slot: Slot): Promise<Buffer | undefined> {
    const id = Buffer.from(slot.keyId, 'hex');
    const ciphertext = Buffer.from(slot.ciphertext, 'base64');
    return readSlot(slot, await this.#options.token.decrypt(id, slot.hash, ciphertext));
  }

  #slotFor(root: RootKey, label: string, key: WrappingKey): Slot {
    const context = {
      kind: 'token',
      generation: key.generation.toString('hex'),
      keyId: Buffer.from(root.id).toString('hex'),
      label,
      publicKey: Buffer.from(root.publicKey).toString('base64'),
      hash: root.hash,
      created: this.#options.now(),
    } as const;
    return key.use((bytes) => makeSlot(context, bytes));
  }

  #note(error: unknown): void {
    const code = codeOf(error);
    const state = tokenStateOf[code as TokenError['code']] ?? 'failed';
    if (state !== this.#tokenState) {
      const fields = { code, error: error instanceof Error ? error.message : 'unknown' };
      this.#options.log('error', 'the root key cannot be used', fields);
    }
    this.#tokenState = state;
  }
}

function codeOf(error: unknown): string {
  if (error instanceof TokenError) return error.code;
  return error instanceof SlotTableError ? 'slot-table' : 'failed';
}
