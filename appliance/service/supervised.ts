import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

const firstDelay = 100;
const longestDelay = 2_000;
const steadyMilliseconds = 10_000;
/** So many quick ends in a row are no accident: somebody has to look. */
const quickEndsMost = 8;

export interface SupervisedOptions {
  readonly command: readonly [string, ...string[]];
  readonly environment: NodeJS.ProcessEnv;
  /** Where its output goes. */
  readonly logFile: string;
  /** Exit codes that a person has to do something about: no new start. */
  readonly final: readonly number[];
  readonly onFinal: (code: number, errorText: string) => void;
}

/** A process of a trial: started again when it dies, as systemd does on the appliance. */
export class Supervised {
  readonly #options: SupervisedOptions;
  #child: ChildProcess | undefined;
  #stopped = false;
  #delay = firstDelay;
  #quickEnds = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SupervisedOptions) {
    this.#options = options;
    this.#start();
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  restart(): void {
    this.#child?.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), 6_000);
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      child.kill('SIGTERM');
    });
  }

  #start(): void {
    const { command, environment, logFile } = this.#options;
    const [file, ...parameters] = command;
    const log = openSync(logFile, 'a', 0o600);
    const started = process.hrtime.bigint();
    const child = spawn(file, parameters, { stdio: ['pipe', log, 'pipe'], env: environment });
    closeSync(log);
    this.#child = child;
    child.stdin?.on('error', () => {});
    let errorText = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errorText = (errorText + chunk.toString()).slice(-4096);
    });
    child.once('exit', (code, signal) => {
      if (this.#stopped) return;
      const lasted = Number((process.hrtime.bigint() - started) / 1_000_000n);
      const quick = signal === null && lasted < steadyMilliseconds;
      this.#quickEnds = quick ? this.#quickEnds + 1 : 0;
      const hopeless = this.#quickEnds > quickEndsMost;
      if (code !== null && (hopeless || this.#options.final.includes(code))) {
        this.#options.onFinal(code, errorText);
        return;
      }
      // What somebody killed may start at once; what ends by itself again and again may not.
      if (!quick) this.#delay = firstDelay;
      this.#timer = setTimeout(() => {
        this.#start();
      }, this.#delay);
      this.#delay = Math.min(this.#delay * 2, longestDelay);
    });
  }
}
