import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { InitialiseRequest, LendRequest, RestoreRequest } from '../keeper-client/console.ts';
import type { KeyHolders, Shredded } from '../keeper-client/holders.ts';
import { KeeperError } from '../keeper-client/keeper.ts';
import type { KeeperStatus } from '../keeper-client/keeper.ts';
import { ActList } from './act-list.ts';
import type { KeeperOptions } from './keeper-options.ts';
import { Administrator } from './administrator.ts';
import { freeForgotten } from './forgotten.ts';
import { KeyRing } from './key-ring.ts';
import {
  lendRecovered,
  makeRecovery,
  makeRecoveryToken,
  proveRecovery,
  proveRecoveryToken,
  removeRecoveryToken,
  restoreRecovered,
} from './recovering.ts';
import { recoveryStatus } from './recovery-part.ts';
import { Lockout } from './lockout.ts';
import { Pairing } from './pairing.ts';
import { Removal } from './removal.ts';
import { destroyRetired } from './retired-root.ts';
import { retireGenerations, rotateRootKey, rotateWrappingKey } from './rotation.ts';
import type { KeeperParts } from './rotation.ts';
import { Schedule } from './schedule.ts';
import { Shredding } from './shredding.ts';
import { SealOrder } from './seal-order.ts';
import { openSlots } from './slot-opening.ts';
import { readStored, SlotTableError } from './slot-table.ts';
import { TokenSet } from './token-set.ts';
import { Turns } from './turns.ts';
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
  readonly #tokens: TokenSet;
  readonly #turns = new Turns();
  readonly #shredding: Shredding;
  readonly #lockout: Lockout;
  readonly #removal: Removal;
  #byRemoval = false;
  #mended: number | undefined;
  #slotsDamaged = false;
  #progress: KeeperStatus['progress'];
  #looking: Promise<void> | undefined;
  readonly #schedule: Schedule;
  readonly #parts: KeeperParts;
  /** What makes a pair of two keepers. */
  readonly pairing: Pairing;
  readonly administrator: Administrator;
  /** What persons did at the console, for the server's audit. */
  readonly acts: ActList;

  constructor(options: KeeperOptions) {
    this.#options = options;
    const { folder, now, log } = options;
    const random = (this.#random = options.random ?? randomBytes);
    this.#order = new SealOrder(folder);
    const sealedByOrder = (): boolean =>
      this.#order.stands() || this.#shredding.order !== undefined;
    const ring = (this.#ring = new KeyRing({ folder, random, sealedByOrder }));
    const tokens = (this.#tokens = new TokenSet(options.tokens, options));
    this.#parts = { folder, ring, tokens, random, now, log };
    this.administrator = new Administrator(folder, random);
    this.acts = new ActList({ folder, now, random, log });
    const { rotation: every = {}, monotonic = () => performance.now() / 1000 } = options;
    // Not the clock of the day: when that is set, no token was pulled.
    this.#removal = new Removal(monotonic);
    this.#schedule = new Schedule({ every, ring, now, monotonic, log });
    const wipe = (): void => {
      this.wipe();
    };
    const { copies = {} } = options;
    this.#lockout = new Lockout(this.#parts);
    this.#shredding = new Shredding({
      ...{ folder, tokens, copies, now, log, wipe },
      lockout: this.#lockout,
    });
    this.pairing = new Pairing(this.#parts, { take: (act) => this.#act(act) });
  }

  status(): KeeperStatus {
    const { table, written } = this.#ring;
    const { found } = table === undefined ? readStored(this.#options.folder) : { found: true };
    return {
      state: written !== undefined ? 'open' : found ? 'sealed' : 'new',
      ...this.#shredding.status(),

      ...(this.#order.stands() ? { byOrder: true } : {}),
      ...(this.#byRemoval ? { byRemoval: true } : {}),
      ...this.#ring.status(),
      ...this.#schedule.status(),
      ...(this.#slotsDamaged && written === undefined ? { slotsDamaged: true } : {}),
      ...(this.#mended === undefined ? {} : { mended: this.#mended }),
      ...(this.#progress === undefined ? {} : { progress: this.#progress }),
      ...this.#tokens.inUse.status(),
      ...this.#tokens.status(),
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
  advance(): Promise<void> {
    return this.#turns.take(() => this.#advance());
  }

  /** Looks whether the token is there, for where a pulled one seals. Never throws. */
  watch(): Promise<void> {
    return this.#turns.take(async () => {
      if (this.#ring.written === undefined) return;
      try {
        await this.#tokens.inUse.probe();
        this.#removal.there();
      } catch (error) {
        this.#noteAbsence(error);
      }
    });
  }

  /**
   * Tries a PIN that a person typed, once, and goes on from there; sealed by order it stays so.
   * `name`: the token's, the one in use without it. Throws KeeperError `token`, `token-unknown`.
   */
  async givePin(pin: Buffer, name?: string): Promise<void> {
    try {
      const token = this.#tokens.named(name);
      await this.#turns.take(() =>
        token.attempt(async () => {
          // A token that is logged in says nothing of a PIN, so a refusal is not forgotten by it.
          await token.look();
          if (token.state !== 'ready') token.forgive();
          await token.login(pin);
          if (this.#shredding.order !== undefined) {
            await this.#shredding.advance();
            return;
          }
          if (this.#ring.written !== undefined || this.#order.stands()) return;
          // A recovery token is unlocked where the root key's is lost: its PIN was right.
          if (token === this.#tokens.inUse) await this.#openSlots();
          else await this.#tryToOpen();
        }),
      );
    } finally {
      pin.fill(0);
    }
  }

  /**
   * Makes a blank token ours, with this PIN or, where it is empty, the one at hand. Gives the
   * security officer's PIN. Throws KeeperError `token`, `token-unknown`.
   */
  async provision(pin: Buffer, name?: string): Promise<Buffer> {
    const token = this.#tokens.named(name);
    const officer = Buffer.from(this.#random(8).toString('hex'));
    await this.#turns.take(() =>
      token.attempt(() => token.provision(officer, pin.length === 0 ? undefined : pin)),
    );
    return officer;
  }

  /**
   * Makes a cluster's first wrapping key and its slot: makes the root key, decrypts the slot back
   * through the token, compares, and only then writes. `name`: the token's, the configuration's
   * first without it. Throws KeeperError `not-new`, `token`, `token-unknown`.
   */
  initialise(label: string, name?: string): Promise<void> {
    return this.#act(async () => {
      if (this.status().state !== 'new') {
        throw new KeeperError('not-new', 'there is a slot table already');
      }
      const token = this.#tokens.named(name);
      await token.attempt(async () => {
        const made = await token.makeRootKey(label);
        const key = new WrappingKey(this.#random(generationBytes), this.#random(32));
        const slot = await token.provenSlot(made, label, key);
        this.#ring.found(this.#random(16).toString('hex'), slot, key);
        this.#tokens.use(token);
        token.noteProof(slot);
      });
      await this.#lockout.protect();
    });
  }

  /** See `rotateRootKey`. */
  rotateRootKey(request: InitialiseRequest): Promise<void> {
    return this.#act(() => this.#rotateRootKey(request));
  }

  /** See `rotateWrappingKey`. */
  rotateWrappingKey(): Promise<string> {
    return this.#act(() => rotateWrappingKey(this.#parts));
  }

  /**
   * Forgets those of these generations (hexadecimal) that are older than the written one and that
   * no peer needs: nothing here is sealed under them. Others are not touched, for a rotation may
   * have begun since whoever asks looked. See `retireGenerations`.
   */
  retire(generations: readonly string[]): Promise<void> {
    return this.#turns.take(() => {
      const older = this.#ring.older().filter((id) => generations.includes(id));
      retireGenerations(this.#parts, this.pairing.retirable(older));
      return Promise.resolve();
    });
  }

  /** See `makeRecovery`. */
  makeRecovery(wanted: { threshold: number; shares: number }): Promise<string[]> {
    return this.#act(() => makeRecovery(this.#parts, wanted));
  }

  /** See `proveRecovery`. */
  proveRecovery(shares: readonly string[]): Promise<void> {
    return this.#act(() => proveRecovery(this.#parts, shares));
  }

  /** See `makeRecoveryToken`. */
  makeRecoveryToken(request: InitialiseRequest): Promise<string> {
    return this.#act(() => makeRecoveryToken(this.#parts, request));
  }

  /** See `proveRecoveryToken`. */
  proveRecoveryToken(name: string): Promise<void> {
    return this.#act(() => proveRecoveryToken(this.#parts, name));
  }

  /** See `removeRecoveryToken`. */
  removeRecoveryToken(keyId: string): Promise<void> {
    return this.#act(() => {
      removeRecoveryToken(this.#parts, keyId);
      return Promise.resolve();
    });
  }

  /** See `restoreRecovered`. */
  restore(request: RestoreRequest): Promise<void> {
    return this.#act(() => restoreRecovered(this.#parts, request));
  }

  /** See `lendRecovered`. */
  lend(request: LendRequest): Promise<void> {
    return this.#act(() => lendRecovered(this.#parts, request));
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

  /** What holds the keys. Throws KeeperError `shred-refused` where there are none. */
  holders(): KeyHolders {
    return this.#shredding.holders();
  }

  /**
   * Wipes every key at once and for good, and destroys slots and root keys as far as the tokens are
   * there; the rest when they are. Throws KeeperError `shred-refused`, with nothing changed.
   */
  async shred(name: string): Promise<Shredded> {
    this.#shredding.give(name);
    await this.#turns.take(() => this.#shredding.advance());
    if (this.#shredding.order === undefined) throw new Error('the order is gone');
    return this.#shredding.order;
  }

  /** Takes the order back and opens the slots. Throws KeeperError `token`, `shredded`. */
  async unshut(): Promise<void> {
    this.#refuseShredded();
    this.#order.withdraw();
    for (let tries = 0; tries < patientTries; tries++) {
      await this.advance();
      // A token process that is starting is not a token that is gone.
      if (this.#ring.written !== undefined || this.#tokens.inUse.state !== 'absent') break;
      await new Promise((resolve) => setTimeout(resolve, patientPause));
    }
    if (this.#ring.written === undefined) {
      throw new KeeperError('token', `the root key is ${this.#tokens.inUse.state}`);
    }
    this.#options.log('warn', 'unsealed by order');
  }

  wipe(): void {
    this.#ring.wipe();
    freeForgotten();
  }

  /** An act in its turn, unless there are no keys any more. */
  #act<T>(act: () => Promise<T>): Promise<T> {
    return this.#turns.take(() => {
      this.#refuseShredded();
      return act();
    });
  }

  async #rotateRootKey(request: InitialiseRequest): Promise<void> {
    const progress = (done: number, of: number): void => {
      this.#progress = { done, of };
    };
    try {
      await rotateRootKey({ ...this.#parts, progress }, request);
    } finally {
      this.#progress = undefined;
    }
  }

  #newLabel(): string {
    return `twinlock root ${this.#random(4).toString('hex')}`;
  }

  #refuseShredded(): void {
    if (this.#shredding.order === undefined) return;
    throw new KeeperError('shredded', 'every key of this node was destroyed');
  }

  async #advance(): Promise<void> {
    if (this.#shredding.order !== undefined) {
      await this.#shredding.advance().catch((error: unknown) => {
        const text = error instanceof Error ? error.message : 'unknown';
        this.#options.log('error', 'the key slots could not be destroyed', { error: text });
      });
      return;
    }
    if (this.#order.stands()) return;
    try {
      if (this.#ring.written !== undefined) await this.#proveAndTidy();
      else if (!(await this.#openSlots())) await this.#tokens.inUse.login();
      this.#tokens.inUse.noteReady();
      this.#removal.there();
    } catch (error) {
      this.#noteAbsence(error);
    }
    this.#looking ??= this.#tokens.look().finally(() => (this.#looking = undefined));
  }

  #noteAbsence(error: unknown): void {
    this.#lockout.forget();
    this.#tokens.inUse.note(error);
    this.#slotsDamaged = error instanceof SlotTableError;
    if (this.#options.tokenRemoval !== 'seal' || this.#ring.written === undefined) return;
    if (!this.#removal.isMeantBy(error)) return;
    this.wipe();
    this.#byRemoval = true;
    this.#options.log('warn', 'sealed, because the token was pulled');
  }

  async #tryToOpen(): Promise<void> {
    try {
      await this.#openSlots();
    } catch (error) {
      this.#tokens.inUse.note(error);
    }
  }

  /** False where there are no slots yet. */
  async #openSlots(): Promise<boolean> {
    const { folder, log } = this.#options;
    const opened = await openSlots({ folder, ring: this.#ring, tokens: this.#tokens, log });
    this.#slotsDamaged = false;
    if (opened === 'mended') this.#mended = this.#options.now();
    if (opened !== 'none') {
      this.#byRemoval = false;
      this.#tokens.inUse.noteProof(this.#ring.opened().slot);
      this.#lockout.forget();
      await this.#lockout.protect();
    }
    return opened !== 'none';
  }

  async #proveAndTidy(): Promise<void> {
    await this.#prove();
    await this.#lockout.protect();
    await destroyRetired(this.#parts);
    await this.#schedule.advance({
      rootKey: () => this.#rotateRootKey({ rootKeyLabel: this.#newLabel() }),
      wrappingKey: () => rotateWrappingKey(this.#parts),
    });
  }

  async #prove(): Promise<void> {
    const { slot, key } = this.#ring.opened();
    const token = this.#tokens.inUse;
    await token.login();
    await token.prove(slot, key);
    token.noteProof(slot);
  }

  #recoveryStatus(): Pick<KeeperStatus, 'recovery'> {
    const { table } = this.#ring;
    const recovery = table === undefined ? undefined : recoveryStatus(table);
    return recovery === undefined ? {} : { recovery };
  }
}
