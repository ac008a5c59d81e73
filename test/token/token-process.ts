import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { TokenLink } from '../../appliance/keeper/token-link.ts';
import type { SoftwareToken } from '../../appliance/service/software-token/software-token.ts';
import type { TokenClient } from '../../appliance/token/client.ts';
import type { Token, TokenStatus } from '../../appliance/token/token.ts';
import { removeFolder, temporaryFolder, until } from '../harness/appliance.ts';

export interface TokenProcessOptions {
  /** Makes the token, with its files in the folder it is given. */
  readonly token: (folder: string) => Promise<SoftwareToken>;
  readonly label?: string;
  readonly serial?: string;
  readonly pin?: string;
  /** Milliseconds that a call into the module may take. */
  readonly deadline?: number;
}

/** A token behind the real token process, which the keeper's own link starts again when it ends. */
export class TokenProcess {
  readonly folder: string;
  readonly label: string;
  readonly pin: Buffer;
  readonly #software: SoftwareToken;
  readonly #link: TokenLink;

  private constructor(folder: string, software: SoftwareToken, options: TokenProcessOptions) {
    this.folder = folder;
    this.label = options.label ?? 'contract';
    this.pin = Buffer.from(options.pin ?? '123456');
    this.#software = software;
    const run = join(folder, 'run');
    mkdirSync(run);
    const deadline = options.deadline ?? 20_000;
    const text = JSON.stringify;
    const lines = [
      `state = ${text(folder)}`,
      `run = ${text(run)}`,
      '[token]',
      `module = ${text(software.module)}`,
      `label = ${text(this.label)}`,
      `deadline = ${deadline}`,
      ...(options.serial === undefined ? [] : [`serial = ${text(options.serial)}`]),
      '[keeper]',
      '[server]',
    ];
    const configuration = join(folder, 'twinlock.toml');
    writeFileSync(configuration, lines.join('\n'));
    const { environment, before = ':' } = software;
    const assignments = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const main = join(import.meta.dirname, '..', '..', 'appliance', 'service', 'token.ts');
    const shell = `echo $$ > '${join(folder, 'pid')}'; { ${before}; } >'${folder}/before' 2>&1; `;
    this.#link = new TokenLink({
      socket: join(run, 'token.sock'),
      command: [
        ...(['env', ...assignments, 'sh', '-c', `${shell}exec "$@"`, 'token'] as const),
        ...[process.execPath, main, '--configuration', configuration, '--with-parent'],
      ],
      deadline: deadline + 1_000,
      log: () => {},
    });
  }

  static async start(options: TokenProcessOptions): Promise<TokenProcess> {
    const folder = temporaryFolder();
    return new TokenProcess(folder, await options.token(folder), options);
  }

  get token(): TokenClient {
    return this.#link.client;
  }

  /** The process's number; it is that of the shell for a moment, and the process's afterwards. */
  get pid(): number {
    return Number(readFileSync(join(this.folder, 'pid'), 'utf8'));
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    process.kill(this.pid, signal);
  }

  /** Ends the process, and waits until the next one listens: it has not loaded its module yet. */
  async replaced(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { pid } = this;
    this.kill(signal);
    await until('the next token process starts', () => this.pid !== pid);
    await until('it listens', () => this.#listens());
  }

  /** Waits until the process answers anything that does not ask for a new process. */
  async answering(): Promise<TokenStatus | string> {
    let answer: TokenStatus | string = '';
    await until('the token process answers', async () => {
      answer = await this.token.status().catch((error: unknown) => codeOf(error));
      return answer !== 'restart-needed' && answer !== 'deadline';
    });
    this.#link.settled();
    return answer;
  }

  /** What a keeper does: waits for the process and logs in where it is not. Gives the token. */
  async ready(): Promise<Token> {
    const status = await this.answering();
    if (typeof status === 'string') throw new Error(`the token is ${status}`);
    if (!status.loggedIn) await this.token.login(this.pin);
    return this.token;
  }

  /** Waits for a process that has not logged in: the next one, if need be. */
  async fresh(): Promise<Token> {
    const status = await this.answering();
    if (typeof status !== 'string' && status.loggedIn) {
      const { pid } = this;
      this.kill();
      await until('the next token process starts', () => this.pid !== pid);
      await this.answering();
    }
    return this.token;
  }

  #listens(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(join(this.folder, 'run', 'token.sock'));
      socket.once('error', () => {
        resolve(false);
      });
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
    });
  }

  async stop(): Promise<void> {
    await this.#link.stop();
    await this.#software.stop();
    removeFolder(this.folder);
  }
}

export function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : String(error);
}

export async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return codeOf(error);
  }
  return 'no refusal';
}
