import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AdminClient, AdminRefusal } from '../admin/client.ts';
import { runConsole } from '../console/console.ts';
import type { Facts } from '../console/facts.ts';
import type { Surroundings } from '../console/surroundings.ts';
import type { WizardFacts } from '../console/wizard/page.ts';
import { LinuxBox } from '../setup/linux-box.ts';
import { pinTriesText } from '../keeper-client/pin-tries.ts';
import { KeeperConsole } from '../keeper-client/console.ts';
import { now } from './clock.ts';
import { explain, Stop } from './exit.ts';
import { networkTests } from './network-test.ts';

/** Milliseconds that a program of the system may take. */
const programPatience = 10_000;
/** Milliseconds from one question to the next while something is waited for. */
const pauseMilliseconds = 300;
/** Milliseconds that the server may take to say how it is. */
const lookPatience = 3_000;
/** Milliseconds that the keeper may take: a token signs in meanwhile. */
const keeperPatience = 60_000;

/** The console process: the screen on a terminal of the box. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      state: { type: 'string' },
      socket: { type: 'string', default: '/run/twinlock/admin/admin.sock' },
      console: { type: 'string', default: '/run/twinlock/console.sock' },
    },
  });
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new Stop('usage', 'the console needs a terminal', 'start it on one; see docs/console.md');
  }
  const { state } = values;
  const trial = state === undefined ? undefined : join(state, 'run');
  await runConsole(
    surroundings({
      admin: trial === undefined ? values.socket : join(trial, 'admin.sock'),
      keeper: trial === undefined ? values.console : join(trial, 'console.sock'),
      isAppliance: trial === undefined,
    }),
  );
}

function surroundings(paths: {
  readonly admin: string;
  readonly keeper: string;
  /** Whether the box is ours: a trial leaves the machine that it runs on alone. */
  readonly isAppliance: boolean;
}): Surroundings {
  const admin = new AdminClient(paths.admin);
  /** For looking: a server that hangs is as good as away. */
  const looking = new AdminClient(paths.admin, lookPatience);
  const { isAppliance } = paths;
  let last: Facts | undefined;
  return {
    admin,
    keeper: () => keeperAt(paths.keeper),
    ...(isAppliance ? { box: new LinuxBox('/') } : {}),
    wizardFacts: () => wizardFactsOf(paths.keeper, isAppliance),
    newLabel: () => `twinlock root ${randomBytes(4).toString('hex')}`,
    pause: () => new Promise((resolve) => setTimeout(resolve, pauseMilliseconds)),
    facts: async () => (last = await factsOf(looking, isAppliance)),
    networkTests: () => networkTests(() => last, isAppliance),
    logLines: (count) => logLines(count, isAppliance),
    restart: () => power('reboot', isAppliance),
    shutDown: () => power('poweroff', isAppliance),
  };
}

async function wizardFactsOf(path: string, isAppliance: boolean): Promise<WizardFacts> {
  const keeper = keeperAt(path);
  const { token, tokens = [token] } = await keeper.status().finally(() => {
    keeper.close();
  });
  const box = new LinuxBox('/');
  return {
    tokens: tokens.map((found) => {
      const { name = '', vendor = '', state } = found;
      const kind = vendor === '' ? 'no known maker' : vendor;
      const tries = pinTriesText(found);
      const text = `${name}: ${kind}, ${tries === '' ? state : tries}`;
      return { name, text, isAbsent: state === 'absent' };
    }),
    now: () => (performance.timeOrigin + performance.now()) / 1000,
    ...(isAppliance ? { interfaces: box.interfaces(), checks: box.checks } : {}),
  };
}

function keeperAt(path: string): KeeperConsole {
  if (existsSync(path)) return new KeeperConsole(path, keeperPatience);
  throw new Error('the keeper is not there: F8 shows its log');
}

async function factsOf(admin: AdminClient, isAppliance: boolean): Promise<Facts> {
  const here = { time: now(), host: hostname(), addresses: addresses() };
  const clock = isAppliance ? await clockFollows() : undefined;
  const known = clock === undefined ? here : { ...here, clockFollows: clock };
  try {
    const status = await admin.status();
    const peers = status.endpoint === undefined ? undefined : await peersOf(admin);
    return { ...known, status, ...(peers === undefined ? {} : { peers }) };
  } catch (error) {
    if (!(error instanceof AdminRefusal)) throw error;
    const hint = 'F8 shows its log, F12 starts the box anew';
    return { ...known, failure: { message: 'the server does not answer', hint } };
  }
}

/** The status says what is wrong; the peers may fail for the same reason. */
async function peersOf(admin: AdminClient): Promise<Facts['peers']> {
  try {
    return await admin.peers();
  } catch {
    return undefined;
  }
}

function addresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address);
}

async function clockFollows(): Promise<boolean | undefined> {
  const said = await program('timedatectl', ['show', '--property=NTPSynchronized', '--value']);
  return said === undefined ? undefined : said.trim() === 'yes';
}

async function logLines(count: number, isAppliance: boolean): Promise<readonly string[]> {
  if (!isAppliance) return ['a trial writes its log to the terminal that it was started on'];
  const options = ['--unit=twinlock-*', '--output=short-iso', '--reverse', `--lines=${count}`];
  const said = await program('journalctl', ['--no-pager', '--quiet', ...options]);
  return said === undefined ? ['the log cannot be read'] : said.trimEnd().split('\n');
}

async function power(verb: 'reboot' | 'poweroff', isAppliance: boolean): Promise<void> {
  if (!isAppliance) throw new Error('this is a trial: the machine that it runs on is left alone');
  if ((await program('systemctl', [verb])) === undefined) {
    throw new Error('the system refused: press the power button for a moment');
  }
}

/** What a program of the system printed; absent where it failed or is not there. */
function program(name: string, words: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(name, words, { timeout: programPatience, maxBuffer: 8 << 20 }, (error, stdout) => {
      resolve(error === null ? stdout : undefined);
    });
  });
}

main().then(
  () => process.exit(0),
  (error: unknown) => process.exit(explain(error)),
);
