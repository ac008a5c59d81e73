import { execFile } from 'node:child_process';
import notify from 'systemd-notify';
import type { Log } from './log.ts';

/**
 * What this process tells systemd (sd_notify(3)). Without NOTIFY_SOCKET nothing is sent. The
 * package knows READY and STATUS; the rest goes through the same program it starts.
 */
export class SystemdNotify {
  readonly #log: Log;
  readonly #active = process.env['NOTIFY_SOCKET'] !== undefined;
  #watchdog: NodeJS.Timeout | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  async ready(status: string): Promise<void> {
    await this.#try(() => notify({ ready: true, status, pid: process.pid }));
  }

  async status(status: string): Promise<void> {
    await this.#try(() => notify({ status, pid: process.pid }));
  }

  async stopping(): Promise<void> {
    clearInterval(this.#watchdog);
    await this.#try(() => send('STOPPING=1'));
  }

  async reloading(): Promise<void> {
    const microseconds = process.hrtime.bigint() / 1000n;
    await this.#try(() => send('RELOADING=1', `MONOTONIC_USEC=${microseconds}`));
  }

  /** Feeds the watchdog at half its time, each time only after the check has passed. */
  watch(check: () => Promise<void>): void {
    const microseconds = Number(process.env['WATCHDOG_USEC'] ?? 0);
    if (!this.#active || !(microseconds > 0)) return;
    this.#watchdog = setInterval(() => {
      check()
        .then(() => this.#try(() => send('WATCHDOG=1')))
        .catch((error: unknown) => {
          const text = error instanceof Error ? error.message : 'unknown';
          this.#log('error', 'self-check failed; the watchdog is not fed', { error: text });
        });
    }, microseconds / 2000);
    this.#watchdog.unref();
  }

  async #try(act: () => Promise<unknown>): Promise<void> {
    if (!this.#active) return;
    try {
      await act();
    } catch (error) {
      // The package rejects with a string.
      this.#log('warn', 'systemd was not told', { error: String(error) });
    }
  }
}

function send(...lines: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const parameters = ['--no-block', `--pid=${process.pid}`, ...lines];
    execFile('systemd-notify', parameters, (cause) => {
      if (cause === null) resolve();
      else reject(new Error('systemd-notify failed', { cause }));
    });
  });
}
