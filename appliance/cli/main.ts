import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Command, CommanderError } from 'commander';
import { AdminClient, AdminRefusal } from '../admin/client.ts';
import { KeeperConsole } from '../keeper-client/console.ts';
import * as client from './command/client.ts';
import * as group from './command/group.ts';
import * as key from './command/key.ts';
import * as recovery from './command/recovery.ts';
import { rotateRoot, rotateWrappingKey } from './command/rotation.ts';
import { seal, unseal } from './command/seal.ts';
import { status } from './command/status.ts';
import { CommandError } from './context.ts';
import type { Context } from './context.ts';
import { exitCode, exitCodeOf } from './exit-code.ts';

const program = new Command('twinlock')
  .description('administers a Twinlock appliance')
  .option('--state <dir>', 'state folder of a trial')
  .option('--socket <path>', 'the admin API’s socket', process.env['TWINLOCK_SOCKET'])
  .option('--console <path>', 'the keeper’s console socket', process.env['TWINLOCK_CONSOLE'])
  .option('--json', 'print JSON')
  .exitOverride()
  .configureOutput({ outputError: () => {} });

function context(): Context {
  const options = program.opts<{
    state?: string;
    socket?: string;
    console?: string;
    json?: true;
  }>();
  const { state, socket, json } = options;
  const trial = state === undefined ? undefined : join(state, 'run', 'admin.sock');
  const path = trial ?? socket ?? '/run/twinlock/admin/admin.sock';
  return {
    admin: new AdminClient(path),
    keeper: () =>
      consoleAt(
        state === undefined
          ? (options.console ?? '/run/twinlock/console.sock')
          : join(state, 'run', 'console.sock'),
      ),
    json: json === true,
    print(value, text) {
      process.stdout.write(`${json === true ? JSON.stringify(value) : text()}\n`);
    },
    ask,
  };
}

/** A keeper that hangs is waited for; one whose socket is not there is not. */
function consoleAt(path: string): KeeperConsole {
  if (existsSync(path)) return new KeeperConsole(path);
  const hint = 'is it running, and may you open its console socket? see --state and --console';
  throw new CommandError('not-reachable', `the keeper is not at ${path}`, hint);
}

async function ask(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(question)).trim();
  } finally {
    terminal.close();
  }
}

/** A subcommand; --json may stand behind it as well as before it. */
function noun(parent: Command, usage: string, what: string): Command {
  return parent
    .command(usage)
    .description(what)
    .option('--json', 'print JSON')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .hook('preAction', (_, command) => {
      if (command.opts<{ json?: true }>().json === true) program.setOptionValue('json', true);
    });
}

noun(program, 'status', 'how the appliance is').action(() => status(context()));

const clients = program.command('client').description('KMIP clients and their certificates');
noun(clients, 'list', 'all clients').action(() => client.list(context()));
noun(clients, 'add', 'let a client in')
  .requiredOption('--name <name>')
  .option('--group <group>', 'key group', 'default')
  .option('--cert <file>', 'its certificate, PEM')
  .option('--out <dir>', 'make a key pair and write it here')
  .action((options: Parameters<typeof client.add>[1]) => client.add(context(), options));
noun(clients, 'sign-csr', 'sign a certificate request and let it in')
  .requiredOption('--csr <file>', 'PKCS#10, PEM')
  .option('--name <name>')
  .option('--group <group>', 'key group', 'default')
  .option('--out <file>', 'where the certificate goes')
  .action((options: Parameters<typeof client.signCsr>[1]) => client.signCsr(context(), options));
noun(clients, 'block <client>', 'shut a client out at once').action((id: string) =>
  client.block(context(), id),
);
noun(clients, 'allow <client>', 'let a blocked or pending client in').action((id: string) =>
  client.allow(context(), id),
);

const groups = program.command('group').description('key groups: who sees whose keys');
noun(groups, 'list', 'all key groups').action(() => group.list(context()));
noun(groups, 'make <name>', 'make a key group').action((name: string) =>
  group.make(context(), name),
);

const keys = program.command('key').description('managed objects');
noun(keys, 'list', 'keys, oldest first')
  .option('--state <state>', 'only those in this state')
  .option('--group <group>', 'only those of this key group')
  .option('--limit <n>', 'how many', '100')
  .option('--after <id>', 'go on behind this key')
  .action((options: Parameters<typeof key.list>[1]) => key.list(context(), options));
noun(keys, 'show <id>', 'one key with its attributes').action((id: string) =>
  key.show(context(), id),
);
noun(keys, 'destroy <id>', 'destroy a key for every client')
  .option('--yes', 'do not ask')
  .option('--force', 'although it is Active')
  .action((id: string, options: Parameters<typeof key.destroy>[2]) =>
    key.destroy(context(), id, options),
  );

noun(program, 'seal', 'wipe the wrapping keys from memory at once').action(() => seal(context()));
noun(program, 'unseal', 'open the wrapping keys again').action(() => unseal(context()));

const roots = program.command('root').description('the root key in the token');
noun(roots, 'rotate', 'make a new root key and move to it').action(() => rotateRoot(context()));

const wrappingKeys = program.command('wrapping-key').description('the key that wraps all others');
noun(wrappingKeys, 'rotate', 'begin a new wrapping key and seal everything anew')
  .option('--no-wait', 'do not wait until everything is sealed anew')
  .action((options: { wait: boolean }) => rotateWrappingKey(context(), options));

const recoveries = program.command('recovery').description('what opens the keys without a token');
noun(recoveries, 'create', 'make a recovery set in place of any earlier one')
  .option('--threshold <m>', 'how many shares are needed', '3')
  .option('--shares <n>', 'how many there are', '5')
  .option('--out <dir>', 'write each share to a file of its own')
  .action((options: Parameters<typeof recovery.create>[1]) => recovery.create(context(), options));
noun(recoveries, 'prove <share...>', 'recover with these shares’ files, changing nothing').action(
  (files: string[]) => recovery.prove(context(), files),
);
noun(recoveries, 'restore <share...>', 'open the keys and move them to the token there is').action(
  (files: string[]) => recovery.restore(context(), files),
);

/** Two lines on standard error, and the exit code of its kind. */
function fail(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCode.success;
    const message = error.message.replace(/^error: /, '');
    process.stderr.write(`error: ${message}\nhint: see twinlock --help\n`);
    return exitCode.usage;
  }
  if (error instanceof AdminRefusal || error instanceof CommandError) {
    process.stderr.write(`error: ${error.message}\nhint: ${error.hint}\n`);
    return exitCodeOf(error.code);
  }
  const message = error instanceof Error ? error.message : 'unknown';
  process.stderr.write(`error: ${message}\nhint: this is a fault of the program\n`);
  return exitCode.failed;
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = fail(error);
}
