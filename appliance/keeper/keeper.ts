import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { LendRequest, RestoreRequest } from '../keeper-client/console.ts';
import { KeeperError } from '../keeper-client/keeper.ts';
import type { KeeperStatus } from '../keeper-client/keeper.ts';
import type { KeeperOptions } from './keeper-options.ts';
import { KeyRing } from './key-ring.ts';
import { lendWithShares, makeRecovery, proveRecovery, restoreWithShares } from './recovering.ts';
import { Pairing } from './pairing.ts';
import { RootToken } from './root-token.ts';
import { retireGenerations, rotateRootKey, rotateWrappingKey } from './rotation.ts';
import type { KeeperParts } from './rotation.ts';
import { SealOrder } from './seal-order.ts';
import { openSlots } from './slot-opening.ts';
import { readStored } from './slot-table.ts';
import { generationBytes, WrappingKey } from './wrapping-key.ts';

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
  readonly #ring: KeyRing;
  readonly #root: RootToken;
  readonly #parts: KeeperParts;
  /** What makes a pair of two keepers. */
  readonly pairing: Pairing;

  constructor(options: KeeperOptions) {
    this.#options = options;
    const { folder, now, log } = options;
    const random = (this.#random = options.random ?? randomBytes);
    this.#order = new SealOrder(folder);
    const sealedByOrder = (): boolean => this.#order.stands();
    const ring = (this.#ring = new KeyRing({ folder, random, sealedByOrder }));
    const root = (this.#root = new RootToken(options));
    this.#parts = { folder, ring, root, random, now, log };
    this.pairing = new Pairing(this.#parts);
  }

  status(): KeeperStatus {
    const { table, written } = this.#ring;
    const { found } = table === undefined ? readStored(this.#options.folder) : { found: true };
    return {
      state: written !== undefined ? 'open' : found ? 'sealed' : 'new',
      ...(this.#order.stands() ? { byOrder: true } : {}),
      ...this.#ring.status(),
      ...this.#root.status(),
      ...this.#recoveryStatus(),
    };
  }

  seal(context: Uint8Array, plaintext: Uint8Array): Buffer {
    return this.#ring.seal(context, plaintext);
  }

  open(context: Uint8Array, sealed: Buffer): Buffer {
    return this.#ring.open(context, sealed);
  }

  /** A key of 32 bytes that every node of the cluster has, for one purpose. */
  derive(purpose: string): Buffer {
    return this.#ring.derive(purpose);
  }

  /**
   * Brings the keeper as far as it can come without a person: logs in with the PIN at hand, opens
   * the slots, proves the root key. Never throws: the status says how far it came.
   */
  async advance(): Promise<void> {
    try {
      if (this.#order.stands()) return;
      await this.#root.login();
      if (this.#ring.written === undefined) await this.#openSlots();
      else await this.#prove();
      this.#root.noteReady();
    } catch (error) {
      this.#root.note(error);
    }
  }

  /** Tries a PIN that a person typed, once, and goes on from there. Throws KeeperError `token`. */
  async givePin(pin: Buffer): Promise<void> {
    try {
      await this.#root.attempt(async () => {
        this.#options.pin.clear();
        await this.#root.login(pin);
        if (this.#ring.written === undefined) await this.#openSlots();
      });
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
    await this.#root.attempt(async () => {
      await this.#root.login();
      const made = await this.#root.makeFirstRootKey(label);
      const key = new WrappingKey(this.#random(generationBytes), this.#random(32));
      const slot = await this.#root.provenSlot(made, label, key);
      this.#ring.found(this.#random(16).toString('hex'), slot, key);
      this.#root.noteProof(`RSA-OAEP ${slot.hash}`);
    });
  }

  /** See `rotateRootKey`. */
  rotateRootKey(label: string): Promise<void> {
    return rotateRootKey(this.#parts, label);
  }

  /** See `rotateWrappingKey`. */
  rotateWrappingKey(): Promise<string> {
    return rotateWrappingKey(this.#parts);
  }

  /** See `retireGenerations`. */
  retire(): void {
    const older = this.#ring.older();
    retireGenerations(this.#parts, this.pairing.retirable(older));
  }

  /** See `makeRecovery`. */
  makeRecovery(wanted: { threshold: number; shares: number }): Promise<string[]> {
    return makeRecovery(this.#parts, wanted);
  }

  /** See `proveRecovery`. */
  proveRecovery(shares: readonly string[]): Promise<void> {
    return proveRecovery(this.#parts, shares);
  }

  /** See `restoreWithShares`. */
  restore(request: RestoreRequest): Promise<void> {
    return restoreWithShares(this.#parts, request);
  }

  /** See `lendWithShares`. */
  lend(request: LendRequest): Promise<void> {
    return lendWithShares(this.#parts, request);
  }

  /** The slot table as it lies on the disk, for a backup. Throws KeeperError `sealed`. */
  slots(): string {
    return this.#ring.stored();
  }

  /** Seals and opens a sample while a wrapping key is open. Throws what these throw. */
  check(): void {
    if (this.#ring.written === undefined) return;
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
      if (this.#ring.written !== undefined || this.#root.state !== 'absent') break;
      await new Promise((resolve) => setTimeout(resolve, patientPause));
    }
    if (this.#ring.written === undefined) {
      throw new KeeperError('token', `the root key is ${this.#root.state}`);
    }
    this.#options.log('warn', 'unsealed by order');
  }

  wipe(): void {
    this.#ring.wipe();
  }

  async #openSlots(): Promise<void> {
    const { folder, log } = this.#options;
    const opened = await openSlots({ folder, ring: this.#ring, root: this.#root, log });
    if (opened) this.#root.noteProof(`RSA-OAEP ${this.#ring.opened().slot.hash}`);
  }

  async #prove(): Promise<void> {
    const { slot, key } = this.#ring.opened();
    await this.#root.prove(slot, key);
    this.#root.noteProof();
  }

  #recoveryStatus(): Pick<KeeperStatus, 'recovery'> {
    const recovery = this.#ring.table?.recovery;
    if (recovery === undefined) return {};
    const { set, threshold, shares, proven } = recovery;
    return { recovery: { set, threshold, shares, proven: proven !== null } };
  }
}
