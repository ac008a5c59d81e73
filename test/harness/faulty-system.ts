import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const source = join(import.meta.dirname, '..', 'shim', 'faulty-system.c');

export interface Orders {
  /** What every flush of the server fails with. */
  readonly flush?: 'EIO';
  /** What the server's writes to files fail with. */
  readonly write?: 'ENOSPC' | 'EROFS';
  /** Seconds that the clock is ahead. */
  readonly ahead?: number;
}

const errno = { EIO: 5, ENOSPC: 28, EROFS: 30 } as const;

/** Compiles the library that fails by order: see `test/shim/faulty-system.c`. Gives its path. */
export function buildFaultySystem(folder: string): string {
  const library = join(folder, 'faulty-system.so');
  const options = ['-std=gnu17', '-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC'];
  execFileSync('gcc', [...options, '-o', library, source, '-ldl']);
  return library;
}

/** Disk and clock of one node's processes. */
export class FaultySystem {
  readonly environment: NodeJS.ProcessEnv;
  readonly #path: string;

  /** `path`: a file of its own, for the orders. */
  constructor(library: string, path: string) {
    this.#path = path;
    this.order({});
    this.environment = { ...process.env, LD_PRELOAD: library, FAULTY_SYSTEM: path };
  }

  /** Gives these orders in place of all earlier ones. */
  order({ flush, write, ahead = 0 }: Orders): void {
    const bytes = Buffer.alloc(16);
    if (flush !== undefined) bytes.writeInt32LE(errno[flush], 0);
    if (write !== undefined) bytes.writeInt32LE(errno[write], 4);
    bytes.writeBigInt64LE(BigInt(ahead), 8);
    // In one piece and in place: the processes have mapped it.
    const file = openSync(this.#path, 'a+', 0o600);
    closeSync(file);
    const mapped = openSync(this.#path, 'r+');
    writeSync(mapped, bytes, 0, bytes.length, 0);
    closeSync(mapped);
  }
}
