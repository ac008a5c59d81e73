import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AdminClient } from '../admin/client.ts';
import { KeeperConsole } from '../keeper-client/console.ts';
import type { KeeperStatus } from '../keeper-client/keeper.ts';
import { TokenClient } from '../token/client.ts';
import { hostAndPort } from './configuration.ts';
import { exitCode, explain, Stop } from './exit.ts';
import { lockState } from './state-lock.ts';
import { Supervised } from './supervised.ts';
import { softhsm } from './software-token/softhsm.ts';
import type { SoftwareToken } from './software-token/software-token.ts';
import { softwareTpm } from './software-token/tpm.ts';

/**
 * A whole appliance for trying, on one machine and with a token of software. It starts the same
 * three processes that systemd starts on the appliance, and makes what a person makes there.
 */
interface Options {
  readonly state: string;
  readonly listen: string;
  readonly clients: number;
  readonly token: 'tpm' | 'softhsm';
  readonly serverKey: 'rsa' | 'p256';
  readonly log: 'info' | 'debug';
  readonly newToken: boolean;
}

const label = 'twinlock';
const pollMilliseconds = 100;
/** A token that has not shown itself for so long is not coming; an appliance would wait on. */
const absentMilliseconds = 15_000;
/** Everything that a new start cannot mend. */
const final = Object.values(exitCode).filter((code) => code !== exitCode.failed);

function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        state: { type: 'string', default: '.state' },
        listen: { type: 'string', default: '127.0.0.1:5696' },
        clients: { type: 'string', default: '1' },
        token: { type: 'string', default: 'tpm' },
        'server-key': { type: 'string', default: 'rsa' },
        log: { type: 'string', default: 'info' },
        'new-token': { type: 'boolean', default: false },
      },
    });
    const clients = Number(values.clients);
    const { listen, token, 'server-key': serverKey, log, 'new-token': newToken } = values;
    if (!Number.isInteger(clients) || clients < 1 || clients > 1000) {
      throw new Error('--clients takes a number from 1 to 1000');
    }
    if (token !== 'tpm' && token !== 'softhsm') throw new Error('--token takes tpm or softhsm');
    if (serverKey !== 'rsa' && serverKey !== 'p256') {
      throw new Error('--server-key takes rsa or p256');
    }
    if (log !== 'info' && log !== 'debug') throw new Error('--log takes info or debug');
    const state = resolve(values.state);
    return { state, listen, clients, token, serverKey, log, newToken };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : 'usage';
    const hint =
      'usage: run [--state DIR] [--listen ADDR:PORT] [--clients N] [--token tpm|softhsm] ' +
      '[--server-key rsa|p256] [--log info|debug] [--new-token]';
    throw new Stop('usage', message, hint, { cause });
  }
}

class Trial {
  readonly #options: Options;
  readonly #folders;
  #listen: string;
  #token: SoftwareToken | undefined;
  #keeper: Supervised | undefined;
  #server: Supervised | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: Options) {
    this.#options = options;
    this.#listen = options.listen;
    const inside = (name: string): string => join(options.state, name);
    this.#folders = {
      run: inside('run'),
      log: inside('log'),
      token: inside('token'),
      tpm: inside('tpm'),
      pin: inside('trial-pin'),
      shares: inside('trial-shares'),
      configuration: inside('twinlock.toml'),
    };
  }

  async start(): Promise<void> {
    const { run, log } = this.#folders;
    for (const folder of [run, log]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#refuseOtherToken();
    this.#makePin();
    if (this.#options.newToken) this.#putTokenAside();
    this.#token = await this.#startToken();
    this.#writeConfiguration(this.#token);
    const fresh = !existsSync(join(this.#options.state, 'keeper', 'slots.a'));
    this.#keeper = this.#supervise('keeper', this.#token);
    await this.#openKeeper(fresh);
    this.#server = this.#supervise('server', this.#token);
    const admin = new AdminClient(join(run, 'admin.sock'));
    const { endpoint } = await this.#serving(admin);
    // Port 0 meant any port, once: started again, the server comes back where its clients are.
    this.#listen = endpoint;
    this.#writeConfiguration(this.#token);
    await this.#enrol(admin);
    process.stdout.write(`READY ${endpoint}\n${this.#tryLine(endpoint)}\n`);
  }

  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      await this.#server?.stop();
      await this.#keeper?.stop();
      await this.#token?.stop();
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

  #makePin(): void {
    const { pin } = this.#folders;
    if (existsSync(pin)) return;
    writeFileSync(pin, `${randomBytes(16).toString('hex')}\n`, { mode: 0o600, flush: true });
  }

  async #startToken(): Promise<SoftwareToken> {
    const { tpm, token: store } = this.#folders;
    if (this.#options.token === 'softhsm') return softhsm(store);
    const token = await softwareTpm(tpm, store);
    void token.ended.then((died) => (died ? this.#replaceToken() : undefined));
    return token;
  }

  /** A TPM that died is a TPM that came back after a reset, at another port. */
  async #replaceToken(): Promise<void> {
    if (this.#stopping !== undefined) return;
    try {
      this.#token = await this.#startToken();
      this.#writeConfiguration(this.#token);
    } catch (error) {
      await this.fail(error);
    }
  }

  #writeConfiguration({ module, environment, before = ':' }: SoftwareToken): void {
    const { run, pin, configuration } = this.#folders;
    const { state, serverKey } = this.#options;
    const text = JSON.stringify;
    const assignments = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const shell = ['sh', '-c', `{ ${before}; } >/dev/null 2>&1; exec "$@"`, 'token'];
    const command = ['env', ...assignments, ...shell, ...this.#node('token')];
    const lines = [
      `state = ${text(state)}`,
      `run = ${text(run)}`,
      `log = ${text(this.#options.log)}`,
      '[token]',
      `module = ${text(module)}`,
      `label = ${text(label)}`,
      '[keeper]',
      `pin_file = ${text(pin)}`,
      'pin_file_lasts = true',
      `token_command = [${command.map((each) => text(each)).join(', ')}]`,
      '[server]',
      `listen = ${text(this.#listen)}`,
      `names = ["localhost"]`,
      `key = ${text(serverKey)}`,
    ];
    writeFileSync(configuration, `${lines.join('\n')}\n`, { mode: 0o600 });
  }

  #node(role: 'token' | 'keeper' | 'server'): [string, ...string[]] {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    // Type stripping is WebAssembly, which needs the JIT: only compiled output runs without.
    const jitless = extension === 'js' && role !== 'server' ? ['--jitless'] : [];
    const file = new URL(`./${role}.${extension}`, import.meta.url).pathname;
    const { configuration } = this.#folders;
    return [process.execPath, ...jitless, file, '--configuration', configuration, '--with-parent'];
  }

  #supervise(role: 'keeper' | 'server', token: SoftwareToken): Supervised {
    return new Supervised({
      command: this.#node(role),
      environment: { ...process.env, ...token.environment },
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
    const { run, pin } = this.#folders;
    const console = new KeeperConsole(join(run, 'console.sock'));
    try {
      if (fresh) {
        await this.#provision();
        await console.initialise({
          rootKeyLabel: `twinlock root ${randomBytes(4).toString('hex')}`,
        });
      }
      if (this.#options.newToken && !fresh) await this.#restore(console);
      for (let waited = 0; ; waited += pollMilliseconds) {
        const status = await console.status();
        if (status.state === 'open') {
          if (status.recovery?.proven !== true) await this.#makeRecovery(console);
          return;
        }
        refuseHopeless(status, pin, waited);
        await new Promise((done) => setTimeout(done, pollMilliseconds));
      }
    } finally {
      console.close();
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
    const { shares: folder } = this.#folders;
    await this.#provision();
    const shares = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    const rootKeyLabel = `twinlock root ${randomBytes(4).toString('hex')}`;
    await console.restore({ shares, rootKeyLabel });
  }

  #putTokenAside(): void {
    const aside = `lost-${randomBytes(4).toString('hex')}`;
    for (const folder of [this.#folders.token, this.#folders.tpm]) {
      if (existsSync(folder)) renameSync(folder, `${folder}-${aside}`);
    }
  }

  /** Makes the blank token ours, unless an earlier start that was cut short has done so. */
  async #provision(): Promise<void> {
    const path = join(this.#folders.run, 'token.sock');
    const client = new TokenClient({ path, deadline: 60_000, kill: () => {} });
    const pin = Buffer.from(readFileSync(this.#folders.pin, 'utf8').trim());
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

  #tryLine(endpoint: string): string {
    const script = join(import.meta.dirname, '..', '..', 'scripts', 'twinlock');
    const { port } = hostAndPort(endpoint);
    return `try: ${script} --state ${this.#options.state} status   (KMIP clients: port ${port})`;
  }
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

async function main(): Promise<void> {
  const options = readOptions();
  const unlock = lockState(options.state);
  const trial = new Trial(options);
  const end = (): void => {
    void trial.stop().then(() => {
      unlock();
      process.exit(0);
    });
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  try {
    await trial.start();
  } catch (error) {
    await trial.stop();
    unlock();
    throw error;
  }
}

main().catch((error: unknown) => {
  process.exit(explain(error));
});
