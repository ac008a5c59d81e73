import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { removeFile, replaceFile } from '../disk/durable-file.ts';

/**
 * Where an unattended keeper finds the PIN, and the memory that it was refused. A token locks
 * after a few wrong tries, so a refused PIN is never tried again, not even by the next process:
 * a mark says which file was refused, and only another file, or a person, gets another try.
 */
export class PinSource {
  readonly #file: string | undefined;
  readonly #mark: string;
  readonly #lasting: boolean;

  /**
   * `file`: a credential or a trial's file, absent in attended mode; `folder`: the keeper's.
   * `lasting`: the file is the same one after a boot, so that a newer one means a newer PIN.
   * `token`: the name of the token that it is for, where it is not the only one.
   */
  constructor(file: string | undefined, folder: string, lasting: boolean, token?: string) {
    this.#file = file;
    this.#lasting = lasting;
    this.#mark = join(folder, token === undefined ? 'pin-refused' : `pin-refused-${token}`);
  }

  /** The PIN as bytes without line ends; undefined where there is none to try. */
  take(): Buffer | undefined {
    if (this.#file === undefined || this.refused()) return undefined;
    try {
      return trimmed(readFileSync(this.#file));
    } catch {
      return undefined;
    }
  }

  refused(): boolean {
    try {
      return readFileSync(this.#mark, 'utf8') === this.#identity();
    } catch {
      return false;
    }
  }

  markRefused(): void {
    replaceFile(this.#mark, Buffer.from(this.#identity()));
  }

  clear(): void {
    if (existsSync(this.#mark)) removeFile(this.#mark);
  }

  /** Tells one file from the next without a trace of what is in it. */
  #identity(): string {
    if (this.#file === undefined || !this.#lasting) return 'until a person gives another';
    try {
      const { ino, mtimeMs, size } = statSync(this.#file);
      return `${ino} ${mtimeMs} ${size}`;
    } catch {
      return 'missing';
    }
  }
}

function trimmed(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--;
  return bytes.subarray(0, end);
}
