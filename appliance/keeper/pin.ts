import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { removeFile, replaceFile } from '../disk/durable-file.ts';

/**
 * Where an unattended keeper finds the PIN, and the memory that it was refused. A token locks
 * after a few wrong tries, so a refused PIN is never tried again, not even by the next process:
 * a mark says which file was refused, and only another file, or a person, gets another try. The
 * mark is flushed before the try: whatever ends a process meanwhile, the verdict is not lost with
 * it. A PIN that the token took before needs no mark, for a right one may be tried again.
 */
export class PinSource {
  readonly #file: string | undefined;
  readonly #mark: string;
  readonly #lasting: boolean;
  readonly #takenMark: string;
  /** The PIN that the token took last, under a key that this process alone has. */
  readonly #key = randomBytes(32);
  #triedUnmarked = false;
  #taken: Buffer | undefined;

  /**
   * `file`: a credential or a trial's file, absent in attended mode; `folder`: the keeper's.
   * `lasting`: the file is the same one after a boot, so that a newer one means a newer PIN.
   * `token`: the name of the token that it is for, where it is not the only one.
   */
  constructor(file: string | undefined, folder: string, lasting: boolean, token?: string) {
    this.#file = file;
    this.#lasting = lasting;
    const ending = token === undefined ? '' : `-${token}`;
    this.#mark = join(folder, `pin-refused${ending}`);
    this.#takenMark = join(folder, `pin-taken${ending}`);
  }

  /** The PIN as bytes without line ends; undefined where there is none to try. */
  take(): Buffer | undefined {
    if (this.#file === undefined || this.refused()) return undefined;
    try {
      const pin = trimmed(readFileSync(this.#file));
      // The units' stand-in for a credential that nobody made: attended mode.
      return pin.length === 0 ? undefined : pin;
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

  /**
   * The PIN is about to be tried. Where that cannot be written down, it may be once in the life of
   * this process: a full disk must not keep a node shut. Throws what the disk throws after that.
   */
  begin(pin: Uint8Array): void {
    if (this.#wasTaken(pin)) return;
    try {
      this.markRefused();
    } catch (error) {
      if (this.#triedUnmarked) throw error;
      this.#triedUnmarked = true;
    }
  }

  /** The token took it. */
  taken(pin: Uint8Array): void {
    this.#taken = this.#digest(pin);
    if (this.#lasting && this.#file !== undefined && !this.#isTakenFile()) {
      replaceFile(this.#takenMark, Buffer.from(this.#identity()));
    }
    this.clear();
  }

  markRefused(): void {
    replaceFile(this.#mark, Buffer.from(this.#identity()));
  }

  clear(): void {
    if (existsSync(this.#mark)) removeFile(this.#mark);
  }

  #wasTaken(pin: Uint8Array): boolean {
    if (this.#taken?.equals(this.#digest(pin)) === true) return true;
    return this.#isTakenFile() && this.take()?.equals(pin) === true;
  }

  #isTakenFile(): boolean {
    if (this.#file === undefined || !this.#lasting) return false;
    try {
      return readFileSync(this.#takenMark, 'utf8') === this.#identity();
    } catch {
      return false;
    }
  }

  #digest(pin: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(pin).digest();
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
