import { codeOf } from './token-state.ts';

/** A token that cannot be asked for so many seconds is taken for pulled. */
const patience = 30;
/** What a module says of a token that is not there, is another one, or was away. */
const goneCodes: readonly string[] = ['absent', 'session-lost', 'key-missing'];
/** A process that is starting, a library that hangs: this says nothing of the token. */
const unknownCodes: readonly string[] = ['restart-needed', 'deadline', 'module-unusable'];

/** Decides whether the token was pulled, for sites where that seals. */
export class Removal {
  readonly #now: () => number;
  #unknownSince: number | undefined;

  /** `now`: seconds of a clock that nobody sets. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The token was there. */
  there(): void {
    this.#unknownSince = undefined;
  }

  /** Whether what asking the token has thrown means that it was pulled. */
  isMeantBy(error: unknown): boolean {
    const code = codeOf(error);
    if (goneCodes.includes(code)) return true;
    if (!unknownCodes.includes(code)) return false;
    this.#unknownSince ??= this.#now();
    return this.#now() - this.#unknownSince >= patience;
  }
}
