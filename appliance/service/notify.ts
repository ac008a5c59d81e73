import { execFile } from 'node:child_process';
import { writeSync } from 'node:fs';
import notify from 'systemd-notify';
import { passed } from './activated-socket.ts';
import type { Log } from './log.ts';

/**
 * What this process tells systemd (sd_notify(3)). Without NOTIFY_SOCKET nothing is sent.
 *
 * Node makes no datagram socket of this family, but writes to one: our units have systemd pass its
 * own socket, connected, by OpenFile= (systemd.service(5), since 253). So the main process alone is
 * heard (NotifyAccess=main). Without that socket the package starts a program, which a unit hears
 * with NotifyAccess=all; it knows READY and STATUS, and the rest goes through the same program.
 */
export class SystemdNotify {
  readonly #log: Log;
  readonly #socket = passed('notify');
  readonly #active = process.env['NOTIFY_SOCKET'] !== undefined;
  #watchdog: NodeJS.Timeout | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  async ready(status: string): Promise<void> {
    await this.#try(() =>
      this.#socket === undefined
        ? notify({ ready: true, status, pid: process.pid })
        : this.#send('READY=1', `STATUS=${status}`),
    );
  }

  async status(status: string): Promise<void> {
    await this.#try(() =>
      this.#socket === undefined
        ? notify({ status, pid: process.pid })
        : this.#send(`STATUS=${status}`),
    );
  }

  async stopping(): Promise<void> {
    clearInterval(this.#watchdog);
    await this.#try(() => this.#send('STOPPING=1'));
  }

  async reloading(): Promise<void> {
    const microseconds = process.hrtime.bigint() / 1000n;
    await this.#try(() => this.#send('RELOADING=1', `MONOTONIC_USEC=${microseconds}`));
  }

  /** Feeds the watchdog at half its time, each time only after the check has passed. */
  watch(check: () => Promise<void>): void {
    const microseconds = Number(process.env['WATCHDOG_USEC'] ?? 0);
    if (!this.#active || !(microseconds > 0)) return;
    this.#watchdog = setInterval(() => {
      check()
        .then(() => this.#try(() => this.#send('WATCHDOG=1')))
        .catch((error: unknown) => {
          const text = error instanceof Error ? error.message : 'unknown';
          this.#log('error', 'self-check failed; the watchdog is not fed', { error: text });
        });
    }, microseconds / 2000);
    this.#watchdog.unref();
  }

  async #send(...lines: readonly string[]): Promise<void> {
    if (this.#socket === undefined) await start(lines);
    else writeSync(this.#socket, lines.join('\n'));
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

function start(lines: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const parameters = ['--no-block', `--pid=${process.pid}`, ...lines];
    execFile('systemd-notify', parameters, (cause) => {
      if (cause === null) resolve();
      else reject(new Error('systemd-notify failed', { cause }));
    });
  });
}
