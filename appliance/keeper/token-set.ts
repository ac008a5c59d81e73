import { KeeperError } from '../keeper-client/keeper.ts';
import type { KeeperStatus, TokenView } from '../keeper-client/keeper.ts';
import type { KeeperOptions, NamedToken } from './keeper-options.ts';
import { RootToken } from './root-token.ts';
import type { Destroyed } from './root-token.ts';
import type { Slot } from './slot.ts';

/**
 * The tokens that the configuration names. One of them holds the root key; which one the slot
 * table says, and the first one where there is none yet.
 */
export class TokenSet {
  readonly #all: readonly RootToken[];
  #inUse: RootToken;

  constructor(
    tokens: readonly [NamedToken, ...NamedToken[]],
    parts: Pick<KeeperOptions, 'now' | 'log'>,
  ) {
    const [first, ...others] = tokens;
    this.#inUse = new RootToken({ ...parts, ...first });
    this.#all = [this.#inUse, ...others.map((token) => new RootToken({ ...parts, ...token }))];
  }

  /** The token that holds the root key. */
  get inUse(): RootToken {
    return this.#inUse;
  }

  use(token: RootToken): void {
    this.#inUse = token;
  }

  /**
   * Whether this is the token that holds the root key of this slot, be it under another name: some
   * tokens tell no serial number, and only their names tell them apart.
   */
  isRoots(token: RootToken, root: Slot): boolean {
    const { serial = '' } = token.told();
    const told = serial !== '' && serial !== 'unknown';
    return token === this.#inUse || (told && token.device === root.device);
  }

  /** The token of this name; the one in use without one. Throws KeeperError `token-unknown`. */
  named(name: string | undefined): RootToken {
    if (name === undefined) return this.#inUse;
    const found = this.#all.find((token) => token.name === name);
    if (found === undefined) throw new KeeperError('token-unknown', `no token is called ${name}`);
    return found;
  }

  /**
   * The tokens that may hold this slot's root key: the one that it names, or all of them, the one
   * in use first, for a slot that a peer made or a name that is no more.
   */
  of(slot: Slot): readonly RootToken[] {
    const named = this.#all.find((token) => token.name === slot.token);
    if (named !== undefined) return [named];
    return [this.#inUse, ...this.#all.filter((token) => token !== this.#inUse)];
  }

  /** The tokens of that name: none where it is not in the configuration, all without a name. */
  holding(name: string | undefined): readonly RootToken[] {
    return name === undefined ? this.#all : this.#all.filter((token) => token.name === name);
  }

  /**
   * Destroys a root key in whichever of these tokens has it: several are asked where nobody knows
   * which one made it. `another` where none of them is that one. Throws TokenError.
   */
  async destroyIn(
    holders: readonly RootToken[],
    { keyId, device }: { readonly keyId: string; readonly device?: string },
  ): Promise<Destroyed> {
    const outcomes: Destroyed[] = [];
    for (const token of holders) outcomes.push(await token.destroy(keyId, device));
    if (outcomes.includes('destroyed')) return 'destroyed';
    return outcomes.includes('not-there') ? 'not-there' : 'another';
  }

  /** What is known of the token of that name. */
  view(name: string | undefined): Pick<TokenView, 'state' | 'vendor'> | undefined {
    const [token] = name === undefined ? [] : this.holding(name);
    if (token === undefined) return undefined;
    const { state, vendor } = token.told();
    return { state, ...(vendor === undefined ? {} : { vendor }) };
  }

  /** Asks those that hold no root key whether they are there. Never throws. */
  async look(): Promise<void> {
    for (const token of this.#all) if (token !== this.#inUse) await token.look();
  }

  status(): Pick<KeeperStatus, 'tokens'> {
    if (this.#all.length === 1) return {};
    const inUse = this.#inUse;
    return { tokens: this.#all.map((each) => ({ ...each.told(), root: each === inUse })) };
  }
}
