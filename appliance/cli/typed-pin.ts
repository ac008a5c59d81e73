import type { KeeperConsole } from '../keeper-client/console.ts';
import { KeeperError } from '../keeper-client/keeper.ts';
import { CommandError } from './context.ts';
import type { Context } from './context.ts';

/** There is nobody to type the PIN that is needed. */
export function noPin(): CommandError {
  const hint = 'type it at a terminal, or name a file with --pin-file';
  return new CommandError('bad-request', 'there is no PIN', hint);
}

/**
 * Does an act that needs tokens. A token that wants its PIN, or refused the one that the keeper
 * has, is given one by a person, and the act is done again: once for each token, and never after a
 * person's PIN was refused. `pinFile`: a file for the PIN of the token of this name.
 */
export async function withPins<T>(
  context: Context,
  console: KeeperConsole,
  act: () => Promise<T>,
  {
    pinFile,
    token,
  }: { readonly pinFile?: string | undefined; readonly token?: string | undefined },
): Promise<T> {
  const given = new Set<string>();
  for (;;) {
    try {
      return await act();
    } catch (error) {
      const name = wanting(error);
      if (name === undefined || given.has(name)) throw error;
      given.add(name);
      const file = token === undefined || token === name ? pinFile : undefined;
      const pin = await context.secret(`PIN of ${name}: `, file);
      if (pin === undefined || pin.length === 0) throw noPin();
      await console.pin(pin, name).catch((refusal: unknown) => {
        // What is wrong besides the PIN, the act will say.
        if (!(refusal instanceof KeeperError) || !aboutKeys(refusal)) throw refusal;
      });
    }
  }
}

/** The name of a token that wants a PIN. */
function wanting(error: unknown): string | undefined {
  if (!(error instanceof KeeperError) || error.code !== 'token') return undefined;
  return /^the token (\S+) says: pin-(?:needed|wrong)$/.exec(error.message)?.[1];
}

/** The PIN was taken, but the root key is not there: that is why something is recovered. */
function aboutKeys({ code, message }: KeeperError): boolean {
  return code === 'token' && /(key-missing|failed|slot-table)$/.test(message);
}
