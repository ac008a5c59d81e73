import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { asked } from '../keeper.ts';

/** Sets the passphrase of the console's menus; the old one is asked for where there is one. */
export async function set(
  context: Context,
  { passphraseFile, oldFile }: { passphraseFile?: string; oldFile?: string },
): Promise<void> {
  const { keeper, secret, print } = context;
  const wanted = async (question: string, file: string | undefined): Promise<Buffer> => {
    const typed = await secret(question, file);
    if (typed !== undefined) return typed;
    const hint = 'at a terminal, or with --passphrase-file and --old-file';
    throw new CommandError('bad-request', 'a passphrase is needed', hint);
  };
  const isSet = await asked(keeper, (console) => console.hasAdministrator());
  const old = isSet ? await wanted('old passphrase: ', oldFile) : Buffer.alloc(0);
  const passphrase = await wanted('new passphrase: ', passphraseFile);
  await asked(keeper, (console) => console.setAdministrator(passphrase, old));
  print({ set: true }, () => 'the passphrase is set; F2 at the console asks for it');
}

export const commands: readonly Command[] = [
  {
    name: 'administrator set',
    what: 'set the passphrase of the console’s menus; it opens no key',
    options: [
      { flags: '--passphrase-file <file>', what: 'its first line is the new one' },
      { flags: '--old-file <file>', what: 'its first line is the old one' },
    ],
    run: (context, _, options: Parameters<typeof set>[1]) => set(context, options),
  },
];
