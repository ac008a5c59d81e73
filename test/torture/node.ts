import { execFileSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { AdminClient } from '../../appliance/admin/client.ts';
import { launch, removeFolder, RunningAppliance } from '../harness/appliance.ts';
import type { Ended, Role } from '../harness/appliance.ts';
import { FaultProxy } from '../harness/fault-proxy.ts';
import { FaultySystem } from '../harness/faulty-system.ts';

export type TokenKind = 'tpm' | 'softhsm';

/** Waits until something holds, looking again and again; throws after the deadline. */
export async function waitFor(
  what: string,
  holds: () => boolean | Promise<boolean>,
  milliseconds = 120_000,
): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`in vain: ${what}`);
    await pause(50);
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * One place where a node stands: address, disk, clock and network cable stay the same through all
 * the nodes that are lost there. The cable is a proxy through which the other one dials.
 */
export class Place {
  readonly name: string;
  readonly proxy: FaultProxy;
  readonly system: FaultySystem;
  readonly host: string;
  readonly port: number;
  readonly #folder: string;
  readonly #peerPort: number;
  #token: TokenKind;
  #lives = 0;
  #journal = false;
  #child: ChildProcess | undefined;
  #ended: Promise<Ended> = Promise.resolve({ code: 0, stdout: '', stderr: '' });
  /** Whether its disk is a file system of its own, which can be full. */
  readonly #mounted: boolean;
  /** Whether somebody took it down, so that its absence is no surprise. */
  down = true;

  private constructor(parts: {
    readonly folder: string;
    readonly name: string;
    readonly library: string;
    readonly token: TokenKind;
    readonly host: string;
    readonly port: number;
    readonly peerPort: number;
    readonly proxy: FaultProxy;
    readonly mounted: boolean;
  }) {
    const { folder, name, library, token } = parts;
    this.#folder = join(folder, name);
    mkdirSync(this.#folder);
    this.#mounted = parts.mounted && mounts(this.#folder);
    mkdirSync(this.journalFolder);
    this.name = name;
    this.host = parts.host;
    this.port = parts.port;
    this.#peerPort = parts.peerPort;
    this.proxy = parts.proxy;
    this.#token = token;
    this.system = new FaultySystem(library, join(this.#folder, 'orders'));
  }

  static async open(parts: {
    readonly folder: string;
    readonly name: string;
    readonly library: string;
    readonly token: TokenKind;
    readonly host: string;
    /** Gives it a small file system of its own, where one can be mounted. */
    readonly mounted: boolean;
  }): Promise<Place> {
    const { host } = parts;
    const [port, peerPort] = [await freePort(host), await freePort(host)];
    const proxy = await FaultProxy.open(peerPort, host);
    return new Place({ ...parts, port, peerPort, proxy });
  }

  /** The state folder of the node that stands here now. */
  get state(): string {
    return join(this.#folder, `${this.name}${this.#lives}`);
  }

  /** Its name among nodes. */
  get node(): string {
    return basename(this.state);
  }

  get appliance(): RunningAppliance {
    const endpoint = `${this.host}:${this.port}`;
    return new RunningAppliance(this.state, endpoint, this.#child as ChildProcess, this.#ended);
  }

  get admin(): AdminClient {
    return new AdminClient(join(this.state, 'run', 'admin.sock'));
  }

  get journalFolder(): string {
    return join(this.#folder, 'journal');
  }

  /** Starts the node; `fresh`: it is to join another one. Resolves once it serves, or waits to. */
  async start({ fresh = false, journal = this.#journal } = {}): Promise<void> {
    this.#journal = journal;
    const started = launch(
      [
        ...['--state', this.state, '--token', this.#token],
        ...['--listen', `${this.host}:${this.port}`],
        ...['--peer', `${this.host}:${this.#peerPort}`, '--peer-address', this.proxy.address],
        ...(journal ? ['--journal', this.journalFolder] : []),
        ...(fresh ? ['--new'] : []),
      ],
      { environment: this.system.environment },
    );
    this.#child = started.child;
    this.#ended = started.ended;
    if (fresh) {
      await waitFor(`${this.node} is there`, async () => {
        const status = await this.admin.status().catch(() => undefined);
        return status?.state === 'NOT CONFIGURED';
      });
      return;
    }
    const first = await Promise.race([started.ready, started.ended]);
    if (typeof first !== 'string') {
      throw new Error(`${this.node} ended with ${String(first.code)}: ${first.stderr}`);
    }
    this.down = false;
  }

  /** An orderly end. */
  async stop(): Promise<void> {
    this.down = true;
    this.#child?.kill('SIGTERM');
    await this.#ended;
  }

  /** Power off: every process of the node ends at once, its token too. */
  async cutPower(): Promise<void> {
    this.down = true;
    this.#child?.kill('SIGKILL');
    for (const role of ['server', 'keeper', 'token', 'swtpm'] as const) {
      this.appliance.signal(role, 'SIGKILL');
    }
    await this.#ended;
    const roles: readonly Role[] = ['server', 'keeper', 'token', 'swtpm'];
    await waitFor('all have ended', () =>
      roles.every((role) => this.appliance.processes(role).length === 0),
    );
  }

  /** Power on again. */
  async powerOn(options: { readonly journal?: boolean } = {}): Promise<void> {
    await this.start(options);
  }

  signal(roles: readonly Role[], signal: NodeJS.Signals): void {
    for (const role of roles) this.appliance.signal(role, signal);
  }

  /** Takes all space from its disk, or gives it back. */
  setFull(full: boolean): void {
    if (!this.#mounted) {
      this.system.order(full ? { write: 'ENOSPC' } : {});
      return;
    }
    if (!full) {
      resize(this.#folder, diskBytes);
      return;
    }
    // The node writes on meanwhile: no disk is made smaller than what lies on it by then.
    for (let tries = 0; ; tries++) {
      const { blocks, bfree, bsize } = statfsSync(this.#folder);
      try {
        resize(this.#folder, (blocks - bfree) * bsize);
        return;
      } catch (error) {
        if (tries === 100) throw error;
      }
    }
  }

  unmount(): void {
    if (this.#mounted) execFileSync('umount', ['-l', this.#folder]);
  }

  /** Keeps a copy of the disk as it is now; the node has to be off. */
  image(): string {
    const copy = join(this.#folder, 'image');
    removeFolder(copy);
    execFileSync('cp', ['-a', this.state, copy]);
    return copy;
  }

  /** Puts a copy in the disk's place; the node has to be off. */
  putBack(copy: string): void {
    removeFolder(this.state);
    execFileSync('mv', [copy, this.state]);
  }

  /** The disk and the token are gone; who starts here next is another node. */
  loseEverything(): void {
    removeFolder(this.state);
    this.#lives++;
    this.#token = 'softhsm';
  }

  /** Brings the journal of a lost node here. */
  takeJournal(from: Place): void {
    cpSync(from.journalFolder, this.journalFolder, { recursive: true });
  }

  emptyJournal(): void {
    removeFolder(this.journalFolder);
    mkdirSync(this.journalFolder);
  }

  file(...parts: readonly string[]): Buffer {
    return readFileSync(join(this.state, ...parts));
  }

  /** How often the server has logged this. */
  said(message: string): number {
    return this.file('log', 'server.log').toString().split(`"msg":"${message}"`).length - 1;
  }

  shares(into: string): string[] {
    const folder = join(this.state, 'trial-shares');
    return readdirSync(folder).map((name) => {
      const path = join(into, name);
      writeFileSync(path, readFileSync(join(folder, name)));
      return path;
    });
  }
}

const diskBytes = 2 ** 31;

function resize(folder: string, bytes: number): void {
  execFileSync('mount', ['-o', `remount,size=${bytes}`, folder], { stdio: 'pipe' });
}

function mounts(folder: string): boolean {
  try {
    const options = ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', folder];
    execFileSync('mount', options, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, host, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}
