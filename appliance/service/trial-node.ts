import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AdminClient } from '../admin/client.ts';
import { KeeperConsole } from '../keeper-client/console.ts';
import type { KeeperStatus } from '../keeper-client/keeper.ts';
import { TokenClient } from '../token/client.ts';
import { exitCode, explain, Stop } from './exit.ts';
import { Supervised } from './supervised.ts';
import { isTokenKind, TrialToken } from './trial-token.ts';
import type { TokenKind } from './trial-token.ts';

export interface TrialNodeOptions {
  readonly state: string;
  readonly listen: string;
  /** Where the HTTPS profiles are served; nowhere without it. */
  readonly https?: string | undefined;
  /** Where administrators with a certificate are served; nowhere without it. */
  readonly admin?: string | undefined;
  readonly clients: number;
  readonly token: TokenKind;
  /** A further token, called "second". */
  readonly second?: TokenKind | undefined;
  /** A PKCS#11 module to load in place of the first token's own. */
  readonly module?: string | undefined;
  readonly removal?: 'serve' | 'seal';
  readonly serverKey: 'rsa' | 'p256';
  readonly log: 'info' | 'debug';
  readonly newToken: boolean;
  /** Where backups go by themselves. */
  readonly backups?: string | undefined;
  /** Where other nodes reach it, and its name among them. */
  readonly peer?: {
    readonly listen: string;
    readonly name: string;
    /** The address that others are given in place of `listen`. */
    readonly address?: string | undefined;
  };
  /** A folder for the second copy while the other node is away. */
  readonly journal?: string | undefined;
}

const label = 'twinlock';
const pollMilliseconds = 100;
/** A token that has not shown itself for so long is not coming; an appliance would wait on. */
const absentMilliseconds = 15_000;
/** Everything that a new start cannot mend. */
const final = Object.values(exitCode).filter((code) => code !== exitCode.failed);

/**
 * One appliance for trying, on one machine and with a token of software: the same three processes
 * that systemd starts on the appliance, and what a person makes there.
 */
export class TrialNode {
  readonly #options: TrialNodeOptions;
  readonly #folders;
  #listen: string;
  readonly #token: TrialToken;
  readonly #second: TrialToken | undefined;
  #keeper: Supervised | undefined;
  #server: Supervised | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: TrialNodeOptions) {
    this.#options = options;
    this.#listen = options.listen;
    const inside = (name: string): string => join(options.state, name);
    this.#folders = {
      run: inside('run'),
      log: inside('log'),
      secondPin: inside('trial-pin-second'),
      pin: inside('trial-pin'),
      shares: inside('trial-shares'),
      configuration: inside('twinlock.toml'),
      joined: join(options.state, 'server', 'joined.json'),
    };
    const lost = (error: unknown): void => void this.fail(error);
    const { token: kind, module } = options;
    const { pin, secondPin } = this.#folders;
    const [store, tpm] = [inside('token'), inside('tpm')];
    this.#token = new TrialToken({ kind, store, tpm, pin, module, lost });
    const second = this.#secondKind();
    if (second === undefined) return;
    const further = { store: inside('token-second'), tpm: inside('tpm-second'), pin: secondPin };
    this.#second = new TrialToken({ kind: second, ...further, lost });
  }

  /** The second token's kind: what this state began with holds from then on. */
  #secondKind(): TokenKind | undefined {
    const path = join(this.#options.state, 'second-token-kind');
    const { second } = this.#options;
    if (second !== undefined && !existsSync(path)) {
      mkdirSync(this.#options.state, { recursive: true, mode: 0o700 });
      writeFileSync(path, `${second}\n`);
    }
    if (!existsSync(path)) return undefined;
    const kind = readFileSync(path, 'utf8').trim();
    return isTokenKind(kind) ? kind : undefined;
  }

  /** Starts a node that has its keys or makes them; gives where it serves KMIP. */
  async start(): Promise<string> {
    const { fresh } = await this.#startKeeper();
    await this.#openKeeper(fresh);
    this.#startServer();
    return this.serving();
  }

  /** Starts a node that is to join another one; true where it still has to. */
  async startNew(): Promise<boolean> {
    const { fresh } = await this.#startKeeper();
    const console = this.console();
    try {
      if (fresh) await this.#provision('token.sock', this.#folders.pin);
      else await this.#opened(console);
      const { state, pair } = await console.status();
      this.#startServer();
      return state === 'new' || (pair?.joining === true && !existsSync(this.#folders.joined));
    } finally {
      console.close();
    }
  }

  /** Waits until KMIP is served, and lets the clients of the trial in where they were made here. */
  async serving(): Promise<string> {
    const { endpoint } = await this.#serving(this.admin());
    // Port 0 meant any port, once: started again, the server comes back where its clients are.
    this.#listen = endpoint;
    this.#writeConfiguration();
    // A node that joined another one lets in whom that one does.
    if (!existsSync(this.#folders.joined)) await this.#enrol(this.admin());
    return endpoint;
  }

  admin(): AdminClient {
    return new AdminClient(join(this.#folders.run, 'admin.sock'));
  }

  console(): KeeperConsole {
    return new KeeperConsole(join(this.#folders.run, 'console.sock'));
  }

  async #startKeeper(): Promise<{ fresh: boolean }> {
    const { run, log } = this.#folders;
    for (const folder of [run, log]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#refuseOtherToken();
    if (this.#options.newToken) this.#token.putAside();
    await this.#token.start();
    await this.#second?.start();
    this.#writeConfiguration();
    const fresh = !['slots.a', 'shredded'].some((name) =>
      existsSync(join(this.#options.state, 'keeper', name)),
    );
    this.#keeper = this.#supervise('keeper');
    return { fresh };
  }

  #startServer(): void {
    this.#server = this.#supervise('server');
  }

  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      await this.#server?.stop();
      await this.#keeper?.stop();
      await this.#token.stop();
      await this.#second?.stop();
      rmSync(this.#folders.run, { recursive: true, force: true });
    })();
    return this.#stopping;
  }

  async fail(error: unknown): Promise<never> {
    await this.stop();
    process.exit(explain(error));
  }

  #refuseOtherToken(): void {
    const path = join(this.#options.state, 'token-kind');
    if (!existsSync(path)) writeFileSync(path, `${this.#options.token}\n`);
    const kind = readFileSync(path, 'utf8').trim();
    if (kind !== this.#options.token) {
      const hint = `start with --token ${kind}, or with another --state`;
      throw new Stop('usage', `this state was made with --token ${kind}`, hint);
    }
  }

  #writeConfiguration(): void {
    const { run, pin, secondPin, configuration } = this.#folders;
    const { state, serverKey, https, admin, backups, removal = 'serve' } = this.#options;
    const text = JSON.stringify;
    const list = (words: readonly string[]): string => `[${words.map((w) => text(w)).join(', ')}]`;
    const second = this.#second;
    const lines = [
      `state = ${text(state)}`,
      `run = ${text(run)}`,
      `log = ${text(this.#options.log)}`,
      '[token]',
      `module = ${text(this.#token.module)}`,
      `label = ${text(label)}`,
      '[keeper]',
      `pin_file = ${text(pin)}`,
      'pin_file_lasts = true',
      `token_command = ${list(this.#token.command(this.#node('token')))}`,
      `token_removal = ${text(removal)}`,
      '[server]',
      `listen = ${text(this.#listen)}`,
      `names = ["localhost"]`,
      `key = ${text(serverKey)}`,
      ...(https === undefined ? [] : [`https_listen = ${text(https)}`]),
      ...(admin === undefined ? [] : [`admin_listen = ${text(admin)}`]),
      ...this.#replicationLines(),
      ...(backups === undefined ? [] : ['[backup]', `folder = ${text(backups)}`]),
    ];
    if (second !== undefined) {
      lines.push(
        '[tokens.second]',
        `module = ${text(second.module)}`,
        `label = ${text(label)}`,
        `pin_file = ${text(secondPin)}`,
        'pin_file_lasts = true',
        `command = ${list(second.command([...this.#node('token'), '--token', 'second']))}`,
      );
    }
    writeFileSync(configuration, `${lines.join('\n')}\n`, { mode: 0o600 });
  }

  #replicationLines(): string[] {
    const { peer, journal } = this.#options;
    if (peer === undefined) return [];
    const { listen, name, address } = peer;
    const text = JSON.stringify;
    return [
      '[replication]',
      `listen = ${text(listen)}`,
      `name = ${text(name)}`,
      ...(address === undefined ? [] : [`addresses = [${text(address)}]`]),
      ...(journal === undefined ? [] : [`journal = ${text(journal)}`]),
    ];
  }

  #node(role: 'token' | 'keeper' | 'server'): [string, ...string[]] {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    // Type stripping is WebAssembly, which needs the JIT: only compiled output runs without.
    const jitless = extension === 'js' && role !== 'server' ? ['--jitless'] : [];
    const file = new URL(`./${role}.${extension}`, import.meta.url).pathname;
    const { configuration } = this.#folders;
    return [process.execPath, ...jitless, file, '--configuration', configuration, '--with-parent'];
  }

  #supervise(role: 'keeper' | 'server'): Supervised {
    return new Supervised({
      command: this.#node(role),
      environment: { ...process.env, ...this.#token.environment },
      logFile: join(this.#folders.log, `${role}.log`),
      final,
      onFinal: (code, text) => {
        void this.stop().then(() => {
          process.stderr.write(text);
          process.exit(code);
        });
      },
    });
  }

  /** Sets a new keeper up, or waits until an old one has opened its slots. */
  async #openKeeper(fresh: boolean): Promise<void> {
    const console = this.console();
    try {
      if (fresh) {
        await this.#provision('token.sock', this.#folders.pin);
        await console.initialise({
          rootKeyLabel: `twinlock root ${randomBytes(4).toString('hex')}`,
        });
      }
      if (this.#second !== undefined) {
        await this.#provision('token-second.sock', this.#folders.secondPin);
      }
      if (this.#options.newToken && !fresh) await this.#restore(console);
      const status = await this.#opened(console);
      if (status.recovery?.proven !== true) await this.#makeRecovery(console);
    } finally {
      console.close();
    }
  }

  async #opened(console: KeeperConsole): Promise<KeeperStatus> {
    for (let waited = 0; ; waited += pollMilliseconds) {
      const status = await console.status();
      if (status.state === 'open') return status;
      refuseShredded(status, waited);
      refuseHopeless(status, this.#folders.pin, waited);
      await new Promise((done) => setTimeout(done, pollMilliseconds));
    }
  }

  /** A trial makes and proves the set by itself, and keeps what people would keep apart. */
  async #makeRecovery(console: KeeperConsole): Promise<void> {
    const { shares: folder } = this.#folders;
    const shares = await console.makeRecovery({ threshold: 3, shares: 5 });
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { mode: 0o700 });
    for (const [i, share] of shares.entries()) {
      writeFileSync(join(folder, `share-${i + 1}`), `${share}\n`, { mode: 0o600, flush: true });
    }
    await console.proveRecovery(shares.slice(0, 3));
    process.stdout.write(`recovery shares for trying only: ${folder}\n`);
  }

  /** What a person does whose token is lost: puts a blank one in and restores with shares. */
  async #restore(console: KeeperConsole): Promise<void> {
    const { shares: folder, pin } = this.#folders;
    await this.#provision('token.sock', pin);
    const shares = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    const rootKeyLabel = `twinlock root ${randomBytes(4).toString('hex')}`;
    await console.restore({ shares, rootKeyLabel });
  }

  /** Makes the blank token ours, unless an earlier start that was cut short has done so. */
  async #provision(socket: string, pinFile: string): Promise<void> {
    const path = join(this.#folders.run, socket);
    const client = new TokenClient({ path, deadline: 60_000, kill: () => {} });
    const pin = Buffer.from(readFileSync(pinFile, 'utf8').trim());
    const officer = randomBytes(16).toString('hex');
    try {
      for (;;) {
        const { code } = await client.status().then(
          () => ({ code: 'ours' }),
          (error: unknown) => error as { code: string },
        );
        if (code === 'ours') return;
        if (code === 'absent') break;
        if (code === 'module-unusable') {
          const hint = 'see log/keeper.log in the state folder';
          throw new Stop('noToken', 'the token’s module cannot be used', hint);
        }
        await new Promise((done) => setTimeout(done, 100));
      }
      await client.provision(label, Buffer.from(officer), pin);
    } finally {
      client.close();
    }
  }

  async #serving(admin: AdminClient): Promise<{ endpoint: string }> {
    for (;;) {
      const { endpoint } = (await admin.status().catch(() => undefined)) ?? {};
      if (endpoint !== undefined) return { endpoint };
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  async #enrol(admin: AdminClient): Promise<void> {
    for (let i = 1; i <= this.#options.clients; i++) {
      const name = i === 1 ? 'client' : `client${i}`;
      const folder = join(this.#options.state, name);
      if (existsSync(join(folder, 'key.pem'))) continue;
      const { clients } = await admin.clients();
      for (const { id } of clients.filter((c) => c.name === name && c.state === 'allowed')) {
        await admin.blockClient(id);
      }
      const made = await admin.addClient({ name });
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(join(folder, 'ca.pem'), made.authority);
      writeFileSync(join(folder, 'cert.pem'), made.certificate);
      // Written last: with it the client is whole.
      writeFileSync(join(folder, 'key.pem'), made.key ?? '', { mode: 0o600 });
    }
  }
}

/** What was cut short is done first, while the tokens are there. */
function refuseShredded({ state, shredded }: KeeperStatus, waited: number): void {
  if (state !== 'shredded') return;
  if (shredded?.left !== 0 && waited < absentMilliseconds) return;
  const hint = 'begin with another --state; twinlock holders says what else held the keys';
  throw new Stop('shredded', 'every key of this node was destroyed by order', hint);
}

function refuseHopeless({ token }: KeeperStatus, pin: string, waited: number): void {
  if (token.state === 'absent' && waited > absentMilliseconds) {
    const hint = 'bring the token’s files back; without them only a backup opens the keys';
    throw new Stop('noToken', 'the token of this state is not there', hint);
  }
  if (token.state === 'pin-wrong') {
    const hint = `put the right PIN into ${pin}; a changed file is tried once`;
    throw new Stop('pinWrong', 'the token refused the PIN; it will not be tried again', hint);
  }
  if (token.state === 'locked') {
    const hint = 'a TPM unlocks by itself after its recovery time, an HSM by its officer’s PIN';
    throw new Stop('tokenLocked', 'the token is locked', hint);
  }
  if (token.state === 'failed') {
    const hint = 'a copy of the state folder, or a token from another one? see log/keeper.log';
    throw new Stop('slotTable', 'the key slots cannot be opened with this token', hint);
  }
}
