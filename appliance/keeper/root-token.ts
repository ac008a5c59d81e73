import { createPublicKey, timingSafeEqual } from 'node:crypto';
import { KeeperError } from '../keeper-client/keeper.ts';
import type { KeeperStatus, TokenView } from '../keeper-client/keeper.ts';
import { TokenError } from '../token/error.ts';
import type { DictionaryAttack, RootKey } from '../token/token.ts';
import type { KeeperOptions, NamedToken } from './keeper-options.ts';
import { makeSlot, readSlot } from './slot.ts';
import type { Slot } from './slot.ts';
import { codeOf, tokenStateOf } from './token-state.ts';
import type { TokenState } from './token-state.ts';
import type { WrappingKey } from './wrapping-key.ts';

type Parts = NamedToken & Pick<KeeperOptions, 'now' | 'log'>;

/** What came of destroying a root key: `not-there` in the token that made it is as good. */
export type Destroyed = 'destroyed' | 'not-there' | 'another';

/** One token as the keeper uses it: logged in with a PIN that is never tried twice. */
export class RootToken {
  readonly #parts: Parts;
  #state: TokenState = 'absent';
  #detail: Omit<TokenView, 'state' | 'name'> = {};
  #mechanism: string | undefined;
  #proven: number | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.name;
  }

  get state(): TokenState {
    return this.#state;
  }

  told(): TokenView {
    return { state: this.#state, name: this.#parts.name, ...this.#detail };
  }

  status(): Pick<KeeperStatus, 'token' | 'rootKeyProven'> {
    const mechanism = this.#mechanism;
    return {
      token: { ...this.told(), ...(mechanism === undefined ? {} : { mechanism }) },
      ...(this.#proven === undefined ? {} : { rootKeyProven: this.#proven }),
    };
  }

  /** Logs in with this PIN, which is wiped, unless the token is logged in. Throws TokenError. */
  async login(typed?: Buffer): Promise<void> {
    const { token } = this.#parts;
    if (await this.#isLoggedIn()) {
      typed?.fill(0);
      return;
    }
    const pin = typed ?? this.#parts.pin.take();
    if (pin === undefined) {
      const refused = this.#parts.pin.refused();
      throw new TokenError(refused ? 'pin-wrong' : 'pin-needed', 'a PIN is needed');
    }
    const source = this.#parts.pin;
    this.#sayUnjudged(source.unjudged());
    try {
      source.begin(pin);
      await token.login(pin);
      source.taken(pin);
    } catch (error) {
      if (codeOf(error) === 'pin-wrong') source.markRefused();
      else if (isJudged(error)) source.clear();
      else this.#sayUnjudged(source.unjudged());
      throw error;
    } finally {
      pin.fill(0);
    }
  }

  /** Throws what a token says that is not there. */
  async probe(): Promise<void> {
    await this.#isLoggedIn();
  }

  /** Whether a token that nothing is asked of is there. Never throws. */
  async look(): Promise<void> {
    try {
      this.#state = (await this.#isLoggedIn()) ? 'ready' : 'idle';
    } catch (error) {
      this.#state = tokenStateOf[codeOf(error) as TokenError['code']] ?? 'failed';
    }
  }

  /** See `Token.protect`. Throws TokenError. */
  protect(lockoutAuth: Buffer, mayTry: boolean): Promise<DictionaryAttack | undefined> {
    return this.#parts.token.protect(lockoutAuth, mayTry);
  }

  /** See `Token.clear`. Throws TokenError. */
  clear(lockoutAuth: Buffer | undefined): Promise<boolean> {
    return this.#parts.token.clear(lockoutAuth);
  }

  /** Forgets that a PIN was refused: a person gives another. */
  forgive(): void {
    this.#parts.pin.clear();
  }

  /** Makes a blank token ours with this PIN, or the one at hand. Throws TokenError. */
  async provision(officerPin: Buffer, typed: Buffer | undefined): Promise<void> {
    const pin = typed ?? this.#parts.pin.take();
    if (pin === undefined) throw new TokenError('pin-needed', 'a PIN is needed');
    try {
      await this.#parts.token.provision(this.#parts.label, officerPin, pin);
    } finally {
      pin.fill(0);
    }
  }

  /**
   * Makes a root key, with this CKA_ID if one is given; its attributes are looked at in another
   * login. Throws TokenError.
   */
  async makeRootKey(label: string, id?: Uint8Array): Promise<RootKey> {
    await this.login();
    return this.#parts.token.makeRootKey(label, id);
  }

  /** Ends the login, as far as the token can still be asked. Never throws. */
  async logout(): Promise<void> {
    try {
      await this.#parts.token.logout();
    } catch {
      // It is gone, and its login with it.
    }
    await this.look();
  }

  /** What the token said it was, when it was last asked. */
  get device(): string {
    return `${this.#detail.module ?? ''} ${this.#detail.serial ?? ''}`.trim();
  }

  /**
   * Destroys a root key, if this token has one of that id. `device`: what the token was when
   * it made the key, if that is known; `another` where this one says otherwise and has no such key.
   * Throws TokenError.
   */
  async destroy(keyId: string, device?: string): Promise<Destroyed> {
    try {
      await this.login();
      if (await this.#parts.token.destroyRootKey(Buffer.from(keyId, 'hex'))) return 'destroyed';
      return device === undefined || device === this.device ? 'not-there' : 'another';
    } catch (error) {
      // Whatever call it was: a PIN that was refused is never tried again by itself.
      if (codeOf(error) === 'pin-wrong') this.note(error);
      throw error;
    }
  }

  /** The wrapping key in a slot, decrypted in the token; undefined where it is not the slot's. */
  async read(slot: Slot): Promise<Buffer | undefined> {
    const id = Buffer.from(slot.keyId, 'hex');
    const ciphertext = Buffer.from(slot.ciphertext, 'base64');
    return readSlot(slot, await this.#parts.token.decrypt(id, slot.hash, ciphertext));
  }

  /** Throws unless the token gives back from the slot the very key that is in memory. */
  async prove(slot: Slot, key: WrappingKey): Promise<void> {
    const bytes = await this.read(slot);
    const same = bytes !== undefined && key.use((held) => timingSafeEqual(held, bytes));
    bytes?.fill(0);
    if (!same) throw new TokenError('failed', 'the token did not give the wrapping key back');
  }

  /** A slot for this root key that the token has opened again. Throws TokenError. */
  async provenSlot(root: RootKey, label: string, key: WrappingKey): Promise<Slot> {
    const slot = this.#slotFor(root, label, key);
    await this.prove(slot, key);
    return slot;
  }

  /** Notes that the root key has just opened what it should. */
  noteProof({ hash, publicKey }: Pick<Slot, 'hash' | 'publicKey'>): void {
    const key = Buffer.from(publicKey, 'base64');
    const { modulusLength = 0 } =
      createPublicKey({ key, format: 'der', type: 'spki' }).asymmetricKeyDetails ?? {};
    this.#state = 'ready';
    this.#proven = this.#parts.now();
    this.#mechanism = `RSA-${modulusLength} OAEP ${hash}`;
  }

  noteReady(): void {
    this.#state = 'ready';
  }

  /**
   * Notes what keeps the root key from being used; logged when it is news. A PIN that was refused,
   * by whatever call, is never tried again by itself; a locked token has not judged it.
   */
  note(error: unknown): void {
    const code = codeOf(error);
    const { pin } = this.#parts;
    if (code === 'pin-wrong' && !pin.refused()) pin.markRefused();
    const state = tokenStateOf[code as TokenError['code']] ?? 'failed';
    if (state !== this.#state) {
      const text = error instanceof Error ? error.message : 'unknown';
      const fields = { token: this.#parts.name, code, error: text };
      this.#parts.log('error', 'the root key cannot be used', fields);
    }
    this.#state = state;
  }

  /** Runs an act that needs the token; what it throws is noted and becomes KeeperError `token`. */
  async attempt<T>(act: () => Promise<T>): Promise<T> {
    try {
      const value = await act();
      this.#state = 'ready';
      return value;
    } catch (error) {
      this.note(error);
      const code = codeOf(error);
      const elsewhere = code === 'set-up-elsewhere' && error instanceof Error;
      const text = elsewhere ? error.message : `the token ${this.name} says: ${code}`;
      throw new KeeperError('token', text, { cause: error });
    }
  }

  #sayUnjudged(tries: number): void {
    if (tries === 0) return;
    const next = this.#parts.pin.refused()
      ? 'it is not tried again: a person has to give it'
      : 'it is tried once more';
    const fields = { token: this.name, tries };
    this.#parts.log('warn', `what the token said of its PIN was lost: ${next}`, fields);
  }

  async #isLoggedIn(): Promise<boolean> {
    const status = await this.#parts.token.status();
    const { label, manufacturer, model, serial, vendor, pinTries } = status;
    const module = `${manufacturer} ${model}`;
    const tries = pinTries === undefined ? {} : { pinTries };
    this.#detail = { label, module, serial, vendor, ...tries };
    return status.loggedIn;
  }

  #slotFor(root: RootKey, label: string, key: WrappingKey): Slot {
    const context = {
      kind: 'token',
      generation: key.generation.toString('hex'),
      keyId: Buffer.from(root.id).toString('hex'),
      label,
      publicKey: Buffer.from(root.publicKey).toString('base64'),
      hash: root.hash,
      created: this.#parts.now(),
      token: this.#parts.name,
      device: this.device,
    } as const;
    return key.use((bytes) => makeSlot(context, bytes));
  }
}

/** False where the token process ended, or did not answer, while the PIN was being tried. */
function isJudged(error: unknown): boolean {
  if (!(error instanceof TokenError)) return false;
  const lost = error.code === 'restart-needed' || error.code === 'deadline';
  return !lost || (error.ckr ?? 0) !== 0;
}
