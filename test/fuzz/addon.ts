import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Versions of symbols that Debian 12 has not; `test/shim/newer-libc.cpp` stands in for them. */
const newer = ['GLIBC_2.38', 'GLIBCXX_3.4.32'];
const weak = 2;

/** The hash of a name in an ELF file (System V ABI, “Hash Table”). */
function elfHash(name: string): number {
  let hash = 0;
  for (const byte of Buffer.from(name)) {
    hash = (hash << 4) + byte;
    const high = hash & 0xf0000000;
    if (high !== 0) hash ^= high >>> 24;
    hash &= ~high;
  }
  return hash >>> 0;
}

/** Whether this machine loads an addon as it is. */
function loads(addon: string): boolean {
  try {
    const script = `process.dlopen({ exports: {} }, ${JSON.stringify(addon)})`;
    execFileSync(process.execPath, ['-e', script], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/**
 * The environment in which Node loads an addon that was linked against a newer C library: a copy
 * of it, whose need of newer versions is made weak, and a library that has the few names. Empty
 * where it loads as it is. Needs g++.
 */
export function environmentFor(addon: string, folder: string): NodeJS.ProcessEnv {
  if (loads(addon)) return {};
  const bytes = readFileSync(addon);
  for (const name of newer) {
    // Elf64_Vernaux: vna_hash, then vna_flags.
    const needle = Buffer.alloc(6);
    needle.writeUInt32LE(elfHash(name));
    for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) {
      bytes.writeUInt16LE(weak, at + 4);
    }
  }
  const copy = join(folder, 'fuzzer.node');
  writeFileSync(copy, bytes);
  const library = join(folder, 'newer-libc.so');
  const source = join(import.meta.dirname, '..', 'shim', 'newer-libc.cpp');
  execFileSync('g++', ['-O1', '-Wall', '-Werror', '-shared', '-fPIC', '-o', library, source]);
  const redirect = join(folder, 'redirect.cjs');
  const [from, to] = [addon, copy].map((path) => JSON.stringify(path));
  const lines = [
    'const { dlopen } = process;',
    `const of = (path) => (path === ${from} ? ${to} : path);`,
    'process.dlopen = (into, path, ...rest) => dlopen(into, of(path), ...rest);',
  ];
  writeFileSync(redirect, lines.join('\n'));
  return { LD_PRELOAD: library, NODE_OPTIONS: `--require=${redirect}` };
}
