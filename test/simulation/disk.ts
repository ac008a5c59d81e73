import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Chance } from './chance.ts';

/** What a disk holds: bytes by the names of its files. */
export type Image = ReadonlyMap<string, Buffer>;

/** The places of the numbers that `test/shim/power-cut.c` shares with this file. */
const place = { off: 0, untilOff: 1, untilFull: 2, untilFail: 3, operations: 4, flushes: 5 };
const never = -1;
const sectorBytes = 512;

/**
 * A folder that is a disk: the shim before this process keeps beside it what was flushed, so that
 * a power cut leaves that and, of all else, what chance leaves. Failures are ordered here.
 */
export class SimulatedDisk {
  readonly path: string;
  readonly #flushed: string;
  readonly #control: number;

  /** `path`: made here, below the folder that the shim watches; its name has no dot. */
  constructor(path: string) {
    this.path = path;
    this.#flushed = `${path}.flushed`;
    mkdirSync(this.#flushed);
    this.#control = openSync(`${path}.control`, 'w+');
    this.#write(place.off, 0, never, never, never, 0, 0);
    mkdirSync(path);
    this.put(new Map([['proof', Buffer.from('proof')]]));
    const proof = join(this.#flushed, 'proof');
    if (!existsSync(proof) || readFileSync(proof, 'utf8') !== 'proof') {
      throw new Error('the shim is not loaded: see main.ts');
    }
    unlinkSync(join(path, 'proof'));
  }

  /** Whether the power is gone: nothing is written any more, whoever tries. */
  get off(): boolean {
    return this.#read(place.off) === 1;
  }

  /** How often something was asked of it that changes it; flushes that it did. */
  get operations(): number {
    return this.#read(place.operations);
  }

  get flushes(): number {
    return this.#read(place.flushes);
  }

  cut(): void {
    this.#write(place.off, 1, never);
  }

  /** The power goes with the n-th write, truncation or flush from now. */
  cutAfter(operations: number): void {
    this.#write(place.untilOff, operations);
  }

  /** It is full for every file that would grow, from the n-th such write on. */
  fillAfter(writes: number): void {
    this.#write(place.untilFull, writes);
  }

  /** The n-th flush from now fails, once; the bytes stay unwritten and are never tried again. */
  failFlushAfter(flushes: number): void {
    this.#write(place.untilFail, flushes);
  }

  /** Nothing is ordered any more; the power is there. */
  mend(): void {
    this.#write(place.off, 0, never, never, never);
  }

  /**
   * The power is gone and comes back: flushed bytes stay; of each sector that was not flushed
   * chance says which bytes it has, and of each file which length. Nobody may have it open.
   */
  loseUnflushed(chance: Chance): void {
    const mode = chance.below(3);
    const found = new Map<string, Buffer>();
    for (const [name, now] of this.image()) {
      const [flushed, named] = this.#flushedOf(name);
      const luck = new Chances(chance, mode);
      if (!named && !luck.kept()) continue;
      const length = luck.kept() ? now.length : flushed.length;
      const bytes = Buffer.alloc(length);
      for (let at = 0; at < length; at += sectorBytes) {
        const from = luck.kept() ? now : flushed;
        if (at < from.length) from.copy(bytes, at, at, Math.min(at + sectorBytes, length));
      }
      found.set(name, bytes);
    }
    this.put(found);
  }

  /** All its files as a process sees them. */
  image(): Image {
    const names = readdirSync(this.path).filter((name) => !name.endsWith('-shm'));
    return new Map(names.sort().map((name) => [name, readFileSync(join(this.path, name))]));
  }

  /** Holds these files from now on, flushed, and no others. Nobody may have it open. */
  put(image: Image): void {
    this.mend();
    for (const name of readdirSync(this.path)) {
      if (!image.has(name)) unlinkSync(join(this.path, name));
    }
    for (const [name, bytes] of image) {
      const file = openSync(join(this.path, name), 'a+');
      ftruncateSync(file);
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
      fsyncSync(file);
      closeSync(file);
    }
    const folder = openSync(this.path, 'r');
    fsyncSync(folder);
    closeSync(folder);
  }

  /** So that the shim forgets its files, too. */
  discard(): void {
    this.put(new Map());
    closeSync(this.#control);
    unlinkSync(`${this.path}.control`);
  }

  #flushedOf(name: string): [bytes: Buffer, named: boolean] {
    const path = join(this.#flushed, name);
    if (existsSync(path)) return [readFileSync(path), true];
    return [readFileSync(`${path}.unnamed`), false];
  }

  #read(at: number): number {
    const number = Buffer.alloc(4);
    readSync(this.#control, number, 0, 4, at * 4);
    return number.readInt32LE();
  }

  #write(at: number, ...numbers: number[]): void {
    const bytes = Buffer.alloc(numbers.length * 4);
    for (const [i, number] of numbers.entries()) bytes.writeInt32LE(number, i * 4);
    writeSync(this.#control, bytes, 0, bytes.length, at * 4);
  }
}

/** What becomes of bytes that were not flushed: none stay, all stay, or each as chance has it. */
class Chances {
  readonly #chance: Chance;
  readonly #mode: number;

  constructor(chance: Chance, mode: number) {
    this.#chance = chance;
    this.#mode = mode;
  }

  kept(): boolean {
    return this.#mode === 2 ? this.#chance.happens(0.5) : this.#mode === 1;
  }
}
