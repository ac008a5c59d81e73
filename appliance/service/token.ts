import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { selfTest } from '../self-test/self-test.ts';
import { Deadline } from '../token/deadline.ts';
import { Pkcs11 } from '../token/pkcs11.ts';
import { startTokenServer } from '../token/server.ts';
import { listenAt } from './activated-socket.ts';
import { configurationFromArguments, tokenFromArguments } from './configuration.ts';
import { explain } from './exit.ts';
import { makeLog } from './log.ts';
import { SystemdNotify } from './notify.ts';
import { dieWithParent, onStop } from './process.ts';

/** The token process: the only one that loads a vendor's library and logs in to the token. */
async function main(): Promise<void> {
  selfTest('token');
  const configuration = configurationFromArguments(process.argv);
  const { run, log: level } = configuration;
  const token = tokenFromArguments(configuration, process.argv);
  const log = makeLog('token', level);
  const systemd = new SystemdNotify(log);
  dieWithParent();
  const deadline = new Deadline(token.deadline, () => Number(process.hrtime.bigint() / 1_000_000n));
  let module: Pkcs11 | undefined;
  const server = await startTokenServer({
    load: () => (module = new Pkcs11(token.module, token, randomBytes)),
    deadline,
    restart: () => {
      log('warn', 'the token needs a new process');
      process.exit(1);
    },
    listen: listenAt('token', join(run, token.socket)),
  });
  onStop(async () => {
    await systemd.stopping();
    server.close();
    // A library that hangs at its end does not hold up the next start.
    deadline.run(() => module?.close());
  });
  await systemd.ready('waiting for the keeper');
  systemd.watch(() => Promise.resolve());
}

main().catch((error: unknown) => {
  process.exitCode = explain(error);
});
