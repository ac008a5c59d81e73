import { Worker } from 'node:worker_threads';

/**
 * Kills this very process when a call into the vendor's library overruns. The main thread is stuck
 * in that call and its event loop with it, so a second thread keeps the time; SIGKILL, because a
 * library that hangs may hang in its exit handlers too. It needs no parent and no privilege, so it
 * works under systemd, where the keeper may not signal another user's process.
 */
export class Deadline {
  readonly #until = new BigInt64Array(new SharedArrayBuffer(8));
  readonly #worker: Worker;
  readonly #milliseconds: number;
  readonly #now: () => number;

  /** `now`: milliseconds of a clock that never goes back and that both threads share. */
  constructor(milliseconds: number, now: () => number) {
    this.#milliseconds = milliseconds;
    this.#now = now;
    const file = import.meta.url.endsWith('.ts') ? './deadline-thread.ts' : './deadline-thread.js';
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData: this.#until });
    this.#worker.unref();
  }

  /** Runs a synchronous call that must end in time; `patience`: in so many times the usual time. */
  run<T>(call: () => T, patience = 1): T {
    const end = this.#now() + this.#milliseconds * patience;
    Atomics.store(this.#until, 0, BigInt(Math.ceil(end)));
    try {
      return call();
    } finally {
      Atomics.store(this.#until, 0, 0n);
    }
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
