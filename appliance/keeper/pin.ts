import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { removeFile, replaceFile } from '../disk/durable-file.ts';

/** A PIN of which the token has never said what it is may be tried so often. */
const unjudgedMost = 2;

/**
 * Where an unattended keeper finds the PIN, and the memory that it was refused. A token locks
 * after a few wrong tries, so a refused PIN is never tried again, not even by the next process:
 * a mark says which file was refused, and only another file, or a person, gets another try. A mark
 * of the try itself is flushed before it: whatever ends a process meanwhile, it is not forgotten.
 * A verdict that was lost so, by a power cut or a crash of the library, is asked for once more and
 * no oftener. A PIN that the token took before needs no mark, for a right one may be tried again.
 *
 * The file's first line is the PIN; a second one, if there is one, is a number that tells this file
 * from every other: a credential is another file at each boot, and its number stays.
 */
export class PinSource {
  readonly #file: string | undefined;
  readonly #mark: string;
  readonly #lasting: boolean;
  readonly #takenMark: string;
  /** The PIN that the token took last, under a key that this process alone has. */
  readonly #key = randomBytes(32);
  #triedUnmarked = false;
  /** The token refused it, be that written down or not. */
  #refused: string | undefined;
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
    const pin = this.#lines()?.pin;
    // The units' stand-in for a credential that nobody made: attended mode.
    return pin === undefined || pin.length === 0 ? undefined : pin;
  }

  /** Whether the token refused it, or kept its verdict to itself too often. */
  refused(): boolean {
    if (this.#refused === this.#identity()) return true;
    return this.#marked() === this.#identity() || this.unjudged() >= unjudgedMost;
  }

  /** How often it was tried without a verdict, since a person or another file came. */
  unjudged(): number {
    const text = this.#marked();
    for (let tries = 1; tries <= unjudgedMost; tries++) {
      if (text === this.#tried(tries)) return tries;
    }
    return 0;
  }

  /**
   * The PIN is about to be tried. Where that cannot be written down, it may be once in the life of
   * this process: a full disk must not keep a node shut. Throws what the disk throws after that.
   */
  begin(pin: Uint8Array): void {
    if (this.#wasTaken(pin)) return;
    try {
      const tries = Math.min(this.unjudged() + 1, unjudgedMost);
      replaceFile(this.#mark, Buffer.from(this.#tried(tries)));
    } catch (error) {
      if (this.#triedUnmarked) throw error;
      this.#triedUnmarked = true;
    }
  }

  /** The token took it. */
  taken(pin: Uint8Array): void {
    this.#taken = this.#digest(pin);
    if (this.#lasts() && !this.#isTakenFile()) {
      replaceFile(this.#takenMark, Buffer.from(this.#identity()));
    }
    this.clear();
  }

  /** The token refused it. Throws what the disk throws; this process remembers it all the same. */
  markRefused(): void {
    this.#refused = this.#identity();
    replaceFile(this.#mark, Buffer.from(this.#identity()));
  }

  clear(): void {
    this.#refused = undefined;
    if (existsSync(this.#mark)) removeFile(this.#mark);
  }

  #wasTaken(pin: Uint8Array): boolean {
    if (this.#taken?.equals(this.#digest(pin)) === true) return true;
    if (!this.#isTakenFile()) return false;
    const own = this.take();
    const same = own?.equals(pin) === true;
    own?.fill(0);
    return same;
  }

  #isTakenFile(): boolean {
    if (!this.#lasts()) return false;
    try {
      return readFileSync(this.#takenMark, 'utf8') === this.#identity();
    } catch {
      return false;
    }
  }

  /** Whether what is known of the file holds after a boot too. */
  #lasts(): boolean {
    if (this.#file === undefined) return false;
    return this.#lasting || this.#number() !== '';
  }

  #number(): string {
    const lines = this.#lines();
    lines?.pin.fill(0);
    return lines?.number ?? '';
  }

  #lines(): { readonly pin: Buffer; readonly number: string } | undefined {
    if (this.#file === undefined) return undefined;
    try {
      const bytes = readFileSync(this.#file);
      const end = bytes.indexOf(0x0a);
      if (end < 0) return { pin: trimmed(bytes), number: '' };
      return { pin: trimmed(bytes.subarray(0, end)), number: bytes.toString('latin1', end).trim() };
    } catch {
      return undefined;
    }
  }

  #marked(): string {
    try {
      return readFileSync(this.#mark, 'utf8');
    } catch {
      return '';
    }
  }

  #tried(tries: number): string {
    return `${this.#identity()}, tried ${tries}`;
  }

  #digest(pin: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(pin).digest();
  }

  /** Tells one file from the next without a trace of what is in it. */
  #identity(): string {
    const number = this.#number();
    if (number !== '') return `number ${number}`;
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
  while (end > 0 && bytes[end - 1] === 0x0d) end--;
  return bytes.subarray(0, end);
}
