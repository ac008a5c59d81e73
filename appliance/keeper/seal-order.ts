import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { removeFile, replaceFile } from '../disk/durable-file.ts';

/** A person's order that nothing may be opened: a file, so that it outlasts a restart. */
export class SealOrder {
  readonly #path: string;
  #given: boolean;

  /** `folder`: the keeper's own. */
  constructor(folder: string) {
    this.#path = join(folder, 'sealed-by-order');
    this.#given = existsSync(this.#path);
  }

  stands(): boolean {
    return this.#given;
  }

  /** Stands from now on, even where the disk cannot keep it: then it throws, until a restart. */
  give(): void {
    this.#given = true;
    replaceFile(this.#path, Buffer.from('twinlock unseal takes this away\n'));
  }

  withdraw(): void {
    removeFile(this.#path);
    this.#given = false;
  }
}
