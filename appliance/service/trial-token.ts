import { randomBytes } from 'node:crypto';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { softhsm } from './software-token/softhsm.ts';
import type { SoftwareToken } from './software-token/software-token.ts';
import { softwareTpm } from './software-token/tpm.ts';

export type TokenKind = 'tpm' | 'softhsm';

export function isTokenKind(text: string): text is TokenKind {
  return text === 'tpm' || text === 'softhsm';
}

export interface TrialTokenOptions {
  readonly kind: TokenKind;
  /** Where the PKCS#11 store and the TPM's own state lie, and the PIN. */
  readonly store: string;
  readonly tpm: string;
  readonly pin: string;
  /** A PKCS#11 module to load in place of its own. */
  readonly module?: string | undefined;
  /** Called when it cannot be started again after it died. */
  readonly lost: (error: unknown) => void;
}

/** A token of a trial, with a PIN in a file; a TPM that dies comes back, as after a reset. */
export class TrialToken {
  readonly #options: TrialTokenOptions;
  #software: SoftwareToken | undefined;
  /** A start that is not over: what it starts has to end too. */
  #starting: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: TrialTokenOptions) {
    this.#options = options;
  }

  get environment(): Readonly<Record<string, string>> {
    return this.#software?.environment ?? {};
  }

  async start(): Promise<void> {
    const { pin } = this.#options;
    if (!existsSync(pin)) {
      writeFileSync(pin, `${randomBytes(16).toString('hex')}\n`, { mode: 0o600, flush: true });
    }
    await this.#startSoftware();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#starting.catch(() => undefined);
    await this.#software?.stop();
  }

  /** Renames its files: from then on it is lost, and the next start makes a blank one. */
  putAside(): void {
    const aside = `lost-${randomBytes(4).toString('hex')}`;
    for (const folder of [this.#options.store, this.#options.tpm]) {
      if (existsSync(folder)) renameSync(folder, `${folder}-${aside}`);
    }
  }

  /** The module's path as the configuration names it. */
  get module(): string {
    return this.#options.module ?? this.#software?.module ?? '';
  }

  /** What starts its token process: `node` and its parameters, in the token's environment. */
  command(node: readonly string[]): string[] {
    const { environment = {}, before = ':' } = this.#software ?? {};
    const assignments = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const shell = ['sh', '-c', `{ ${before}; } >/dev/null 2>&1; exec "$@"`, 'token'];
    return ['env', ...assignments, ...shell, ...node];
  }

  async #startSoftware(): Promise<void> {
    const { kind, store, tpm } = this.#options;
    if (kind === 'softhsm') {
      this.#software = softhsm(store);
      return;
    }
    // At the port it had: the keeper's command for the token process names it.
    const software = await softwareTpm(tpm, store, this.#software?.port);
    this.#software = software;
    void software.ended.then((died) => {
      if (!died || this.#stopped) return;
      this.#starting = this.#startSoftware();
      this.#starting.catch(this.#options.lost);
    });
  }
}
