import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from './appliance.ts';

const source = join(import.meta.dirname, '..', 'shim', 'killed-at-step.c');
const ordersMost = 20;
const headBytes = 8;
const orderBytes = 48;
const size = headBytes + (ordersMost + 1) * orderBytes;

/** Before this process puts such a file (a pattern) to its place, or flushes it, the n-th time. */
export interface Step {
  readonly role: Role;
  readonly file: string;
  /** 0: nobody is killed, it is counted how often it comes to that. */
  readonly n: number;
}

/** Kills a node's processes right before they write a file: `test/shim/killed-at-step.c`. */
export class KillStep {
  readonly environment: NodeJS.ProcessEnv;
  readonly #path: string;

  /** Compiles the library into this folder, where its orders lie too. */
  constructor(folder: string) {
    const library = join(folder, 'killed-at-step.so');
    const options = ['-std=gnu17', '-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC'];
    execFileSync('gcc', [...options, '-o', library, source, '-ldl']);
    this.#path = join(folder, 'killed-at-step');
    closeSync(openSync(this.#path, 'a'));
    this.arm();
    this.environment = { ...process.env, LD_PRELOAD: library, KILLED_AT_STEP: this.#path };
  }

  /** From now on kills at these steps, one after the other, in place of all that was armed. */
  arm(...steps: readonly Step[]): void {
    if (steps.length > ordersMost) throw new Error('too many steps');
    const bytes = Buffer.alloc(size);
    for (const [i, { role, file, n }] of steps.entries()) {
      const at = headBytes + i * orderBytes;
      bytes.writeInt32LE(n, at);
      bytes.write(role, at + 4);
      bytes.write(file, at + 16);
    }
    // In one piece and in place: the processes have mapped it.
    const mapped = openSync(this.#path, 'r+');
    writeSync(mapped, bytes, 0, bytes.length, 0);
    closeSync(mapped);
  }

  /** How many were killed since it was armed. */
  get killed(): number {
    return this.#read(0);
  }

  /** How often it came to what the next step speaks of. */
  get seen(): number {
    return this.#read(4);
  }

  #read(at: number): number {
    const bytes = Buffer.alloc(4);
    const file = openSync(this.#path, 'r');
    readSync(file, bytes, 0, 4, at);
    closeSync(file);
    return bytes.readInt32LE(0);
  }
}
