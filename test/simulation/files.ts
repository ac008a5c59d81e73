import { closeSync, fdatasyncSync, fsyncSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { writeSync } from 'node:fs';
import type { JournalFile, JournalFiles } from '../../appliance/backup/journal.ts';

/** Does something a moment later, or never, where the process is gone by then. */
export type Later = <T>(act: () => T) => Promise<T>;

/** A file system whose answers take simulated time, for one process. */
export class SimulatedFiles implements JournalFiles {
  readonly #later: Later;
  readonly #open = new Set<number>();

  constructor(later: Later) {
    this.#later = later;
  }

  open(path: string, flags: string, mode?: number): Promise<JournalFile> {
    return this.#later(() => {
      const descriptor = openSync(path, flags, mode);
      this.#open.add(descriptor);
      return this.#file(descriptor);
    });
  }

  readdir(folder: string): Promise<string[]> {
    return this.#later(() => readdirSync(folder).sort());
  }

  readFile(path: string): Promise<Buffer> {
    return this.#later(() => readFileSync(path));
  }

  /** The process ends. */
  end(): void {
    for (const descriptor of this.#open) closeSync(descriptor);
    this.#open.clear();
  }

  #file(descriptor: number): JournalFile {
    return {
      appendFile: (bytes) =>
        this.#later(() => {
          for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
        }),
      sync: () =>
        this.#later(() => {
          fsyncSync(descriptor);
        }),
      datasync: () =>
        this.#later(() => {
          fdatasyncSync(descriptor);
        }),
      close: () =>
        this.#later(() => {
          if (this.#open.delete(descriptor)) closeSync(descriptor);
        }),
    };
  }
}
