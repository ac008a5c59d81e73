import { timingSafeEqual } from 'node:crypto';
import { KeeperError } from '../keeper-client/keeper.ts';
import type { KeeperStatus } from '../keeper-client/keeper.ts';
import { TokenError } from '../token/error.ts';
import type { RootKey } from '../token/token.ts';
import type { KeeperOptions } from './keeper-options.ts';
import { makeSlot, readSlot } from './slot.ts';
import type { Slot } from './slot.ts';
import { codeOf, tokenStateOf } from './token-state.ts';
import type { TokenState } from './token-state.ts';
import type { WrappingKey } from './wrapping-key.ts';

type Parts = Pick<KeeperOptions, 'token' | 'pin' | 'restartToken' | 'now' | 'log'>;

/** The token as the keeper uses it: logged in with a PIN that is never tried twice. */
export class RootToken {
  readonly #parts: Parts;
  #state: TokenState = 'absent';
  #detail: Omit<KeeperStatus['token'], 'state'> = {};
  #proven: number | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get state(): TokenState {
    return this.#state;
  }

  status(): Pick<KeeperStatus, 'token' | 'rootKeyProven'> {
    return {
      token: { state: this.#state, ...this.#detail },
      ...(this.#proven === undefined ? {} : { rootKeyProven: this.#proven }),
    };
  }

  /** Logs in with this PIN, which is wiped, unless the token is logged in. Throws TokenError. */
  async login(pin: Buffer | undefined = this.#parts.pin.take()): Promise<void> {
    const { token } = this.#parts;
    const status = await token.status();
    const module = `${status.manufacturer} ${status.model}`;
    this.#detail = { ...this.#detail, label: status.label, module };
    if (status.loggedIn) return;
    if (pin === undefined) {
      const refused = this.#parts.pin.refused();
      throw new TokenError(refused ? 'pin-wrong' : 'pin-needed', 'a PIN is needed');
    }
    try {
      await token.login(pin);
      this.#parts.pin.clear();
    } catch (error) {
      // A locked token has not judged the PIN: it may be tried once more when it is unlocked.
      if (codeOf(error) === 'pin-wrong') this.#parts.pin.markRefused();
      throw error;
    } finally {
      pin.fill(0);
    }
  }

  /** A login of a new process: tpm2-pkcs11 without a resource manager has room for two keys. */
  async freshLogin(): Promise<void> {
    await this.#parts.restartToken?.();
    await this.login();
  }

  /** Makes a root key between two logins, for the room that a token has. Throws TokenError. */
  async makeRootKey(label: string): Promise<RootKey> {
    await this.freshLogin();
    const root = await this.#parts.token.makeRootKey(label);
    await this.freshLogin();
    return root;
  }

  /** Like `makeRootKey` for a token that has just been logged in to and holds nothing yet. */
  makeFirstRootKey(label: string): Promise<RootKey> {
    return this.#parts.token.makeRootKey(label);
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
  noteProof(mechanism?: string): void {
    this.#state = 'ready';
    this.#proven = this.#parts.now();
    if (mechanism !== undefined) this.#detail = { ...this.#detail, mechanism };
  }

  noteReady(): void {
    this.#state = 'ready';
  }

  /** Notes what keeps the root key from being used; logged when it is news. */
  note(error: unknown): void {
    const code = codeOf(error);
    const state = tokenStateOf[code as TokenError['code']] ?? 'failed';
    if (state !== this.#state) {
      const fields = { code, error: error instanceof Error ? error.message : 'unknown' };
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
      throw new KeeperError('token', `the token says: ${codeOf(error)}`, { cause: error });
    }
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
    } as const;
    return key.use((bytes) => makeSlot(context, bytes));
  }
}
