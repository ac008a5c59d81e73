import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { overwriteFile, replaceFile } from '../disk/durable-file.ts';
import type { KeyHolders, RootHolder, Shredded } from '../keeper-client/holders.ts';
import { KeeperError } from '../keeper-client/keeper.ts';
import type { KeeperStatus } from '../keeper-client/keeper.ts';
import { holdersOf, slotFiles } from './key-holders.ts';
import type { KeyCopies, KeeperLog } from './keeper-options.ts';
import type { Lockout } from './lockout.ts';
import type { RootToken } from './root-token.ts';
import type { Destroyed } from './root-token.ts';
import { TokenError } from '../token/error.ts';
import type { TokenSet } from './token-set.ts';
import { codeOf } from './token-state.ts';

interface ShreddingParts {
  readonly folder: string;
  readonly tokens: TokenSet;
  readonly copies: KeyCopies;
  readonly now: () => number;
  readonly log: KeeperLog;
  readonly lockout: Pick<Lockout, 'open' | 'fromSlots'>;
  /** Overwrites every key in memory. */
  readonly wipe: () => void;
}

/**
 * The end of a node's keys, by a person's order: root keys in tokens, TPMs, slots. The order is a
 * file that names the root keys, written before anything is destroyed: cut short at any step, the
 * next start goes on, and opens nothing but what clearing a TPM takes.
 */
export class Shredding {
  readonly #parts: ShreddingParts;
  readonly #path: string;
  #order: Shredded | undefined;
  #said = '';
  /** The TPMs' lockoutAuth: it opens no key. */
  #auth: Buffer | undefined;
  /** Tokens that are no TPMs, and TPMs that have another lockoutAuth. */
  readonly #others = new Set<string>();
  readonly #refused = new Set<string>();

  constructor(parts: ShreddingParts) {
    this.#parts = parts;
    this.#path = join(parts.folder, 'shredded');
    this.#order = readOrder(this.#path);
  }

  /** The order, once it was given: it stands for good. */
  get order(): Shredded | undefined {
    return this.#order;
  }

  status(): Pick<KeeperStatus, 'shredded'> & { readonly state?: 'shredded' } {
    if (this.#order === undefined) return {};
    const { given, left } = this.#order;
    return { state: 'shredded', shredded: { given, left: left.length } };
  }

  /** What holds the keys; after the order, what held them. Throws KeeperError `shred-refused`. */
  holders(): KeyHolders {
    const { folder, tokens, copies } = this.#parts;
    return this.#order?.holders ?? holdersOf(folder, tokens, copies);
  }

  /**
   * Takes the order: from here on no key opens. `typed`: the cluster's name as a person typed it.
   * Throws KeeperError `shred-refused`, and what the disk throws: then nothing was changed.
   */
  give(typed: string): void {
    if (this.#order !== undefined && this.#order.unreadable !== true) return;
    const { folder, tokens, copies } = this.#parts;
    const holders = holdersOf(folder, tokens, copies);
    if (typed !== holders.name) {
      throw new KeeperError('shred-refused', 'that is not the cluster’s name');
    }
    this.#keep({ given: this.#parts.now(), holders, left: holders.roots });
    this.#auth = this.#parts.lockout.open();
    this.#parts.wipe();
    this.#parts.log('warn', 'a person ordered that every key of this node be destroyed');
  }

  /** Destroys what is left to be; a token that is not there is tried again the next time. */
  async advance(): Promise<void> {
    const { folder, log } = this.#parts;
    if (this.#order === undefined || this.#order.unreadable === true || this.#isForeign()) return;
    this.#noteLate();
    await this.#takeAuth();
    // Other tokens first: once a TPM is cleared, the disk that it opens may not come up again.
    const tpms = this.#order.holders.roots.filter(({ vendor }) => vendor === 'TPM 2.0');
    const mayClear = (root: RootHolder): boolean => tpms.some((tpm) => tpm.keyId === root.keyId);
    await this.#destroyAll(this.#order.left.filter((root) => !mayClear(root)));
    await this.#clearTpms();
    const files = slotFiles(folder);
    const gone = files.filter((path) => this.#overwrite(path));
    if (gone.length > 0) log('warn', 'the key slots are destroyed');
    await this.#destroyAll(this.#order.left);
    if (this.#order.left.length > 0) return;
    this.#auth?.fill(0);
    this.#auth = undefined;
  }

  /** Whether the slots that lie here now are of another cluster: nobody typed its name. */
  #isForeign(): boolean {
    const { folder, tokens, copies, log } = this.#parts;
    const named = this.#order?.holders.cluster;
    const found = slotFiles(folder).length === 0 ? undefined : holdersOf(folder, tokens, copies);
    if (named === undefined || found?.cluster === undefined || found.cluster === named)
      return false;
    if (this.#said !== 'foreign') {
      log('warn', 'slots of another cluster lie where keys were shredded: they are left alone');
    }
    this.#said = 'foreign';
    return true;
  }

  /** Root keys of slots that an act under way when the order came has still written. */
  #noteLate(): void {
    const { folder, tokens, copies } = this.#parts;
    if (this.#order === undefined || slotFiles(folder).length === 0) return;
    const known = this.#order.holders.roots.map(({ keyId }) => keyId);
    const found = holdersOf(folder, tokens, copies).roots;
    const late = found.filter(({ keyId }) => !known.includes(keyId));
    if (late.length > 0) this.#keep({ ...this.#order, left: [...this.#order.left, ...late] });
  }

  /**
   * Clears the TPMs first, while the slots that give their lockoutAuth are there: of all tokens
   * they alone keep what was destroyed alive in an old copy of a store.
   */
  async #clearTpms(): Promise<void> {
    const { tokens, log } = this.#parts;
    const left = tokens.holding(undefined).filter((token) => !this.#isSettled(token));
    if (left.length === 0) return;
    for (const token of left) {
      try {
        this.#noteCleared(token, await token.clear(this.#auth));
      } catch (error) {
        // Another lockoutAuth than ours: it is not tried again.
        if (codeOf(error) !== 'lockout-refused') continue;
        this.#refused.add(token.name);
        log('warn', 'a TPM was not cleared: its lockoutAuth is another', { token: token.name });
      }
    }
  }

  /** The TPMs' lockoutAuth, while the slots that give it are there. */
  async #takeAuth(): Promise<void> {
    const { folder, tokens, lockout } = this.#parts;
    if (this.#auth !== undefined || slotFiles(folder).length === 0) return;
    if (tokens.holding(undefined).every((token) => this.#isSettled(token))) return;
    this.#auth = await lockout.fromSlots();
  }

  async #destroyAll(roots: readonly RootHolder[]): Promise<void> {
    for (const root of roots) {
      const outcome = await this.#destroy(root);
      if (outcome !== undefined) this.#note(root, outcome);
    }
  }

  /** A disk that fails here must not keep the root keys alive: it is tried again. */
  #overwrite(path: string): boolean {
    try {
      overwriteFile(path);
      return true;
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      if (this.#said !== text)
        this.#parts.log('error', 'slots could not be overwritten', { path, error: text });
      this.#said = text;
      return false;
    }
  }

  #isSettled({ name }: RootToken): boolean {
    return this.#isCleared(name) || this.#others.has(name) || this.#refused.has(name);
  }

  #isCleared(name: string): boolean {
    return this.#order?.cleared?.includes(name) === true;
  }

  #noteCleared({ name }: RootToken, isTpm: boolean): void {
    if (!isTpm) this.#others.add(name);
    if (!isTpm || this.#order === undefined) return;
    const { cleared = [], left } = this.#order;
    const remaining = left.filter((root) => root.token !== name);
    this.#keep({ ...this.#order, cleared: [...cleared, name], left: remaining });
    this.#parts.log('warn', 'a TPM is cleared', { token: name });
  }

  #keep(order: Shredded): void {
    replaceFile(this.#path, Buffer.from(`${JSON.stringify(order)}\n`));
    this.#order = order;
  }

  /** Undefined where the token that has the key did not do it, or is not there. */
  async #destroy(root: RootHolder): Promise<Destroyed | undefined> {
    const { keyId, token: name } = root;
    const { tokens, log } = this.#parts;
    const known = tokens.holding(name);
    try {
      // A name that the configuration no longer has may be another one's now: all are asked.
      const all = known.length > 0 ? known : tokens.holding(undefined);
      const asked = all.filter((each) => !this.#isCleared(each.name));
      if (asked.length === 0) return 'destroyed';
      const outcome = await tokens.destroyIn(asked, root);
      if (outcome === 'destroyed' || (known.length > 0 && outcome === 'not-there')) return outcome;
      throw new TokenError('key-missing', 'another token');
    } catch (error) {
      const text = `${keyId} ${codeOf(error)}`;
      const fields = { keyId, token: name, code: codeOf(error) };
      if (text !== this.#said) log('warn', 'a root key is still to be destroyed', fields);
      this.#said = text;
      return undefined;
    }
  }

  #note({ keyId, token }: RootHolder, outcome: Destroyed): void {
    if (this.#order === undefined) return;
    const left = this.#order.left.filter((root) => root.keyId !== keyId);
    const { notThere = [] } = this.#order;
    const gone = outcome === 'destroyed' ? {} : { notThere: [...notThere, keyId] };
    this.#keep({ ...this.#order, left, ...gone });
    const what = outcome === 'destroyed' ? 'is destroyed' : 'was not in its token any more';
    this.#parts.log('warn', `a root key ${what}`, { keyId, token });
  }
}

/** An order that cannot be read keeps the node shut, and destroys nothing: see `unreadable`. */
function readOrder(path: string): Shredded | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Shredded;
  } catch {
    return { given: 0, holders: { name: '', roots: [], peers: [] }, left: [], unreadable: true };
  }
}
