import type { Command, Noun } from '../command.ts';
import { globalOptions } from '../global-option.ts';

/** One word that may follow, and what it means. */
export interface Word {
  readonly word: string;
  readonly what: string;
  /** Of an option: what its value is, as `file` or `dir`; absent where it takes none. */
  readonly value?: string;
}

/** What may follow each command; before the first word stands ''. */
export interface Place {
  /** "", "key" or "key list". */
  readonly after: string;
  readonly words: readonly Word[];
  readonly options: readonly Word[];
  /** Whether files may follow: a parameter is one. */
  readonly files: boolean;
}

/** All places of the command line, made from the table of commands. */
export function wordsOf(table: {
  readonly plain: readonly Command[];
  readonly nouns: readonly Noun[];
}): readonly Place[] {
  const { plain, nouns } = table;
  const first = [...plain, ...nouns].map(({ name, what }) => ({ word: name, what }));
  const none = { options: [], files: false };
  return [
    { after: '', words: first, options: globalOptions.map(optionWord), files: false },
    ...nouns.map(({ name, commands }) => ({
      ...none,
      after: name,
      words: commands.map((each) => ({ word: each.name.split(' ')[1] ?? '', what: each.what })),
    })),
    ...[...plain, ...nouns.flatMap(({ commands }) => commands)].map(placeOf),
  ];
}

function placeOf({ name, parameters = [], options = [] }: Command): Place {
  const shells = ['bash', 'zsh', 'fish'].map((word) => ({ word, what: 'for this shell' }));
  return {
    after: name,
    words: parameters.includes('<shell>') ? shells : [],
    options: [...options, { flags: '--json', what: 'print JSON' }].map(optionWord),
    files: parameters.some((each) => /file|share|backup/i.test(each)),
  };
}

function optionWord({ flags, what }: { flags: string; what: string }): Word {
  const [word = '', value] = flags.split(' ');
  return { word, what, ...(value === undefined ? {} : { value: value.replace(/[<>[\]]/g, '') }) };
}

/** Whether an option's value is a path of this machine. */
export function isPath({ value = '' }: Word): boolean {
  return /file|dir|path|folder|to/.test(value);
}
