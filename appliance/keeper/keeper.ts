import { randomBytes, timingSafeEqual } from 'node:crypto';
import { KeeperError } from '../keeper-client/keeper.ts';
import type { KeeperStatus } from '../keeper-client/keeper.ts';
import { TokenError } from '../token/error.ts';
import type { RootKey } from '../token/token.ts';
import type { KeeperOptions } from './keeper-options.ts';
import { makeRecoverySet, privateKeyOf, recoverySlot } from './recovery.ts';
import { isRecoverable, isRecovery, openWithShares } from './restore.ts';
import { SealOrder } from './seal-order.ts';
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
import { codeOf, tokenStateOf } from './token-state.ts';
import type { TokenState } from './token-state.ts';
import { generationBytes, generationOf, WrappingKey } from './wrapping-key.ts';

const patientTries = 50;
const patientPause = 200;

/**
 * Holds the wrapping keys in memory and seals and opens under them. The token is needed to come to
 * the keys and to prove that they can still be come to; never to use them.
 */
export class KeyKeeper {
  readonly #options: KeeperOptions;
  readonly #random: (bytes: number) => Buffer;
  readonly #order: SealOrder;
  readonly #keys = new Map<string, WrappingKey>();
  #table: SlotTable | undefined;
  #written: WrappingKey | undefined;
  #tokenState: TokenState = 'absent';
  #tokenDetail: { label?: string; module?: string; mechanism?: string } = {};
  #proven: number | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#order = new SealOrder(options.folder);
    this.#random = options.random ?? randomBytes;
  }

  status(): KeeperStatus {
    const older = [...this.#keys.keys()].filter((id) => id !== this.#table?.written);
    const { found } =
      this.#table === undefined ? readStored(this.#options.folder) : { found: true };
    return {
      state: this.#written !== undefined ? 'open' : found ? 'sealed' : 'new',
      ...(this.#order.stands() ? { byOrder: true } : {}),
      token: { state: this.#tokenState, ...this.#tokenDetail },
      ...(this.#table === undefined ? {} : { cluster: this.#table.cluster }),
      ...(this.#written === undefined
        ? {}
        : { generation: this.#written.generation.toString('hex') }),
      ...(older.length === 0 ? {} : { older }),
      ...this.#recoveryStatus(),
      ...(this.#proven === undefined ? {} : { rootKeyProven: this.#proven }),
    };
  }

  seal(context: Uint8Array, plaintext: Uint8Array): Buffer {
    if (this.#written === undefined) throw this.#refusal();
    return this.#written.seal(context, plaintext, this.#random(12));
  }

  open(context: Uint8Array, sealed: Buffer): Buffer {
    if (this.#written === undefined) throw this.#refusal();
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
      if (this.#order.stands()) return;
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

  /**
   * Makes a new root key and moves every generation to it: slots for it stand beside the old ones,
   * each was decrypted back through the token and compared, and only then the old ones go. Killed
   * at any step, it leaves a table that opens. Throws KeeperError `sealed`, `token`.
   */
  async rotateRootKey(label: string): Promise<void> {
    const { table } = this.#opened();
    try {
      // tpm2-pkcs11 without a resource manager has room for two keys in one login.
      await this.#freshLogin();
      const root = await this.#options.token.makeRootKey(label);
      await this.#freshLogin();
      const slots: Slot[] = [];
      for (const key of this.#keys.values()) {
        const slot = this.#slotFor(root, label, key);
        await this.#provenSlot(slot, key);
        slots.push(slot);
      }
      this.#store([...slots, ...table.slots], table.written);
      this.#store([...slots, ...table.slots.filter(isRecovery)], table.written);
      this.#tokenState = 'ready';
      this.#options.log('info', 'the root key was rotated', { label });
    } catch (error) {
      this.#note(error);
      throw new KeeperError('token', `the token says: ${codeOf(error)}`, { cause: error });
    }
  }

  /**
   * Begins a new generation of the wrapping key and gives its id in hexadecimal. From then on it is
   * written under; the older ones open what they sealed until `retire`. Throws KeeperError
   * `sealed`, `token`, `rotating`.
   */
  async rotateWrappingKey(): Promise<string> {
    const { table, slot: current } = this.#opened();
    if (this.#keys.size > 1) {
      throw new KeeperError('rotating', 'the last rotation is still going on');
    }
    try {
      await this.#login(this.#options.pin.take());
      const key = new WrappingKey(this.#random(generationBytes), this.#random(32));
      const root = {
        id: Buffer.from(current.keyId, 'hex'),
        publicKey: Buffer.from(current.publicKey, 'base64'),
        hash: current.hash,
      };
      const slot = this.#slotFor(root, current.label, key);
      await this.#provenSlot(slot, key);
      this.#keys.set(slot.generation, key);
      const { recovery } = table;
      const further =
        recovery === undefined ? [] : [recoverySlot(recovery, key, this.#options.now())];
      this.#store([slot, ...further, ...table.slots], slot.generation);
      this.#options.log('info', 'a new wrapping key is written under', {
        generation: slot.generation,
      });
      return slot.generation;
    } catch (error) {
      this.#note(error);
      throw new KeeperError('token', `the token says: ${codeOf(error)}`, { cause: error });
    }
  }

  /** Forgets every generation but the written one, and their slots. Throws KeeperError `sealed`. */
  retire(): void {
    const { table } = this.#opened();
    if (this.#keys.size === 1) return;
    this.#store(
      table.slots.filter(({ generation }) => generation === table.written),
      table.written,
    );
    for (const [id, key] of this.#keys) {
      if (id === table.written) continue;
      key.wipe();
      this.#keys.delete(id);
    }
    this.#options.log('info', 'the older wrapping keys are retired');
  }

  /**
   * Makes a recovery set in place of any earlier one, with a slot for every generation, and gives
   * its shares; nobody else has them. It counts once it is proven. Throws KeeperError `sealed`.
   */
  async makeRecovery(wanted: { threshold: number; shares: number }): Promise<string[]> {
    this.#opened();
    const made = await makeRecoverySet(wanted, this.#options.now(), this.#random);
    const { table } = this.#opened();
    const slots = [...this.#keys.values()].map((key) =>
      recoverySlot(made.recovery, key, this.#options.now()),
    );
    const kept = table.slots.filter((slot) => !isRecovery(slot));
    this.#store([...kept, ...slots], table.written, made.recovery);
    return made.shares;
  }

  /** Recovers the wrapping key with shares and compares it. Throws KeeperError. */
  async proveRecovery(shares: readonly string[]): Promise<void> {
    const { recovery } = this.#opened().table;
    if (recovery === undefined) throw new KeeperError('no-recovery', 'there is no recovery set');
    const privateKey = await privateKeyOf(recovery, shares);
    const { table } = this.#opened();
    if (![...this.#keys.values()].every((key) => isRecoverable(table, key, privateKey))) {
      throw new KeeperError('share-damaged', 'the recovery slot does not open');
    }
    const proven = { ...recovery, proven: this.#options.now() };
    this.#store(table.slots, table.written, proven);
  }

  /**
   * Opens the wrapping keys with shares, where no token opens them any more, and gives the token
   * that is there a root key and proven slots. Throws KeeperError `not-new` while they are open,
   * `no-recovery`, `token`, and as `privateKeyOf` does.
   */
  async restore(shares: readonly string[], label: string): Promise<void> {
    if (this.#written !== undefined) {
      throw new KeeperError('not-new', 'the wrapping key is open: nothing is to be restored');
    }
    const { table, keys } = await openWithShares(this.#options.folder, shares);
    await this.#moveTo(table, keys, label);
  }

  /** Seals and opens a sample while a wrapping key is open. Throws what these throw. */
  check(): void {
    if (this.#written === undefined) return;
    const context = Buffer.from('self-check');
    const sample = this.#random(32);
    const opened = this.open(context, this.seal(context, sample));
    if (!timingSafeEqual(opened, sample)) throw new Error('the self-check gave other bytes back');
  }

  /**
   * Wipes the wrapping keys by a person's order, which outlasts restarts. A request that the token
   * process answers meanwhile opens nothing: the order is looked at again before keys are kept.
   */
  shut(): void {
    try {
      this.#order.give();
    } finally {
      this.wipe();
    }
    this.#options.log('warn', 'sealed by order');
  }

  /** Takes the order back and opens the slots. Throws KeeperError `token`. */
  async unshut(): Promise<void> {
    this.#order.withdraw();
    for (let tries = 0; tries < patientTries; tries++) {
      await this.advance();
      // A token process that is starting is not a token that is gone.
      if (this.#written !== undefined || this.#tokenState !== 'absent') break;
      await new Promise((resolve) => setTimeout(resolve, patientPause));
    }
    if (this.#written === undefined) {
      throw new KeeperError('token', `the root key is ${this.#tokenState}`);
    }
    this.#options.log('warn', 'unsealed by order');
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

  async #moveTo(table: SlotTable, keys: readonly WrappingKey[], label: string): Promise<void> {
    try {
      await this.#freshLogin();
      const root = await this.#options.token.makeRootKey(label);
      await this.#freshLogin();
      const slots: Slot[] = [];
      for (const key of keys) {
        const slot = this.#slotFor(root, label, key);
        await this.#provenSlot(slot, key);
        slots.push(slot);
      }
      this.#adopt({ ...table, slots: [...slots, ...table.slots.filter(isRecovery)] }, keys);
      this.#store(this.#opened().table.slots, table.written);
      this.#tokenState = 'ready';
    } catch (error) {
      this.#note(error);
      throw new KeeperError('token', `the token says: ${codeOf(error)}`, { cause: error });
    }
  }

  #recoveryStatus(): Pick<KeeperStatus, 'recovery'> {
    const recovery = this.#table?.recovery;
    if (recovery === undefined) return {};
    const { set, threshold, shares, proven } = recovery;
    return { recovery: { set, threshold, shares, proven: proven !== null } };
  }

  #opened(): { readonly table: SlotTable; readonly slot: Slot } {
    const table = this.#table;
    const slot = table === undefined ? undefined : writtenSlot(table);
    if (table === undefined || slot === undefined || this.#written === undefined) {
      throw new KeeperError('sealed', 'no wrapping key is open');
    }
    return { table, slot };
  }

  async #freshLogin(): Promise<void> {
    await this.#options.restartToken?.();
    await this.#login(this.#options.pin.take());
  }

  /** Writes a table of these slots and goes on with it. */
  #store(slots: readonly Slot[], written: string, recovery = this.#table?.recovery): void {
    const { table } = this.#opened();
    const key = this.#keys.get(written);
    if (key === undefined) throw new KeeperError('generation-unknown', 'no such generation');
    const set = recovery === undefined ? {} : { recovery };
    const next: SlotTable = { ...table, serial: table.serial + 1, written, slots, ...set };
    writeSlotTable(this.#options.folder, next, key.derive(slotTablePurpose));
    this.#table = next;
    this.#written = key;
  }

  async #openSlots(): Promise<void> {
    const { found, candidates } = readStored(this.#options.folder);
    if (!found) return;
    for (const stored of candidates) {
      const { keys, slots } = await this.#keysOf(stored.table);
      const written = keys.find((k) => k.generation.toString('hex') === stored.table.written);
      const mac = written?.derive(slotTablePurpose);
      if (mac !== undefined && isAuthentic(stored, mac)) {
        // Writes both copies anew where one was damaged or older.
        if (candidates.length < 2 || candidates.some((c) => c.mac !== stored.mac)) {
          this.#options.log('warn', 'a copy of the slot table was damaged and is mended');
          writeSlotTable(this.#options.folder, stored.table, mac);
        }
        this.#adopt(stored.table, keys);
        // A rotation of the root key that was cut short: whichever key opened first is kept.
        const { slots: all, written: writes } = stored.table;
        const recovering = all.filter(isRecovery);
        if (slots.length + recovering.length < all.length) {
          this.#store([...slots, ...recovering], writes);
        }
        return;
      }
      for (const key of keys) key.wipe();
    }
    throw new SlotTableError('no copy of the slot table can be trusted');
  }

  /** The generations, each from the first of its slots that opens. Throws when one has none. */
  async #keysOf(table: SlotTable): Promise<{ keys: WrappingKey[]; slots: Slot[] }> {
    const keys: WrappingKey[] = [];
    const slots: Slot[] = [];
    const failures = new Map<string, Error>();
    for (const slot of table.slots) {
      const { generation } = slot;
      if (isRecovery(slot)) continue;
      if (slots.some((opened) => opened.generation === generation)) continue;
      try {
        const bytes = await this.#readThroughToken(slot);
        if (bytes === undefined) continue;
        keys.push(new WrappingKey(Buffer.from(generation, 'hex'), bytes));
        slots.push(slot);
        failures.delete(generation);
      } catch (error) {
        failures.set(generation, error instanceof Error ? error : new Error(String(error)));
      }
    }
    const [failure] = failures.values();
    if (failure !== undefined) {
      for (const key of keys) key.wipe();
      throw failure;
    }
    return { keys, slots };
  }

  #refusal(): KeeperError {
    return this.#order.stands()
      ? new KeeperError('sealed-by-order', 'sealed by order')
      : new KeeperError('sealed', 'no wrapping key is open');
  }

  #adopt(table: SlotTable, keys: readonly WrappingKey[]): void {
    if (this.#order.stands()) {
      for (const key of keys) key.wipe();
      throw new KeeperError('sealed-by-order', 'sealed while the slots were being opened');
    }
    this.#table = table;
    for (const key of keys) this.#keys.set(key.generation.toString('hex'), key);
    this.#written = this.#keys.get(table.written);
    const slot = writtenSlot(table);
    this.#tokenDetail = { ...this.#tokenDetail, mechanism: `RSA-OAEP ${slot?.hash ?? ''}` };
    this.#proven = this.#options.now();
    this.#options.log('info', 'the wrapping key is open', { generation: table.written });
  }

  async #prove(): Promise<void> {
    const slot = this.#table === undefined ? undefined : writtenSlot(this.#table);
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

/** The root key's slot of the generation that is written under. */
function writtenSlot({ slots, written }: SlotTable): Slot | undefined {
  return slots.find((slot) => slot.generation === written && !isRecovery(slot));
}
