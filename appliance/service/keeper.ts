import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { KeyKeeper } from '../keeper/keeper.ts';
import { PinSource } from '../keeper/pin.ts';
import { startConsoleSocket, startDataSocket } from '../keeper/server.ts';
import { TokenLink } from '../keeper/token-link.ts';
import { listenAt } from './activated-socket.ts';
import { now } from './clock.ts';
import { configurationFromArguments } from './configuration.ts';
import { explain } from './exit.ts';
import { makeLog } from './log.ts';
import { SystemdNotify } from './notify.ts';
import { dieWithParent, onStop } from './process.ts';

/** Twice within the minute that a health check allows for. */
const proofMilliseconds = 25_000;
const retryMilliseconds = 1_000;

/** The keeper process: holds the wrapping keys, loads no vendor's code, has no network. */
async function main(): Promise<void> {
  const { state, run, token, keeper, log: level } = configurationFromArguments(process.argv);
  const log = makeLog('keeper', level);
  const systemd = new SystemdNotify(log);
  dieWithParent();
  const folder = join(state, 'keeper');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const link = new TokenLink({
    socket: join(run, 'token.sock'),
    ...(keeper.token_command === undefined
      ? {}
      : { command: keeper.token_command as [string, ...string[]] }),
    // The token process has its own deadline; this one is for a process that cannot even run it.
    deadline: token.deadline + 1_000,
    log,
  });
  const keeping = new KeyKeeper({
    folder,
    token: link.client,
    restartToken: () => link.restart(),
    pin: new PinSource(keeper.pin_file, folder, keeper.pin_file_lasts),
    now,
    log,
  });
  let timer: NodeJS.Timeout | undefined;
  const advance = async (): Promise<void> => {
    await keeping.advance();
    const { state: reached, token: found } = keeping.status();
    const well = found.state === 'ready';
    if (well) link.settled();
    await systemd.status(`${reached}, root key ${found.state}`);
    const patient = (well && reached === 'open') || found.state === 'locked';
    const wait = patient ? proofMilliseconds : retryMilliseconds;
    timer = setTimeout(() => void advance(), wait);
  };
  const sockets = [
    await startDataSocket(keeping, listenAt('keeper', join(run, 'keeper.sock'))),
    await startConsoleSocket(keeping, listenAt('console', join(run, 'console.sock'))),
  ];
  onStop(async () => {
    clearTimeout(timer);
    await systemd.stopping();
    for (const socket of sockets) socket.close();
    keeping.wipe();
    await link.stop();
  });
  await systemd.ready('starting');
  systemd.watch(() => {
    keeping.check();
    return Promise.resolve();
  });
  await advance();
}

main().catch((error: unknown) => {
  process.exitCode = explain(error);
});
