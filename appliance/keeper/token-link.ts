import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { TokenClient } from '../token/client.ts';

export interface TokenLinkOptions {
  /** The token process's socket. */
  readonly socket: string;
  /** Starts the token process; absent where systemd starts it when its socket is connected. */
  readonly command?: readonly [string, ...string[]];
  readonly environment?: NodeJS.ProcessEnv;
  /** Milliseconds that one token call may take. */
  readonly deadline: number;
  readonly log: (
    level: 'info' | 'warn',
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => void;
}

const firstDelay = 100;
const longestDelay = 5_000;

/** Keeps a token process running, kills one that hangs, and starts it again. */
export class TokenLink {
  readonly client: TokenClient;
  readonly #options: TokenLinkOptions;
  #child: ChildProcess | undefined;
  #delay = firstDelay;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: TokenLinkOptions) {
    this.#options = options;
    this.client = new TokenClient({
      path: options.socket,
      deadline: options.deadline,
      kill: () => this.#child?.kill('SIGKILL'),
    });
    this.#start();
  }

  /** The token answered: the next death may be followed by a quick start again. */
  settled(): void {
    this.#delay = firstDelay;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.client.close();
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), this.#options.deadline);
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      child.kill('SIGTERM');
    });
  }

  #start(): void {
    const { command, environment, log } = this.#options;
    if (command === undefined || this.#stopped) return;
    const [file, ...parameters] = command;
    // Its standard input is a pipe from here: its end tells the child that its keeper died.
    const child = spawn(file, parameters, {
      stdio: ['pipe', 'inherit', 'inherit'],
      ...(environment === undefined ? {} : { env: environment }),
    });
    this.#child = child;
    child.stdin.on('error', () => {});
    child.once('error', (error) => {
      log('warn', 'the token process did not start', { error: error.message });
    });
    child.once('exit', (code, signal) => {
      if (this.#stopped) return;
      log('warn', 'the token process ended', { code, signal });
      if (signal !== null) this.#delay = firstDelay;
      this.#timer = setTimeout(() => {
        this.#start();
      }, this.#delay);
      this.#delay = Math.min(this.#delay * 2, longestDelay);
    });
  }
}
