import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from './context.ts';

/** What an administrator elsewhere has; all PEM. `server`: by which the node is known. */
export interface Identity {
  readonly key: string;
  readonly certificate: string;
  readonly server: string;
}

/**
 * A folder for a new identity. Throws CommandError `refused` where it has one already, before
 * anything is made.
 */
export class IdentityFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    const taken = ['key.pem', 'cert.pem', 'ca.pem']
      .map((name) => join(folder, name))
      .find((path) => existsSync(path));
    if (taken !== undefined) {
      throw new CommandError('refused', `${taken} is there already`, 'choose another --out');
    }
  }

  /** The key is its owner's alone. */
  write({ key, certificate, server }: Identity): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(this.#folder, 'key.pem'), key, { mode: 0o600, flag: 'wx' });
    writeFileSync(join(this.#folder, 'cert.pem'), certificate, { flag: 'wx' });
    writeFileSync(join(this.#folder, 'ca.pem'), server, { flag: 'wx' });
  }
}
