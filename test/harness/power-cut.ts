import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const source = join(import.meta.dirname, '..', 'shim', 'power-cut.c');
const rootName = 'POWER_CUT_ROOT';

/** The folder whose disks the shim before this process watches; undefined where there is none. */
export const watchedRoot = process.env[rootName];

/** Compiles `test/shim/power-cut.c` into a folder; gives the library's path. */
export function compilePowerCut(folder: string): string {
  const library = join(folder, 'power-cut.so');
  const options = ['-std=gnu17', '-O2', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC'];
  execFileSync('gcc', [...options, '-o', library, source, '-ldl', '-lpthread']);
  return library;
}

/** The environment of a process whose disks are the folders below `root`, which is made. */
export function behindPowerCut(library: string, root: string): NodeJS.ProcessEnv {
  mkdirSync(root);
  return { ...process.env, LD_PRELOAD: library, [rootName]: root };
}
