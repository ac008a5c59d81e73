import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Stop } from '../exit.ts';
import { tpmModule } from './module.ts';
import type { SoftwareToken } from './software-token.ts';

const run = promisify(execFile);

/**
 * swtpm, with its state in `folder` and the store of tpm2-pkcs11 in `store`. `again`: the port that
 * it had before it died.
 */
export async function softwareTpm(
  folder: string,
  store: string,
  again?: number,
): Promise<SoftwareToken> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  mkdirSync(store, { recursive: true, mode: 0o700 });
  const isNew = !existsSync(join(folder, 'tpm2-00.permall'));
  if (isNew) await tool('swtpm_setup', ['--tpm2', '--tpmstate', folder, '--pcr-banks', 'sha256']);
  const port = again ?? (await freePorts());
  const child = spawn(
    'swtpm',
    [
      ...['socket', '--tpm2', '--tpmstate', `dir=${folder}`],
      ...['--server', `type=tcp,port=${port},bindaddr=127.0.0.1`],
      ...['--ctrl', `type=tcp,port=${port + 1},bindaddr=127.0.0.1`],
      ...['--flags', 'not-need-init,startup-clear'],
    ],
    // In a session of its own: Ctrl-C is for the trial, which ends it in order.
    { stdio: ['ignore', 'inherit', 'inherit'], detached: true },
  );
  let stopping = false;
  const ended = new Promise<boolean>((resolve) => {
    child.once('exit', () => {
      resolve(!stopping);
    });
    child.once('error', () => {
      resolve(true);
    });
  });
  const tcti = `swtpm:host=127.0.0.1,port=${port}`;
  await reachable(port, ended);
  return {
    module: tpmModule(),
    environment: { TPM2_PKCS11_STORE: store, TPM2_PKCS11_TCTI: tcti },
    // What /dev/tpmrm0 does when a process dies: without it the keys that a killed token process
    // had loaded would fill the three places that a TPM has.
    before: ['-t', '-l', '-s'].map((what) => `tpm2_flushcontext -T ${tcti} ${what}`).join('; '),
    port,
    pid: child.pid,
    ended,
    async stop() {
      if (stopping || child.exitCode !== null || child.signalCode !== null) return;
      stopping = true;
      // An orderly end: without it the next start counts one failed try.
      await run('tpm2_shutdown', ['-T', tcti]).catch(() => undefined);
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function tool(name: string, parameters: readonly string[]): Promise<void> {
  try {
    await run(name, parameters);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const hint = 'apt-get install swtpm swtpm-tools tpm2-tools';
    const message = missing ? `${name} is not installed` : `${name} failed`;
    throw new Stop('softwareMissing', message, hint, { cause });
  }
}

/** A port that is free together with the one after it: swtpm's clients expect the pair. */
async function freePorts(): Promise<number> {
  for (;;) {
    const first = await holdPort(0);
    const { port } = first.address() as { port: number };
    const second = port < 65_535 ? await holdPort(port + 1).catch(() => undefined) : undefined;
    first.close();
    second?.close();
    if (second !== undefined) return port;
  }
}

function holdPort(port: number): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      resolve(server);
    });
  });
}

async function reachable(port: number, ended: Promise<boolean>): Promise<void> {
  const gone = { value: false };
  void ended.then(() => (gone.value = true));
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => {
        resolve(false);
      });
    });
    if (open) return;
    if (gone.value) {
      const hint = 'another swtpm may hold its state; see the trial’s log';
      throw new Stop('noToken', 'swtpm does not start', hint);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
