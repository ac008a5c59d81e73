import type { Command, CommandOption, Noun } from '../../appliance/cli/command.ts';
import { exitCode } from '../../appliance/cli/exit-code.ts';
import type { GlobalOption } from '../../appliance/cli/global-option.ts';

/** Text as roff has it: what begins a request or an escape is taken apart. */
export function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replaceAll('“', '\\(lq')
    .replaceAll('”', '\\(rq')
    .replaceAll('…', '\\&...')
    .replace(/^([.'])/, '\\&$1');
}

export const exitMeanings: Readonly<Record<keyof typeof exitCode, string>> = {
  success: 'done',
  failed: 'failed',
  usage: 'the command or its input is not right',
  refused: 'refused',
  notServing: 'the appliance cannot serve this now',
  notReachable: 'the server cannot be reached',
  notFound: 'there is no such thing',
  broken: 'the audit is not whole',
};

interface Table {
  readonly plain: readonly Command[];
  readonly nouns: readonly Noun[];
  readonly options: readonly GlobalOption[];
}

/** All pages by their file names: one of the whole, one of each noun. */
export function manualPages(table: Table): ReadonlyMap<string, string> {
  const { plain, nouns } = table;
  const pages = new Map([['twinlock.1', mainPage(table)]]);
  for (const noun of nouns) {
    pages.set(`twinlock-${noun.name}.1`, nounPage(noun));
  }
  if (plain.length === 0) throw new Error('no commands');
  return pages;
}

function mainPage({ plain, nouns, options }: Table): string {
  return page('twinlock', 'administers a Twinlock appliance', [
    '.SH SYNOPSIS',
    '.B twinlock',
    '.RI [ options ]',
    '.I noun verb',
    '.RI [ parameters ]',
    '.SH DESCRIPTION',
    roff('It speaks to the server on this machine, or over HTTPS to a node elsewhere.'),
    roff('An error is two lines on standard error, which begin with error: and hint:.'),
    '.SH OPTIONS',
    ...options.flatMap(({ flags, what, variable }) => [
      ...optionLines({ flags, what }),
      ...(variable === undefined ? [] : [`Else from the environment: ${roff(variable)}.`]),
    ]),
    '.SH NOUNS',
    ...nouns.flatMap(({ name, what }) => ['.TP', `.BR twinlock\\-${roff(name)} (1)`, roff(what)]),
    '.SH COMMANDS',
    ...plain.flatMap((command) => commandLines(command)),
    ...exitLines(),
    '.SH SEE ALSO',
    nouns.map(({ name }) => `.BR twinlock\\-${roff(name)} (1)`).join(' ,\n'),
  ]);
}

function nounPage({ name, what, commands }: Noun): string {
  return page(`twinlock-${name}`, what, [
    '.SH SYNOPSIS',
    ...commands.flatMap((command) => [
      `.B twinlock ${roff(command.name)}`,
      ...usage(command),
      '.br',
    ]),
    '.SH COMMANDS',
    ...commands.flatMap((command) => commandLines(command)),
    ...exitLines(),
    '.SH SEE ALSO',
    '.BR twinlock (1)',
  ]);
}

function page(name: string, what: string, body: readonly string[]): string {
  const head = [
    '.\\" Made from the table of commands by `npm run reference`.',
    `.TH ${roff(name).toUpperCase()} 1 "" "Twinlock" "Twinlock"`,
    '.SH NAME',
    `${roff(name)} \\- ${roff(what)}`,
  ];
  return `${[...head, ...body].join('\n')}\n`;
}

function usage({ parameters = [], options = [] }: Command): string[] {
  const words = [
    ...options.map(({ flags, required }) => (required === true ? flags : `[${flags}]`)),
    ...parameters.map((each) => each.replace(/^<(.*)>$/, '$1')),
  ];
  return words.length === 0 ? [] : [`.RI "${roff(words.join(' ')).replaceAll('"', '""')}"`];
}

function commandLines(command: Command): string[] {
  const { name, what, options = [] } = command;
  return [
    `.SS twinlock ${roff(name)}`,
    `${roff(what[0]?.toUpperCase() ?? '')}${roff(what.slice(1))}.`,
    ...options.flatMap((option) => optionLines(option)),
  ];
}

function optionLines({ flags, what, ...option }: CommandOption): string[] {
  const initial = option.default === undefined ? '' : `; without it ${option.default}`;
  const required = option.required === true ? '; needed' : '';
  return ['.TP', `.B ${roff(flags)}`, roff(`${what}${initial}${required}`)];
}

function exitLines(): string[] {
  const codes = Object.entries(exitCode) as [keyof typeof exitCode, number][];
  return [
    '.SH EXIT STATUS',
    ...codes.flatMap(([name, code]) => ['.TP', `.B ${code}`, roff(exitMeanings[name])]),
  ];
}
