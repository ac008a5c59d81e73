import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../disk/durable-file.ts';
import type { Keeper } from '../keeper-client/keeper.ts';
import { generationOf } from './rewrap.ts';

/** The node's secrets that lie outside the database, each in a file of its own. */
export type SecretName =
  'page-key' | 'record-key' | 'transport-key' | 'server-key' | 'authority-key';

/**
 * Files that hold a secret under the wrapping key, bound to the cluster and to their name.
 * Throws what the keeper throws; a missing file is ENOENT.
 */
export class SealedFiles {
  readonly #folder: string;
  readonly #keeper: Keeper;
  readonly #cluster: string;

  constructor(folder: string, keeper: Keeper, cluster: string) {
    this.#folder = folder;
    this.#keeper = keeper;
    this.#cluster = cluster;
  }

  /** The secret; whoever asks wipes it. `make` gives the first one, and its bytes are wiped. */
  async openOrMake(name: SecretName, make: () => Buffer): Promise<Buffer> {
    const context = Buffer.from(JSON.stringify(['twinlock secret 1', this.#cluster, name]));
    const path = join(this.#folder, `${name}.sealed`);
    let sealed: Buffer;
    try {
      sealed = readFileSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      const secret = make();
      sealed = await this.#keeper.seal(context, secret);
      secret.fill(0);
      replaceFile(path, sealed);
    }
    return this.#keeper.open(context, sealed);
  }

  /** Seals every file anew that was not sealed under this generation (16 bytes). */
  async rewrap(generation: Buffer): Promise<void> {
    for (const file of readdirSync(this.#folder)) {
      if (!file.endsWith('.sealed')) continue;
      const path = join(this.#folder, file);
      const sealed = readFileSync(path);
      if (generationOf(sealed).equals(generation)) continue;
      const name = file.slice(0, -'.sealed'.length);
      const context = Buffer.from(JSON.stringify(['twinlock secret 1', this.#cluster, name]));
      const secret = await this.#keeper.open(context, sealed);
      const anew = await this.#keeper.seal(context, secret);
      secret.fill(0);
      // Under yet another generation, if there was one more rotation: the next round finds it.
      replaceFile(path, anew);
    }
  }
}
