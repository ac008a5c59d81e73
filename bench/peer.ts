import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ConnectionOptions } from 'node:tls';
import { until } from '../test/harness/appliance.ts';
import { family } from './target.ts';
import type { Target } from './target.ts';

type Identity = Pick<ConnectionOptions, 'cert' | 'key'>;

/** The bare Node TLS echo; `sizes` are lengths in bytes, of requests and their answers. */
export async function startEcho(
  folder: string,
  identity: Identity,
  sizes: Readonly<Record<number, number>>,
): Promise<Target> {
  const child = spawn(
    process.execPath,
    [
      join(import.meta.dirname, 'echo.ts'),
      join(folder, 'server.pem'),
      join(folder, 'server-key.pem'),
      JSON.stringify(sizes),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const port = await new Promise<number>((resolve) => {
    createInterface({ input: child.stdout }).once('line', (line) => {
      resolve(Number(line));
    });
  });
  return targetOf('Node TLS echo', child, { host: '127.0.0.1', port, ...identity });
}

/** Why PyKMIP's server cannot be measured here; undefined where it can. */
export function whyNoPykmip(): string | undefined {
  const python = '/usr/bin/python3';
  try {
    execFileSync(python, ['-c', 'import kmip.services.server'], { stdio: 'ignore' });
  } catch {
    return 'python3-pykmip is not installed';
  }
  try {
    execFileSync(python, ['-c', 'import ssl; ssl.wrap_socket'], { stdio: 'ignore' });
  } catch {
    return 'its server needs ssl.wrap_socket, which this Python no longer has';
  }
  return undefined;
}

/** PyKMIP's server with a database file of its own; it knows TLS 1.2 only. */
export async function startPykmip(folder: string, identity: Identity): Promise<Target> {
  mkdirSync(join(folder, 'policy'), { recursive: true });
  const port = await freePort();
  const script = join(import.meta.dirname, 'pykmip-server.py');
  const child = spawn('/usr/bin/python3', [script, folder, String(port)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  });
  await until('PyKMIP listens', () => accepts(port));
  const options = { host: '127.0.0.1', port, maxVersion: 'TLSv1.2', ...identity } as const;
  return targetOf('PyKMIP', child, options);
}

function targetOf(name: string, child: ChildProcess, options: ConnectionOptions): Target {
  const { pid } = child;
  if (pid === undefined) throw new Error(`${name} did not start`);
  return {
    name,
    connect: options,
    processes: () => family(pid),
    stop: () =>
      new Promise((resolve) => {
        child.once('close', () => {
          resolve();
        });
        for (const each of family(pid)) process.kill(each, 'SIGKILL');
      }),
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
