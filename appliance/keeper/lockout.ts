import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { removeFile, replaceFile } from '../disk/durable-file.ts';
import type { KeeperLog } from './keeper-options.ts';
import { KeyRing } from './key-ring.ts';
import type { RootToken } from './root-token.ts';
import { openSlots } from './slot-opening.ts';
import type { TokenSet } from './token-set.ts';
import { codeOf } from './token-state.ts';

interface LockoutParts {
  readonly folder: string;
  readonly ring: KeyRing;
  readonly tokens: TokenSet;
  readonly random: (bytes: number) => Buffer;
  readonly log: KeeperLog;
}

/**
 * A TPM's protection against guessing. It counts every stop without a shutdown as a wrong PIN, so
 * each opening of the keys makes it forget them, or the next power cut could lock a node out. That,
 * and clearing it, takes its lockoutAuth, which is derived from the cluster's secret: it lies
 * nowhere, and a node that was restored on the same box has it again.
 */
export class Lockout {
  readonly #parts: LockoutParts;
  /** The token that it was done for last; what was said of it last. */
  #done: RootToken | undefined;
  #said = '';

  constructor(parts: LockoutParts) {
    this.#parts = parts;
  }

  /** The next opening or proof does it anew: the token went away, and may have lost power. */
  forget(): void {
    this.#done = undefined;
  }

  /** For the token that holds the root key, once in its life. Never throws: the log says it. */
  async protect(): Promise<void> {
    const { ring, tokens, log } = this.#parts;
    const token = tokens.inUse;
    if (this.#done === token || ring.written === undefined || ring.table?.joining === true) return;
    const mark = this.#refusedMark(token);
    const auth = lockoutAuth(ring);
    try {
      const found = await token.protect(auth, !existsSync(mark));
      this.#done = token;
      this.#said = '';
      if (existsSync(mark)) removeFile(mark);
      if (found === undefined) return;
      log('info', 'the TPM’s limits against guessing stand', { token: token.name, ...found });
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      const fields = { token: token.name, code: codeOf(error), error: text };
      const refused = codeOf(error) === 'lockout-refused';
      if (refused) this.#noteRefused(mark);
      if (refused) this.#done = token;
      if (this.#said === text) return;
      this.#said = text;
      log('warn', 'the TPM’s limits against guessing could not be set', fields);
    } finally {
      auth.fill(0);
    }
  }

  /** lockoutAuth while the keys are open. Whoever asks wipes it. */
  open(): Buffer | undefined {
    const { ring } = this.#parts;
    return ring.written === undefined ? undefined : lockoutAuth(ring);
  }

  /**
   * lockoutAuth by opening the slots for this alone, as far as that
   * goes without a person. Undefined where it does not. Whoever asks wipes it. Never throws.
   */
  async fromSlots(): Promise<Buffer | undefined> {
    const { folder, tokens, random, log } = this.#parts;
    const passing = new KeyRing({ folder, random, sealedByOrder: () => false });
    try {
      await openSlots({ folder, ring: passing, tokens, log: () => {} });
      return passing.written === undefined ? undefined : lockoutAuth(passing);
    } catch (error) {
      log('warn', 'the TPM’s lockoutAuth cannot be had', { code: codeOf(error) });
      return undefined;
    } finally {
      passing.wipe();
    }
  }

  #refusedMark({ name }: RootToken): string {
    return join(this.#parts.folder, `lockout-refused-${name}`);
  }

  /** A wrong lockoutAuth locks itself for a day: it is not tried again until it was cleared. */
  #noteRefused(mark: string): void {
    try {
      replaceFile(mark, Buffer.alloc(0));
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      this.#parts.log('warn', 'that could not be written down', { error: text });
    }
  }
}

function lockoutAuth(ring: KeyRing): Buffer {
  return ring.derive('TPM lockoutAuth');
}
