import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { KeeperOptions, NamedToken } from '../../appliance/keeper/keeper-options.ts';
import { KeyKeeper } from '../../appliance/keeper/keeper.ts';
import { PinSource } from '../../appliance/keeper/pin.ts';
import { softhsm } from '../../appliance/service/software-token/softhsm.ts';
import { TokenError } from '../../appliance/token/error.ts';
import type { TokenErrorCode } from '../../appliance/token/error.ts';
import { Pkcs11 } from '../../appliance/token/pkcs11.ts';
import type { Token } from '../../appliance/token/token.ts';
import { removeFolder, temporaryFolder } from './appliance.ts';

// One library per process, and so one token for all tests of a file.
const folder = temporaryFolder();
const software = softhsm(folder);
Object.assign(process.env, software.environment);
const module = new Pkcs11(software.module, { label: 'test' }, randomBytes);
const pin = Buffer.from('123456');
module.provision('test', Buffer.from('654321'), pin);
/** Removes the token; for `test.after.always`. */
export function removeToken(): void {
  removeFolder(folder);
}

/** The token in this process; `dead` makes every call fail as it does when the token is gone. */
export class NearToken implements Token {
  dead = false;
  /** What a dead one says. */
  says: TokenErrorCode = 'restart-needed';
  /** What it says its serial number is; its own without. */
  serial: string | undefined;
  /** Keys that it is told to destroy become `lost` to it, and may be found again. */
  spares = false;
  /** So many calls are answered still; then it is dead. */
  callsLeft = Infinity;
  static #made = 0;
  readonly #number = ++NearToken.#made;
  /** Which of these tokens made a key: to the others it is unknown. */
  static readonly #makers = new Map<string, NearToken>();
  /** Root keys (CKA_ID in hexadecimal) that this token does not have: it is another token. */
  readonly lost = new Set<string>();

  #call<T>(act: () => T): Promise<T> {
    if (this.callsLeft-- <= 0) this.dead = true;
    if (this.dead) return Promise.reject(new TokenError(this.says, 'gone'));
    return new Promise((resolve) => {
      resolve(act());
    });
  }

  status = (): ReturnType<Token['status']> =>
    this.#call(() => ({ ...module.status(), serial: this.serial ?? `near-${this.#number}` }));
  login = (given: Uint8Array): Promise<void> =>
    this.#call(() => {
      module.login(given);
    });
  relogin = (): Promise<void> =>
    this.#call(() => {
      module.relogin();
    });
  protect = (): ReturnType<Token['protect']> => this.#call(() => undefined);
  clear = (): Promise<boolean> => this.#call(() => false);
  provision = (): Promise<void> => Promise.reject(new TokenError('failed', 'not here'));
  /** One library has one login: for this token's own it is enough to be asked. */
  logouts = 0;
  logout = (): Promise<void> =>
    this.#call(() => {
      this.logouts++;
    });
  makeRootKey = (label: string, wanted?: Uint8Array): ReturnType<Token['makeRootKey']> =>
    this.#call(() => {
      const key = module.makeRootKey(label, wanted);
      NearToken.#makers.set(Buffer.from(key.id).toString('hex'), this);
      return key;
    });
  destroyRootKey = (id: Uint8Array): Promise<boolean> =>
    this.#call(() => {
      // What is not there is no error: see `Token`.
      const found = this.holds(id) && !this.lost.has(Buffer.from(id).toString('hex'));
      if (this.spares) this.lost.add(Buffer.from(id).toString('hex'));
      else if (this.holds(id)) {
        module.destroyRootKey(id);
        NearToken.#makers.delete(Buffer.from(id).toString('hex'));
      }
      return found;
    });

  /** Whether this token made that key and it was not destroyed. */
  holds(id: Uint8Array): boolean {
    return NearToken.#makers.get(Buffer.from(id).toString('hex')) === this;
  }

  /** CKA_ID in hexadecimal of every key that it holds. */
  keys(): string[] {
    const made = [...NearToken.#makers].filter(([, maker]) => maker === this);
    return made.map(([id]) => id).filter((id) => !this.lost.has(id));
  }
  decrypt = (...all: Parameters<Token['decrypt']>): Promise<Buffer> =>
    this.#call(() => {
      const id = Buffer.from(all[0]).toString('hex');
      if (this.lost.has(id) || NearToken.#makers.get(id) !== this) {
        throw new TokenError('key-missing', 'another token');
      }
      return module.decrypt(...all);
    });
}

interface KeeperSetting {
  readonly token: NearToken;
  readonly keeper: KeyKeeper;
  readonly folder: string;
  readonly another: () => KeyKeeper;
}

/** A keeper of its own folder that is set up, and `another` like it, as after a restart. */
export async function keeperSetting(t: ExecutionContext): Promise<KeeperSetting> {
  const setting = blankKeeper(t, new NearToken());
  await setting.keeper.initialise('root');
  return setting;
}

/**
 * A keeper that is new, as in a box that was never set up. `further`: tokens beside the first, by
 * their names.
 */
export function blankKeeper(
  t: ExecutionContext,
  token: NearToken,
  further: Readonly<Record<string, NearToken>> = {},
  options: Partial<KeeperOptions> = {},
): KeeperSetting {
  const state = temporaryFolder();
  t.teardown(() => {
    removeFolder(state);
  });
  mkdirSync(join(state, 'keeper'));
  writeFileSync(join(state, 'pin'), pin);
  const folder = join(state, 'keeper');
  const named = (name: string, each: NearToken): NamedToken => ({
    name,
    label: 'test',
    token: each,
    pin: new PinSource(join(state, 'pin'), folder, true, name),
  });
  const others = Object.entries(further).map(([name, each]) => named(name, each));
  const another = (): KeyKeeper =>
    new KeyKeeper({
      folder,
      tokens: [named('tpm', token), ...others],
      now: () => 1_700_000_000,
      log: () => {},
      ...options,
    });
  const keeper = another();
  return { token, keeper, folder: join(state, 'keeper'), another };
}
