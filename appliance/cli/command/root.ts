import { randomBytes } from 'node:crypto';
import { KeeperError } from '../../keeper-client/keeper.ts';
import type { KeeperConsole } from '../../keeper-client/console.ts';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { asked, hintWhereKeysAre } from '../keeper.ts';
import { noPin } from './token.ts';

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
    await withPin(context, console, { token, pinFile }, initialise);
  });
  context.print({ rootKey: rootKeyLabel, ...named }, () =>
    [
      `the root key ${rootKeyLabel} and the first wrapping key are made`,
      'next: twinlock recovery create; no key is made before that set is proven',
    ].join('\n'),
  );
}

/**
 * Does it again once after a person gave the PIN, where the keeper has none or the token refused
 * the one that it has. The person's PIN is tried once too.
 */
async function withPin(
  context: Context,
  console: KeeperConsole,
  { token, pinFile }: { token?: string | undefined; pinFile?: string | undefined },
  act: () => Promise<void>,
): Promise<void> {
  try {
    await act();
    return;
  } catch (error) {
    const wanted = error instanceof KeeperError && /pin-(needed|wrong)$/.test(error.message);
    if (!wanted) throw error;
  }
  const pin = await context.secret('PIN: ', pinFile);
  if (pin === undefined || pin.length === 0) throw noPin();
  await console.pin(pin, token);
  await act();
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
