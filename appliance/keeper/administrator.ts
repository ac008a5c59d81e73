import { argon2, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KeeperError } from '../keeper-client/keeper.ts';
import { replaceFile } from '../disk/durable-file.ts';

interface Cost {
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  /** Bytes. */
  readonly tagLength: number;
}

/** RFC 9106, section 4, the second recommended set: 64 MiB, three passes, four lanes. */
const cost: Cost = { memory: 65_536, passes: 3, parallelism: 4, tagLength: 32 };
const nonceBytes = 16;

/** Characters that a passphrase has at least; 15 where it is all that is asked (SP 800-63B). */
export const shortestPassphrase = 15;

interface Stored {
  readonly algorithm: 'argon2id';
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly nonce: string;
  readonly tag: string;
}

/**
 * The administrator's passphrase, which opens the console's menus and no key. Only its Argon2id
 * tag is kept. One guess is weighed at a time: more of them only wait longer.
 */
export class Administrator {
  readonly #path: string;
  readonly #random: (bytes: number) => Buffer;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(folder: string, random: (bytes: number) => Buffer) {
    this.#path = join(folder, 'administrator.json');
    this.#random = random;
  }

  get isSet(): boolean {
    return existsSync(this.#path);
  }

  /**
   * Sets the passphrase (UTF-8), the first time without the old one. Both are wiped. Throws
   * KeeperError `passphrase-wrong` where the old one is not right, `passphrase-short`.
   */
  set(passphrase: Buffer, old: Buffer): Promise<void> {
    return this.#next(async () => {
      try {
        if (this.isSet) await this.#compare(old);
        if (passphrase.toString().length < shortestPassphrase) {
          const message = `a passphrase has ${shortestPassphrase} characters or more`;
          throw new KeeperError('passphrase-short', message);
        }
        const nonce = this.#random(nonceBytes);
        const tag = await tagOf(passphrase, nonce, cost);
        const { memory, passes, parallelism } = cost;
        const stored: Stored = {
          algorithm: 'argon2id',
          ...{ memory, passes, parallelism },
          nonce: nonce.toString('hex'),
          tag: tag.toString('hex'),
        };
        replaceFile(this.#path, Buffer.from(JSON.stringify(stored)));
      } finally {
        passphrase.fill(0);
        old.fill(0);
      }
    });
  }

  /** Throws KeeperError `passphrase-wrong`; also where none was ever set. The bytes are wiped. */
  check(passphrase: Buffer): Promise<void> {
    return this.#next(async () => {
      try {
        await this.#compare(passphrase);
      } finally {
        passphrase.fill(0);
      }
    });
  }

  async #compare(passphrase: Buffer): Promise<void> {
    const wrong = new KeeperError('passphrase-wrong', 'that is not the passphrase');
    if (!this.isSet) throw wrong;
    const { nonce, tag, ...kept } = JSON.parse(readFileSync(this.#path, 'utf8')) as Stored;
    const expected = Buffer.from(tag, 'hex');
    const found = await tagOf(passphrase, Buffer.from(nonce, 'hex'), {
      ...kept,
      tagLength: expected.length,
    });
    if (!timingSafeEqual(found, expected)) throw wrong;
  }

  #next<T>(act: () => Promise<T>): Promise<T> {
    const made = this.#turn.then(act);
    this.#turn = made.catch(() => undefined);
    return made;
  }
}

/** In a thread of its own: the keeper goes on sealing and opening meanwhile. */
function tagOf(
  message: Buffer,
  nonce: Buffer,
  { memory, passes, parallelism, tagLength }: Cost,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parameters = { message, nonce, memory, passes, parallelism, tagLength };
    argon2('argon2id', parameters, (error, tag) => {
      if (error === null) resolve(tag);
      else reject(error);
    });
  });
}
