import type { Command, Noun } from '../../appliance/cli/command.ts';
import { exitCode } from '../../appliance/cli/exit-code.ts';
import type { GlobalOption } from '../../appliance/cli/global-option.ts';
import { exitMeanings } from './manual.ts';

/** The reference of the command line as a page of `docs/`, from the table of commands alone. */
export function commandLinePage(table: {
  readonly plain: readonly Command[];
  readonly nouns: readonly Noun[];
  readonly options: readonly GlobalOption[];
}): string {
  const { plain, nouns, options } = table;
  const codes = Object.entries(exitCode) as [keyof typeof exitCode, number][];
  return [
    '# Every command',
    '',
    'Made from the table of commands by `npm run reference`; [cli.md](cli.md) says how to use it.',
    '',
    '## Before the noun',
    '',
    ...options.map(({ flags, what, variable }) => {
      const from = variable === undefined ? '' : `, else \`${variable}\` of the environment`;
      return `- \`${flags}\`: ${what}${from}`;
    }),
    '',
    ...section('One word', 'commands without a noun', plain),
    ...nouns.flatMap(({ name, what, commands }) => section(name, what, commands)),
    '## Exit codes',
    '',
    ...codes.map(([name, code]) => `- ${code}: ${exitMeanings[name]}`),
    '',
  ].join('\n');
}

function section(name: string, what: string, commands: readonly Command[]): string[] {
  return [`## ${name}`, '', `${what[0]?.toUpperCase() ?? ''}${what.slice(1)}.`, ''].concat(
    commands.flatMap((command) => entry(command)),
  );
}

function entry({ name, parameters = [], what, options = [] }: Command): string[] {
  const line = ['twinlock', name, ...parameters].join(' ');
  const listed = options.map((option) => {
    const { flags, what: does, required } = option;
    const initial = option.default === undefined ? '' : ` (\`${option.default}\`)`;
    return `- \`${flags}\`: ${does}${initial}${required === true ? ', needed' : ''}`;
  });
  return [`### \`${line}\``, '', `${what[0]?.toUpperCase() ?? ''}${what.slice(1)}.`, ''].concat(
    listed.length === 0 ? [] : [...listed, ''],
  );
}
