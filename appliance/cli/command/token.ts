import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { table } from '../format.ts';
import { asked } from '../keeper.ts';
import { noPin } from '../typed-pin.ts';

/** The tokens of the configuration, and which of them holds the root key. */
export async function list({ keeper, print }: Context): Promise<void> {
  const { token, tokens } = await asked(keeper, (console) => console.status());
  const shown = tokens ?? [{ ...token, root: true }];
  print({ tokens: shown }, () => {
    const rows = shown.map((each) => [
      each.name ?? '',
      each.state,
      each.root ? 'root key' : '',
      each.vendor ?? '',
      each.serial ?? '',
      each.label ?? '',
    ]);
    return table(['NAME', 'STATE', 'HOLDS', 'KIND', 'SERIAL', 'LABEL'], rows);
  });
}

/** Gives a token's PIN, which a person types at the terminal or a file's first line holds. */
export async function unlock(
  context: Context,
  { token, pinFile }: { token?: string; pinFile?: string },
): Promise<void> {
  const pin = await context.secret('PIN: ', pinFile);
  if (pin === undefined || pin.length === 0) throw noPin();
  await asked(context.keeper, (console) => console.pin(pin, token));
  const { state, byOrder } = await asked(context.keeper, (console) => console.status());
  const order = byOrder === true ? ' by order: twinlock unseal' : '';
  context.print(
    { unlocked: true, state },
    () => `the token took the PIN; the keeper is ${state}${order}`,
  );
}

/** Makes a blank token ours: with the PIN of its PIN file, or one that a person makes up. */
export async function provision(
  context: Context,
  { token, pinFile, typed }: { token?: string; pinFile?: string; typed?: boolean },
): Promise<void> {
  const asks = typed === true || pinFile !== undefined;
  const pin = asks ? await context.secret('new PIN: ', pinFile) : Buffer.alloc(0);
  if (pin === undefined || (asks && pin.length === 0)) throw noPin();
  const again = typed === true ? await context.secret('again: ') : undefined;
  if (again !== undefined && !again.equals(pin)) {
    throw new CommandError('bad-request', 'these are two PINs', 'type the same one twice');
  }
  again?.fill(0);
  const officerPin = await asked(context.keeper, (console) => console.provision(pin, token));
  context.print({ officerPin }, () => officerPinLines(officerPin).join('\n'));
}

/** What a person does with the security officer's PIN of a token that was blank. */
export function officerPinLines(officerPin: string): readonly string[] {
  return [
    `security officer's PIN: ${officerPin}`,
    'write it down and keep it with the recovery set: it opens no key, but makes a new PIN',
  ];
}

const ofToken = { flags: '--token <name>', what: 'the token; without it the one in use' };

export const commands: readonly Command[] = [
  {
    name: 'token list',
    what: 'the tokens of the configuration, and which of them holds the root key',
    run: (context) => list(context),
  },
  {
    name: 'token unlock',
    what: 'give a token its PIN, typed unseen; it is tried once',
    options: [ofToken, { flags: '--pin-file <file>', what: 'its first line is the PIN' }],
    run: (context, _, options: Parameters<typeof unlock>[1]) => unlock(context, options),
  },
  {
    name: 'token provision',
    what: 'make a blank token ours, with the PIN at hand; gives the officer’s PIN',
    options: [
      ofToken,
      { flags: '--typed', what: 'type a new PIN, for attended mode' },
      { flags: '--pin-file <file>', what: 'its first line is the new PIN' },
    ],
    run: (context, _, options: Parameters<typeof provision>[1]) => provision(context, options),
  },
];
