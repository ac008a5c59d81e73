import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SoftwareToken } from '../../appliance/service/software-token/software-token.ts';

const source = join(import.meta.dirname, '..', 'shim', 'faulty-pkcs11.c');

/** The return values that tokens give when something is wrong with them (PKCS#11 2.40 §5.1). */
export const ckr = {
  generalError: 0x05,
  functionFailed: 0x06,
  deviceError: 0x30,
  deviceMemory: 0x31,
  deviceRemoved: 0x32,
  functionNotSupported: 0x54,
  operationActive: 0x90,
  pinIncorrect: 0xa0,
  pinLocked: 0xa4,
  sessionClosed: 0xb0,
  sessionHandleInvalid: 0xb3,
  tokenNotPresent: 0xe0,
  userNotLoggedIn: 0x101,
} as const;

export interface Call {
  readonly name: string;
  readonly result: number;
  /** What was done instead of the call, if anything. */
  readonly instead: string;
}

/** The module that fails by order: see `test/shim/faulty-pkcs11.c`, which is compiled here. */
export class Shim {
  readonly module: string;
  readonly #folder: string;
  #epoch = 0;

  /** Its files lie in a folder of its own inside `folder`. */
  constructor(folder: string) {
    this.#folder = join(folder, 'shim');
    mkdirSync(this.#folder);
    this.module = join(this.#folder, 'faulty-pkcs11.so');
    const options = ['-std=gnu17', '-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC'];
    execFileSync('gcc', [...options, '-o', this.module, source, '-ldl']);
  }

  /** The same token behind this module. */
  before(software: SoftwareToken): SoftwareToken {
    const shim = { SHIM_MODULE: software.module, SHIM_FOLDER: this.#folder };
    return {
      ...software,
      module: this.module,
      environment: { ...software.environment, ...shim },
    };
  }

  /** Gives these orders in place of all earlier ones, and counts calls from zero again. */
  order(...orders: readonly string[]): void {
    const path = join(this.#folder, 'orders');
    // Renamed, for the module may be reading it.
    writeFileSync(`${path}.new`, [...orders, `epoch ${++this.#epoch}`, ''].join('\n'));
    renameSync(`${path}.new`, path);
  }

  /** Every call so far, of every process. */
  calls(): Call[] {
    const path = join(this.#folder, 'calls');
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => {
      const [name = '', result = '', instead = ''] = line.split(' ');
      return { name, result: parseInt(result, 16), instead };
    });
  }

  forgetCalls(): void {
    writeFileSync(join(this.#folder, 'calls'), '');
  }
}
