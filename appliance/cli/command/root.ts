import { randomBytes } from 'node:crypto';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { asked, hintWhereKeysAre } from '../keeper.ts';
import { withPins } from '../typed-pin.ts';

/**
 * Sets a new node up: a root key in the token, the first wrapping key, and its slot. The PIN is
 * asked for where the keeper has none.
 */
export async function create(
  context: Context,
  { token, pinFile }: { token?: string; pinFile?: string },
): Promise<void> {
  const rootKeyLabel = `twinlock root ${randomBytes(4).toString('hex')}`;
  const named = token === undefined ? {} : { token };
  await asked(context.keeper, async (console) => {
    if ((await console.status()).state !== 'new') {
      throw new CommandError('refused', 'there is a slot table already', hintWhereKeysAre);
    }
    const initialise = (): Promise<void> => console.initialise({ rootKeyLabel, ...named });
    await withPins(context, console, initialise, { token, pinFile });
  });
  context.print({ rootKey: rootKeyLabel, ...named }, () =>
    [
      `the root key ${rootKeyLabel} and the first wrapping key are made`,
      'next: twinlock recovery create; no key is made before that set is proven',
    ].join('\n'),
  );
}

export const commands: readonly Command[] = [
  {
    name: 'root create',
    what: 'set a new node up: the first root key and wrapping key; asks for the PIN if need be',
    options: [
      { flags: '--token <name>', what: 'the token that is to hold it; else the first' },
      { flags: '--pin-file <file>', what: 'its first line is the PIN' },
    ],
    run: (context, _, options: Parameters<typeof create>[1]) => create(context, options),
  },
];
