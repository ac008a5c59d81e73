import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { nouns, plainCommands } from '../../appliance/cli/command/index.ts';
import type { Command } from '../../appliance/cli/command.ts';
import { exitCode } from '../../appliance/cli/exit-code.ts';
import { command } from '../harness/appliance.ts';
import type { Ended } from '../harness/appliance.ts';

const twinlock = join(import.meta.dirname, '..', '..', 'scripts', 'twinlock');
const all: readonly Command[] = [...plainCommands, ...nouns.flatMap(({ commands }) => commands)];

/** Parameters and options that a command cannot do without. */
function needed({ parameters = [], options = [] }: Command): string[] {
  const required = options.filter((option) => option.required === true);
  return [
    ...parameters.filter((each) => each.startsWith('<')).map(() => 'something'),
    ...required.flatMap(({ flags }) => [flags.split(' ')[0] ?? '', 'something']),
  ];
}

function isFailure(t: ExecutionContext, { code, stdout, stderr }: Ended, what: string): void {
  const known: readonly (number | null)[] = Object.values(exitCode);
  t.true(code !== 0 && known.includes(code), what);
  t.regex(stderr, /^error: .+\nhint: .+\n$/, what);
  t.is(stdout, '', what);
}

test('every command fails in two lines and with a code where no server is', async (t) => {
  t.timeout(300_000);
  // These ask no server: what they do not know has to stop them.
  const alone = new Set(['completion', 'support list']);
  const waiting = [...all];
  const work = async (): Promise<void> => {
    for (let each = waiting.pop(); each !== undefined; each = waiting.pop()) {
      const words = [...each.name.split(' '), ...needed(each)];
      const more = alone.has(each.name) ? ['--nonsense'] : [];
      const parameters = ['--state', '/nonexistent', ...words, ...more, '--json'];
      const ended = await command(twinlock, parameters);
      isFailure(t, ended, `${each.name}: ${ended.stdout}${ended.stderr}`);
    }
  };
  await Promise.all([work(), work(), work()]);
});
