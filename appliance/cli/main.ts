import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { CommanderError, Command as Program } from 'commander';
import { AdminClient, AdminRefusal } from '../admin/client.ts';
import { KeeperConsole } from '../keeper-client/console.ts';
import { SetupError } from '../setup/error.ts';
import { LinuxBox } from '../setup/linux-box.ts';
import { VcenterError } from '../vcenter/error.ts';
import type { Command } from './command.ts';
import { nouns, plainCommands } from './command/index.ts';
import { CommandError } from './context.ts';
import type { Context } from './context.ts';
import { exitCode, exitCodeOf } from './exit-code.ts';
import { globalOptions } from './global-option.ts';
import type { GlobalOptions } from './global-option.ts';
import { nodeElsewhere, notFromElsewhere } from './node-elsewhere.ts';
import { secretInput } from './secret-input.ts';

const program = new Program('twinlock').description('administers a Twinlock appliance');
for (const { flags, what, variable } of globalOptions) {
  program.option(flags, what, variable === undefined ? undefined : process.env[variable]);
}
program
  .enablePositionalOptions()
  .exitOverride()
  .configureOutput({ outputError: () => {} });

/** Milliseconds for the keeper's answer: a card may take two minutes over its key. */
const patience = 180_000;

function context(): Context {
  const options = program.opts<GlobalOptions>();
  const { state, json } = options;
  const node = nodeElsewhere(options);
  const trial = state === undefined ? undefined : join(state, 'run', 'admin.sock');
  const path = trial ?? options.socket ?? '/run/twinlock/admin/admin.sock';
  const console = trial === undefined ? options.console : join(state ?? '', 'run', 'console.sock');
  return {
    admin: new AdminClient(node ?? path),
    keeper: () => {
      if (node !== undefined) throw notFromElsewhere();
      return consoleAt(console ?? '/run/twinlock/console.sock');
    },
    json: json === true,
    elsewhere: node !== undefined,
    ...(state === undefined ? {} : { state }),
    ...(state === undefined && node === undefined ? { box: new LinuxBox('/') } : {}),
    print(value, text) {
      process.stdout.write(`${json === true ? JSON.stringify(value) : text()}\n`);
    },
    secret: secretInput,
    attended: process.stdin.isTTY,
    ask,
    now: () => Math.floor(Date.now() / 1000),
  };
}

/** A keeper that hangs is waited for; one whose socket is not there is not. */
function consoleAt(path: string): KeeperConsole {
  if (existsSync(path)) return new KeeperConsole(path, patience);
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

/** Puts one command of the table into the parser; --json may stand behind it as well. */
function put(parent: Program, command: Command): void {
  const { name, parameters = [], what, options = [] } = command;
  const verb = name.split(' ').at(-1) ?? name;
  const made = parent
    .command([verb, ...parameters].join(' '))
    .description(what)
    .option('--json', 'print JSON')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .hook('preAction', (_, acting) => {
      if (acting.opts<{ json?: true }>().json === true) program.setOptionValue('json', true);
    });
  for (const option of options) {
    if (option.required === true) made.requiredOption(option.flags, option.what);
    else made.option(option.flags, option.what, option.default);
  }
  made.action(() => command.run(context(), made.processedArgs.flat() as string[], made.opts()));
}

for (const command of plainCommands) put(program, command);
for (const { name, what, commands } of nouns) {
  const noun = program.command(name).description(what);
  for (const command of commands) put(noun, command);
}

/** Two lines on standard error, and the exit code of its kind. */
function fail(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCode.success;
    const message = error.message.replace(/^error: /, '');
    process.stderr.write(`error: ${message}\nhint: see twinlock --help\n`);
    return exitCode.usage;
  }
  if (
    error instanceof AdminRefusal ||
    error instanceof CommandError ||
    error instanceof SetupError ||
    error instanceof VcenterError
  ) {
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
