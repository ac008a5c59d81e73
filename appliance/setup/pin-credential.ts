import { execFile } from 'node:child_process';
import { timingSafeEqual } from 'node:crypto';
import { replaceFile } from '../disk/durable-file.ts';
import { SetupError } from './error.ts';

/** The name that `twinlock-keeper.service` loads it under. */
const credentialName = 'token-pin';

/** Milliseconds for systemd-creds: a TPM takes a second, its first use some more. */
const patience = 60_000;

export interface PinCredential {
  /** Where it lies: see `twinlock-token-pin.service`. */
  readonly path: string;
  /** Tells this credential from every other: what the keeper knows of the PIN it knows by it. */
  readonly number: string;
  /** How the TPM is reached, in systemd's words; the machine's own without. */
  readonly device?: string | undefined;
  /** The key, a PEM file, of whoever signs PCR 11 of each version of the system. */
  readonly publicKey?: string | undefined;
  /** That version's signature, for the look whether it opens; systemd finds its own. */
  readonly signature?: string | undefined;
}

/**
 * Seals a PIN to this machine's TPM under PCR 7 (the state of Secure Boot) and, with a public key,
 * under PCR 11 (the system that was booted) as that key signs it, so that an update goes on opening
 * it. It is written durably once systemd-creds opened it again. The PIN passes through pipes alone.
 * Throws SetupError `pin-not-sealed`: then nothing was written; and what the disk throws.
 */
export async function sealPin(pin: Uint8Array, credential: PinCredential): Promise<void> {
  const { path, number, device, publicKey, signature } = credential;
  const tpm = device === undefined ? [] : [`--tpm2-device=${device}`];
  const name = `--name=${credentialName}`;
  const signed =
    publicKey === undefined
      ? ['--with-key=tpm2']
      : [
          '--with-key=tpm2-with-public-key',
          ...[`--tpm2-public-key=${publicKey}`, '--tpm2-public-key-pcrs=11'],
        ];
  const sealing = ['encrypt', name, ...signed, ...tpm, '--tpm2-pcrs=7', '-', '-'];
  const content = Buffer.concat([pin, Buffer.from(`\n${number}\n`)]);
  const sealed = await systemdCreds(sealing, content).finally(() => content.fill(0));
  const by = signature === undefined ? [] : [`--tpm2-signature=${signature}`];
  const opened = await systemdCreds(['decrypt', name, ...tpm, ...by, '-', '-'], sealed);
  const same = opened.length > pin.length && timingSafeEqual(opened.subarray(0, pin.length), pin);
  opened.fill(0);
  if (!same) throw notSealed('what was sealed does not open again');
  replaceFile(path, sealed);
}

function systemdCreds(parameters: readonly string[], input: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { encoding: 'buffer', timeout: patience } as const;
    const child = execFile('systemd-creds', parameters, options, (cause, stdout, stderr) => {
      // It says so and goes on: such a credential would open on whatever was booted.
      const unbound = /not initialized|unenforced/.test(stderr.toString());
      if (cause === null && !unbound) {
        resolve(stdout);
        return;
      }
      stdout.fill(0);
      reject(notSealed(unbound ? 'the firmware measured nothing into PCR 7' : reasonOf(cause)));
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

function reasonOf(cause: unknown): string {
  const { code, killed } = cause as { readonly code?: unknown; readonly killed?: boolean };
  if (code === 'ENOENT') return 'systemd-creds is not there';
  return killed === true ? 'the TPM did not answer in time' : 'systemd-creds refused it';
}

function notSealed(message: string): SetupError {
  const hint = 'nothing was written; as root, on a machine with a TPM 2.0 and Secure Boot';
  return new SetupError('pin-not-sealed', message, hint);
}
