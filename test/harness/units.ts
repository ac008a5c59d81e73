import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import { atTerminal } from './terminal.ts';
import { command } from './appliance.ts';
import type { Ended } from './appliance.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = join(root, 'systemd');

export interface UnitsOptions {
  /** Where the units' absolute paths lie instead. */
  readonly state: string;
  readonly module: string;
  /** What the token processes find in their environment, such as SOFTHSM2_CONF. */
  readonly environment: Readonly<Record<string, string>>;
  /** Lines that take the place of lines in `systemd/twinlock.toml`, and further ones. */
  readonly configure?: (text: string) => string;
  /** Further tokens of the configuration, each by an instance of the unit for them. */
  readonly tokens?: readonly string[];
  /** Credentials of the keeper's unit by their names, as systemd would put them there. */
  readonly credentials?: Readonly<Record<string, string>>;
  /**
   * Numbers for the users of `systemd/sysusers.d`: each process is then the compiled one, as its
   * unit's user and under its limits (`as-unit.py`). Needs root, and `dist`.
   */
  readonly users?: Readonly<Record<string, number>>;
}

/**
 * A node as the files under `systemd/` make it: their sockets, names of sockets and commands, with
 * `systemd/twinlock.toml`, under another root folder. Each process is started by the first
 * connection to its socket, by systemd's own program for that, and again when it ends.
 */
export class Units {
  readonly state: string;
  readonly #options: UnitsOptions;
  readonly #children = new Map<string, ChildProcess>();
  #port = 0;
  #stopped = false;

  private constructor(options: UnitsOptions) {
    this.#options = options;
    this.state = options.state;
  }

  static async start(options: UnitsOptions): Promise<Units> {
    const units = new Units(options);
    for (const name of ['run', 'run/admin', 'log', 'credentials']) {
      mkdirSync(units.file(name), { recursive: true, mode: 0o700 });
    }
    if (options.users !== undefined) {
      chmodSync(options.state, 0o755);
      chmodSync(units.file('run'), 0o755);
    }
    units.#port = await freePort();
    units.#configure();
    for (const [name, text] of Object.entries(options.credentials ?? {})) {
      writeFileSync(units.file('credentials', name), text, { mode: 0o400 });
    }
    units.#run('twinlock-token');
    for (const name of options.tokens ?? []) units.#run('twinlock-token@', name);
    units.#run('twinlock-keeper');
    units.#run('twinlock-server');
    // What was awakened once has its socket's owner; nobody else is let near it before.
    if (options.users !== undefined) await awaken(units.file('run', 'token.sock'));
    // Both are started at the boot too.
    await awaken(units.file('run', 'keeper.sock'));
    await awaken(units.#port);
    return units;
  }

  readonly host = '127.0.0.1';

  get port(): number {
    return this.#port;
  }

  file(...parts: readonly string[]): string {
    return join(this.state, ...parts);
  }

  /** The words of a command of the administrator's. */
  words(...parameters: readonly string[]): string[] {
    const sockets = [
      ...['--socket', this.file('run', 'admin', 'admin.sock')],
      ...['--console', this.file('run', 'console.sock')],
    ];
    return [join(root, 'scripts', 'twinlock'), ...sockets, ...parameters];
  }

  twinlock(...parameters: readonly string[]): Promise<Ended> {
    const [file = '', ...others] = this.words(...parameters);
    return command(file, others);
  }

  /** A command at a terminal, where a person answers. */
  typed(
    parameters: readonly string[],
    answers: Parameters<typeof atTerminal>[1],
  ): ReturnType<typeof atTerminal> {
    return atTerminal(this.words(...parameters), answers);
  }

  kill(unit: string, signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#children.get(unit)?.kill(signal);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const ends = [...this.#children.values()].map(
      (child) =>
        new Promise<void>((resolve) => {
          if (child.exitCode !== null || child.signalCode !== null) {
            resolve();
            return;
          }
          child.once('exit', () => {
            resolve();
          });
          child.kill('SIGTERM');
        }),
    );
    await Promise.all(ends);
  }

  /** What starts a unit: from the sources, or as the unit's user from the compiled output. */
  #program(unit: string, instance: string, words: readonly string[]): string[] {
    const { users } = this.#options;
    if (users === undefined) {
      const sources = words.filter((each) => each !== '--jitless').map(sourceOf);
      return [process.execPath, ...sources];
    }
    const named = Object.entries(users).map(([name, number]) => `${name}=${number}`);
    const compiled = words.map((each) => each.replace(/^\/usr\/lib\/twinlock/, join(root, 'dist')));
    return [
      ...['/usr/bin/python3', join(import.meta.dirname, 'as-unit.py')],
      ...[join(folder, `${unit}.service`), instance, this.state, named.join(',')],
      ...[this.file('credentials'), '--', process.execPath, ...compiled],
    ];
  }

  /** The process of a unit, as it was started last. */
  pid(unit: string): number {
    const pid = this.#children.get(unit)?.pid;
    if (pid === undefined) throw new Error(`${unit} does not run`);
    return pid;
  }

  /** A path of the units under the root folder of this node. */
  #inside(text: string): string {
    return text
      .replaceAll('/var/lib/twinlock', this.state)
      .replaceAll(/\/run\/credentials\/[^/"]+/g, this.file('credentials'))
      .replaceAll('/run/twinlock', this.file('run'));
  }

  #configure(): void {
    const { configure = (text: string) => text, module } = this.#options;
    const shipped = readFileSync(join(folder, 'twinlock.toml'), 'utf8')
      .replace(/^module = .*$/m, `module = "${module}"`)
      .replaceAll('0.0.0.0:5696', `127.0.0.1:${this.#port}`)
      .replaceAll('0.0.0.0:5697', '127.0.0.1:0');
    writeFileSync(this.file('twinlock.toml'), configure(this.#inside(shipped)), { mode: 0o644 });
  }

  #run(unit: string, instance = ''): void {
    const full = `${unit}${instance}`;
    const read = (name: string): string => {
      const text = readFileSync(join(folder, name), 'utf8');
      return this.#inside(text.replaceAll('%i', instance));
    };
    const service = read(`${unit}.service`);
    const sockets = entries(service, 'Sockets').join(' ') || `${full}.socket`;
    const listens: string[] = [];
    const names: string[] = [];
    for (const name of sockets.split(' ')) {
      const socket = read(name.replace(`${full}.`, `${unit}.`));
      const [place = ''] = entries(socket, 'ListenStream');
      listens.push('-l', place === '5696' ? `127.0.0.1:${this.#port}` : place);
      names.push(entries(socket, 'FileDescriptorName')[0] ?? '');
    }
    const [line = ''] = entries(service, 'ExecStart');
    const parameters = this.#program(unit, instance, line.split(' ').slice(1));
    const said = entries(service, 'Environment').flatMap((each) => each.split(' '));
    const environment = {
      ...Object.fromEntries(said.map((each) => each.split('=', 2) as [string, string])),
      ...this.#options.environment,
      CREDENTIALS_DIRECTORY: this.file('credentials'),
    };
    const [, place = ''] = listens;
    const first = place.startsWith('/') ? place : this.#port;
    const start = (): void => {
      const log = openSync(this.file('log', `${full}.log`), 'a', 0o600);
      const child = spawn(
        'systemd-socket-activate',
        [
          ...listens,
          `--fdname=${names.join(':')}`,
          ...Object.entries(environment).map(([name, value]) => `-E${name}=${value}`),
          ...parameters,
          ...['--configuration', this.file('twinlock.toml')],
        ],
        { stdio: ['ignore', log, log] },
      );
      this.#children.set(full, child);
      child.once('exit', () => {
        if (this.#stopped) return;
        start();
        // Restart=always: without waiting for somebody who connects.
        void awaken(first, () => this.#stopped);
      });
    };
    start();
  }
}

/** The values of an entry in a unit's file. */
function entries(text: string, name: string): string[] {
  return [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value ?? '');
}

/** The source of what the units have as compiled output. */
function sourceOf(path: string): string {
  const found = /^\/usr\/lib\/twinlock\/(.*)\.js$/.exec(path)?.[1];
  return found === undefined ? path : join(root, `${found}.ts`);
}

/** Connects once, as soon as somebody listens there. */
async function awaken(to: string | number, gaveUp = (): boolean => false): Promise<void> {
  while (!gaveUp()) {
    const done = await new Promise<boolean>((resolve) => {
      const socket = typeof to === 'string' ? connect(to) : connect(to, '127.0.0.1');
      socket.once('error', () => {
        resolve(false);
      });
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
    });
    if (done) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => {
        resolve(port);
      });
    });
  });
}
