import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyCopies, NamedToken } from '../keeper/keeper-options.ts';
import { KeyKeeper } from '../keeper/keeper.ts';
import type { RotationEvery } from '../keeper/schedule.ts';
import { PinSource } from '../keeper/pin.ts';
import { startConsoleSocket, startDataSocket } from '../keeper/server.ts';
import { TokenLink } from '../keeper/token-link.ts';
import { selfTest } from '../self-test/self-test.ts';
import { listenAt } from './activated-socket.ts';
import { now } from './clock.ts';
import { configurationFromArguments, tokensOf } from './configuration.ts';
import type { Configuration, ConfiguredToken } from './configuration.ts';
import { explain } from './exit.ts';
import { makeLog } from './log.ts';
import type { Log } from './log.ts';
import { SystemdNotify } from './notify.ts';
import { dieWithParent, onStop } from './process.ts';

/** Twice within the minute that a health check allows for. */
const proofMilliseconds = 25_000;
const retryMilliseconds = 1_000;
const watchMilliseconds = 1_000;

/** The keeper process: holds the wrapping keys, loads no vendor's code, has no network. */
async function main(): Promise<void> {
  selfTest('keeper');
  const configuration = configurationFromArguments(process.argv);
  const { state, run, log: level } = configuration;
  const log = makeLog('keeper', level);
  const systemd = new SystemdNotify(log);
  dieWithParent();
  const folder = join(state, 'keeper');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const links: TokenLink[] = [];
  const [first, ...others] = tokensOf(configuration);
  const linked = (token: ConfiguredToken, name?: string): NamedToken => {
    const link = linkTo(token, run, log);
    links.push(link);
    const pin = new PinSource(token.pinFile, folder, token.pinFileLasts, name);
    return { name: token.name, label: token.label, token: link.client, pin };
  };
  const keeping = new KeyKeeper({
    folder,
    tokens: [linked(first), ...others.map((token) => linked(token, token.name))],
    copies: copiesOf(configuration),
    rotation: everyOf(configuration),
    tokenRemoval: configuration.keeper.token_removal,
    now,
    log,
  });
  let timer: NodeJS.Timeout | undefined;
  const advance = async (): Promise<void> => {
    await keeping.advance();
    const { state: reached, token: found } = keeping.status();
    const well = found.state === 'ready';
    if (well) for (const link of links) link.settled();
    await systemd.status(`${reached}, root key ${found.state}`);
    const done = reached === 'open' || reached === 'shredded';
    const patient = (well && done) || found.state === 'locked';
    const wait = patient ? proofMilliseconds : retryMilliseconds;
    timer = setTimeout(() => void advance(), wait);
  };
  const watching =
    configuration.keeper.token_removal === 'seal'
      ? setInterval(() => void keeping.watch(), watchMilliseconds)
      : undefined;
  const sockets = [
    await startDataSocket(keeping, listenAt('keeper', join(run, 'keeper.sock'))),
    await startConsoleSocket(keeping, listenAt('console', join(run, 'console.sock'))),
  ];
  onStop(async () => {
    clearTimeout(timer);
    clearInterval(watching);
    await systemd.stopping();
    for (const socket of sockets) socket.close();
    keeping.wipe();
    await Promise.all(links.map((link) => link.stop()));
  });
  await systemd.ready('starting');
  systemd.watch(() => {
    keeping.check();
    return Promise.resolve();
  });
  await advance();
}

function everyOf({ rotation }: Configuration): RotationEvery {
  const { root_key_every: rootKey, wrapping_key_every: wrappingKey } = rotation;
  return {
    ...(rootKey === undefined ? {} : { rootKey }),
    ...(wrappingKey === undefined ? {} : { wrappingKey }),
  };
}

/** Where copies of the keys lie, for a person who asks. */
function copiesOf({ backup, replication }: Configuration): KeyCopies {
  const { folder } = backup;
  const { journal } = replication;
  return {
    ...(folder === undefined ? {} : { backups: folder }),
    ...(journal === undefined ? {} : { journal }),
  };
}

function linkTo(token: ConfiguredToken, run: string, log: Log): TokenLink {
  const { command, deadline, socket } = token;
  return new TokenLink({
    socket: join(run, socket),
    ...(command === undefined ? {} : { command: command as [string, ...string[]] }),
    // The token process has its own deadline; this one is for a process that cannot even run it.
    deadline: deadline + 1_000,
    log,
  });
}

main().catch((error: unknown) => {
  process.exitCode = explain(error);
});
