import { execFile, execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { softwareTpm } from '../../appliance/service/software-token/tpm.ts';
import { answerOf } from '../harness/answer.ts';
import { removeFolder, temporaryFolder } from '../harness/appliance.ts';

/** A PIN in a credential that systemd-creds sealed to a TPM, as the keeper's unit is given it. */
const script = join(import.meta.dirname, '..', '..', 'scripts', 'twinlock');

interface Machine {
  readonly folder: string;
  readonly device: string;
  /** `twinlock token seal-pin` on it. */
  sealPin(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  /** What systemd gives the keeper; undefined where the TPM does not open it. */
  opened(file: string, signature?: string): string | undefined;
  /** What was booted is measured: a firmware, a system. */
  measure(pcr: number, what: string): void;
  /** Off and on again, in order: every PCR is zero. */
  restart(): Promise<void>;
}

async function machine(t: ExecutionContext): Promise<Machine> {
  const folder = temporaryFolder();
  const start = (): ReturnType<typeof softwareTpm> =>
    softwareTpm(join(folder, 'tpm'), join(folder, 'store'));
  let tpm = await start();
  t.teardown(async () => {
    await tpm.stop();
    removeFolder(folder);
  });
  const tcti = (): string => tpm.environment['TPM2_PKCS11_TCTI'] ?? '';
  const flush = (): void => {
    for (const what of ['-t', '-l', '-s']) execFileSync('tpm2_flushcontext', ['-T', tcti(), what]);
  };
  return {
    folder,
    get device() {
      return tcti();
    },
    sealPin(...words) {
      const all = ['token', 'seal-pin', '--tpm', tcti(), ...words];
      return new Promise((resolve) => {
        execFile(script, all, (error, stdout, stderr) => {
          flush();
          resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
        });
      });
    },
    opened(file, signature) {
      const by = signature === undefined ? [] : [`--tpm2-signature=${signature}`];
      const words = ['decrypt', '--name=token-pin', `--tpm2-device=${tcti()}`, ...by, file, '-'];
      try {
        return execFileSync('systemd-creds', words, { stdio: 'pipe' }).toString().split('\n')[0];
      } catch {
        return undefined;
      } finally {
        flush();
      }
    },
    measure(pcr, what) {
      const digest = createHash('sha256').update(what).digest('hex');
      execFileSync('tpm2_pcrextend', ['-T', tcti(), `${pcr}:sha256=${digest}`]);
    },
    async restart() {
      await tpm.stop();
      tpm = await start();
    },
  };
}

/** What `ukify` puts beside a system: the policy of its PCR 11, signed (TPM 2.0 Part 3, 23.7). */
function signedPolicy(
  system: string,
  key: { privateKey: KeyObject; publicKey: KeyObject },
): string {
  const sha256 = (...parts: Buffer[]): Buffer =>
    createHash('sha256').update(Buffer.concat(parts)).digest();
  const pcr = sha256(Buffer.alloc(32), sha256(Buffer.from(system)));
  const command = Buffer.from('0000017f', 'hex');
  // TPML_PCR_SELECTION: one bank, SHA-256, three bytes, PCR 11.
  const selection = Buffer.from('00000001000b03000800', 'hex');
  const policy = sha256(Buffer.alloc(32), command, selection, sha256(pcr));
  const der = key.publicKey.export({ format: 'der', type: 'pkcs1' });
  const entry = {
    pcrs: [11],
    pkfp: createHash('sha256').update(der).digest('hex'),
    pol: policy.toString('hex'),
    sig: sign('sha256', policy, key.privateKey).toString('base64'),
  };
  return JSON.stringify({ sha256: [entry] });
}

test('a sealed PIN opens on this TPM in this state of Secure Boot, and nowhere else', async (t) => {
  t.timeout(180_000);
  const box = await machine(t);
  const file = join(box.folder, 'token-pin.cred');
  const unmeasured = await box.sealPin('--to', file);
  t.is(unmeasured.code, 3);
  t.regex(unmeasured.stderr, /^error: the firmware measured nothing into PCR 7\nhint: .*\n$/);
  t.false(existsSync(file));

  box.measure(7, 'Secure Boot');
  const sealed = await box.sealPin('--to', file, '--json');
  t.is(sealed.code, 0, sealed.stderr);
  t.deepEqual(answerOf('token seal-pin', sealed), { sealed: file, boundTo: 'PCR 7', random: true });
  const pin = box.opened(file);
  t.regex(pin ?? '', /^[\da-f]{32}$/);
  t.false(`${sealed.stdout}${readFileSync(file, 'latin1')}`.includes(pin ?? ''));

  const again = await box.sealPin('--to', file);
  t.is(again.code, 3);
  t.regex(again.stderr, /^error: there is a sealed PIN .*\nhint: .*--replace/);
  t.is(box.opened(file), pin);
  const known = join(box.folder, 'known');
  writeFileSync(known, 'the token has it\n');
  const replaced = await box.sealPin('--to', file, '--pin-file', known, '--replace');
  t.is(replaced.code, 0, replaced.stderr);
  t.is(box.opened(file), 'the token has it');

  const another = await machine(t);
  another.measure(7, 'Secure Boot');
  t.is(another.opened(file), undefined);
  await box.restart();
  box.measure(7, 'Secure Boot is off');
  t.is(box.opened(file), undefined);
  await box.restart();
  box.measure(7, 'Secure Boot');
  t.is(box.opened(file), 'the token has it');
});

test('with a signer of PCR 11 each of its systems opens it, and no other system', async (t) => {
  t.timeout(180_000);
  const box = await machine(t);
  const file = join(box.folder, 'token-pin.cred');
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const publicKey = join(box.folder, 'signer.pem');
  writeFileSync(publicKey, key.publicKey.export({ format: 'pem', type: 'spki' }));
  const signature = (system: string, by = key): string => {
    const path = join(box.folder, `signature-${system}`);
    writeFileSync(path, signedPolicy(system, by));
    return path;
  };
  const boot = async (system: string): Promise<void> => {
    await box.restart();
    box.measure(7, 'Secure Boot');
    box.measure(11, system);
  };
  await boot('version 1');
  const sealing = ['--to', file, '--public-key', publicKey, '--signature'];
  const unsigned = await box.sealPin(...sealing, signature('version 2'));
  t.is(unsigned.code, 3, 'a system that its signer does not sign would not open it');
  t.false(existsSync(file));
  const sealed = await box.sealPin(...sealing, signature('version 1'), '--json');
  t.is(sealed.code, 0, sealed.stderr);
  t.like(JSON.parse(sealed.stdout), { boundTo: 'PCR 7 and signed PCR 11' });
  const pin = box.opened(file, signature('version 1'));
  t.regex(pin ?? '', /^[\da-f]{32}$/);

  await boot('version 2');
  t.is(box.opened(file, signature('version 2')), pin, 'an update');
  await boot('somebody’s kernel');
  t.is(box.opened(file, signature('version 1')), undefined);
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
  t.is(box.opened(file, signature('somebody’s kernel', stranger)), undefined);
});
