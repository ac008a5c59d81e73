import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';

const root = join(import.meta.dirname, '..', '..');
export type Role = 'server' | 'keeper' | 'token' | 'swtpm';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A whole appliance in processes of its own, as `scripts/run` starts it. */
export class RunningAppliance {
  readonly state: string;
  readonly host: string;
  readonly port: number;
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;

  constructor(state: string, endpoint: string, child: ChildProcess, ended: Promise<Ended>) {
    this.state = state;
    const colon = endpoint.lastIndexOf(':');
    this.host = endpoint.slice(0, colon);
    this.port = Number(endpoint.slice(colon + 1));
    this.child = child;
    this.ended = ended;
  }

  file(...parts: readonly string[]): string {
    return join(this.state, ...parts);
  }

  read(...parts: readonly string[]): string {
    return readFileSync(this.file(...parts), 'utf8');
  }

  /** Process numbers of everything that runs on this state, by role. */
  processes(role: Role): number[] {
    const mark = role === 'swtpm' ? `dir=${this.file('tpm')}` : `service/${role}.`;
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        const line = commandLine(pid);
        return (
          line.includes(mark) &&
          // With the slash: one state's name may begin another's.
          line.includes(`${this.state}/`) &&
          /^[^\0]*node\0/.test(line) === (role !== 'swtpm')
        );
      });
  }

  signal(role: Role, signal: NodeJS.Signals): number {
    const found = this.processes(role);
    for (const pid of found) {
      try {
        process.kill(pid, signal);
      } catch {
        // It ended in between.
      }
    }
    return found.length;
  }

  /** The port of the HTTPS profiles, as the log tells it. */
  get httpsPort(): number {
    const found = /"httpsPort":(\d+)/.exec(this.read('log', 'server.log'))?.[1];
    if (found === undefined) throw new Error('the HTTPS profiles are not served');
    return Number(found);
  }

  /** The port of the admin API over HTTPS, as the log tells it. */
  get adminPort(): number {
    const found = /"adminPort":(\d+)/.exec(this.read('log', 'server.log'))?.[1];
    if (found === undefined) throw new Error('administrators are not served');
    return Number(found);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }

  twinlock(...parameters: readonly string[]): Promise<Ended> {
    return command(join(root, 'scripts', 'twinlock'), ['--state', this.state, ...parameters]);
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Runs a program to its end. */
export function command(file: string, parameters: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(file, parameters, { maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({ code, stdout, stderr });
    });
  });
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'twinlock-'));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * Starts an appliance for a test and waits for its READY line; throws what it said when it ends
 * instead. It ends with the test, and so does a state folder of its own.
 */
export async function startAppliance(
  t: Pick<ExecutionContext, 'teardown'>,
  options: {
    readonly state?: string;
    readonly token?: 'tpm' | 'softhsm';
    readonly clients?: number;
    readonly listen?: string;
    /** Serves the HTTPS profiles, at any port. */
    readonly https?: boolean;
    readonly serverKey?: 'rsa' | 'p256';
    readonly log?: 'info' | 'debug';
    readonly environment?: NodeJS.ProcessEnv;
    /** Further options of `scripts/run`. */
    readonly more?: readonly string[];
  } = {},
): Promise<RunningAppliance> {
  const { state = temporaryFolder(), token = 'softhsm', clients = 1 } = options;
  const { environment = process.env, serverKey = 'rsa', log = 'info' } = options;
  const parameters = [
    ...['--state', state, '--token', token, '--clients', String(clients)],
    ...['--listen', options.listen ?? '127.0.0.1:0', '--server-key', serverKey],
    ...['--log', log, ...(options.more ?? [])],
    ...(options.https === true ? ['--https', '127.0.0.1:0'] : []),
  ];
  const started = launch(parameters, { environment });
  t.teardown(async () => {
    started.child.kill('SIGTERM');
    await started.ended;
    if (options.state === undefined) removeFolder(state);
  });
  const first = await Promise.race([started.ready, started.ended]);
  if (typeof first === 'string') {
    return new RunningAppliance(state, first, started.child, started.ended);
  }
  throw new Error(`the appliance ended with ${String(first.code)}: ${first.stderr}`);
}

const trial = join(root, 'appliance', 'service', 'trial.ts');

/** Starts the trial with any options at all; for those that are to fail. */
export function launch(
  parameters: readonly string[],
  { file = trial, environment = process.env } = {},
): {
  readonly child: ChildProcess;
  readonly ready: Promise<string>;
  readonly ended: Promise<Ended>;
} {
  const child = spawn(process.execPath, [file, ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment,
  });
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ready = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      stdout += `${line}\n`;
      const endpoint = /^READY (\S+)$/.exec(line)?.[1];
      if (endpoint !== undefined) resolve(endpoint);
    });
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
  return { child, ready, ended };
}

/** Waits until a condition holds, looking again and again; throws after the deadline. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  milliseconds = 30_000,
): Promise<void> {
  const deadline = process.hrtime.bigint() + BigInt(milliseconds) * 1_000_000n;
  while (!(await holds())) {
    if (process.hrtime.bigint() > deadline) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
