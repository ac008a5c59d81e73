import { execFileSync } from 'node:child_process';
import { TokenError } from './error.ts';
import type { DictionaryAttack } from './token.ts';

/**
 * Tries before a TPM refuses every authorisation that it protects; seconds after which one try is
 * forgotten; and seconds for which a wrong lockoutAuth stops every other use of it.
 */
const limits = { tries: 32, recovery: 600, lockoutRecovery: 86_400 };

/** Milliseconds for one of the programs; a TPM takes some 100. */
const patience = 8_000;

const wrongAuthorisation = 3;

/**
 * What PKCS#11 has no call for in a TPM: its protection against dictionary attacks, and clearing
 * it (TPM 2.0 Library Part 3, clauses 25.2, 25.3, 24.6). By tpm2-tools 5.4, which take lockoutAuth
 * from their standard input, so that no process list shows it. Every call blocks.
 */
export class Tpm {
  readonly #tcti: string;

  /** `tcti`: how the TPM is reached, in the words of tpm2-tss. */
  constructor(tcti: string = process.env['TPM2_PKCS11_TCTI'] ?? 'device:/dev/tpmrm0') {
    this.#tcti = tcti;
  }

  /** Sets the limits of a TPM whose lockoutAuth nobody has set yet. Throws TokenError. */
  limit(): void {
    if (!this.#read().lockoutAuthSet) this.#setLimits(undefined);
  }

  /**
   * Sets the limits, and lockoutAuth where there is none yet; forgets the failed tries, a power cut
   * among them: whoever has lockoutAuth has opened the keys. `mayTry` false: a lockoutAuth that is
   * there is not tried, for a wrong one locks it. Throws TokenError `lockout-refused`.
   */
  protect(lockoutAuth: Uint8Array, mayTry: boolean): DictionaryAttack {
    const found = this.#read();
    if (!found.lockoutAuthSet) {
      this.#setLimits(undefined);
      this.#run('tpm2_changeauth', ['-c', 'lockout', 'file:-'], lockoutAuth);
    } else if (mayTry) {
      const { tries, recovery, lockoutRecovery } = found;
      const right =
        tries === limits.tries &&
        recovery === limits.recovery &&
        lockoutRecovery === limits.lockoutRecovery;
      if (!right) this.#setLimits(lockoutAuth);
      if (found.failed > 0) {
        this.#run('tpm2_dictionarylockout', ['--clear-lockout', '-p', 'file:-'], lockoutAuth);
      }
    } else {
      throw new TokenError('lockout-refused', 'the TPM has another’s lockoutAuth');
    }
    const { failed, tries, recovery } = this.#read();
    return { failed, tries, recovery };
  }

  /**
   * TPM2_Clear: every key that was made under its owner's hierarchy is gone, in every copy of a
   * store too; so are a disk's enrolments. Throws TokenError `lockout-refused`.
   */
  clear(lockoutAuth: Uint8Array | undefined): void {
    if (!this.#read().lockoutAuthSet) {
      this.#run('tpm2_clear', ['-c', 'lockout'], undefined);
      return;
    }
    if (lockoutAuth === undefined) {
      throw new TokenError('lockout-refused', 'the TPM’s lockoutAuth is not known');
    }
    this.#run('tpm2_clear', ['-c', 'lockout', 'file:-'], lockoutAuth);
  }

  #setLimits(lockoutAuth: Uint8Array | undefined): void {
    const { tries, recovery, lockoutRecovery } = limits;
    const parameters = [
      ...['--setup-parameters', `--max-tries=${tries}`, `--recovery-time=${recovery}`],
      `--lockout-recovery-time=${lockoutRecovery}`,
      ...(lockoutAuth === undefined ? [] : ['-p', 'file:-']),
    ];
    this.#run('tpm2_dictionarylockout', parameters, lockoutAuth);
  }

  #read(): DictionaryAttack & {
    readonly lockoutAuthSet: boolean;
    readonly lockoutRecovery: number;
  } {
    const text = this.#run('tpm2_getcap', ['properties-variable'], undefined);
    const number = (name: string): number => {
      const value = new RegExp(`^ *${name}: +(\\S+)$`, 'm').exec(text)?.[1];
      if (value === undefined) throw new TokenError('failed', `the TPM does not tell ${name}`);
      return Number(value);
    };
    return {
      lockoutAuthSet: number('lockoutAuthSet') === 1,
      failed: number('TPM2_PT_LOCKOUT_COUNTER'),
      tries: number('TPM2_PT_MAX_AUTH_FAIL'),
      recovery: number('TPM2_PT_LOCKOUT_INTERVAL'),
      lockoutRecovery: number('TPM2_PT_LOCKOUT_RECOVERY'),
    };
  }

  #run(program: string, parameters: readonly string[], auth: Uint8Array | undefined): string {
    const input = Buffer.from(auth === undefined ? '' : `hex:${Buffer.from(auth).toString('hex')}`);
    try {
      return execFileSync(program, ['-T', this.#tcti, ...parameters], {
        input,
        stdio: ['pipe', 'pipe', 'pipe'],
        timeout: patience,
        encoding: 'utf8',
      });
    } catch (cause) {
      const { code, status, stderr } = cause as {
        readonly code?: string;
        readonly status?: number | null;
        readonly stderr?: string;
      };
      if (code === 'ENOENT') {
        throw new TokenError('failed', `${program} is not there: the package tpm2-tools has it`);
      }
      // TPM_RC_LOCKOUT: somebody tried a wrong one, which says nothing of this one.
      if ((stderr ?? '').includes('(0x921)')) {
        throw new TokenError('failed', 'the TPM takes no lockoutAuth for a day after a wrong one');
      }
      if (status === wrongAuthorisation) {
        throw new TokenError('lockout-refused', 'the TPM refused this lockoutAuth');
      }
      throw new TokenError('failed', `${program} failed`);
    } finally {
      input.fill(0);
    }
  }
}
