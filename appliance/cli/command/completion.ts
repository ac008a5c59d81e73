import type { Command, Noun } from '../command.ts';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { wordsOf } from '../completion/word.ts';
import { zshCompletion } from '../completion/zsh.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';

type Table = () => { readonly plain: readonly Command[]; readonly nouns: readonly Noun[] };

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** Prints what a shell needs to complete commands, options and nothing else. */
function completion({ print }: Context, shell: string, table: Table): Promise<void> {
  if (!Object.hasOwn(shells, shell)) {
    throw new CommandError('bad-request', `no shell ${shell}`, 'use bash, zsh or fish');
  }
  const script = shells[shell as keyof typeof shells](wordsOf(table()));
  print({ shell, script }, () => script.trimEnd());
  return Promise.resolve();
}

/** `table`: all commands, this one among them. */
export function commands(table: Table): readonly Command[] {
  return [
    {
      name: 'completion',
      parameters: ['<shell>'],
      what: 'print what bash, zsh or fish needs to complete commands',
      run: async (context, [shell = '']) => completion(context, shell, table),
    },
  ];
}
