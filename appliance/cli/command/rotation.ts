import { randomBytes } from 'node:crypto';
import { KeeperError } from '../../keeper-client/keeper.ts';
import type { KeeperConsole } from '../../keeper-client/console.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';

const pollMilliseconds = 500;

/** Makes a new root key in the token and moves the wrapping keys' slots to it. */
export async function rotateRoot({ keeper, print }: Context): Promise<void> {
  const label = `twinlock root ${randomBytes(4).toString('hex')}`;
  await asked(keeper, (console) => console.rotateRootKey({ rootKeyLabel: label }));
  print({ rootKey: label }, () => `the root key is now ${label}`);
}

/** Begins a new wrapping key and waits until everything is sealed under it. */
export async function rotateWrappingKey(
  { admin, keeper, print }: Context,
  { wait }: { wait: boolean },
): Promise<void> {
  const generation = await asked(keeper, (console) => console.rotateWrappingKey());
  let shown = '';
  while (wait) {
    const { wrappingKey } = await admin.status();
    if (wrappingKey.left === undefined) break;
    const text = `${wrappingKey.left} secrets to be sealed anew`;
    if (process.stderr.isTTY && text !== shown) process.stderr.write(`${text}\n`);
    shown = text;
    await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
  }
  print({ generation }, () =>
    wait
      ? `everything is sealed under the new wrapping key ${generation}`
      : `sealing everything anew under ${generation}; see status`,
  );
}

async function asked<T>(
  keeper: Context['keeper'],
  act: (console: KeeperConsole) => Promise<T>,
): Promise<T> {
  const console = keeper();
  try {
    return await act(console);
  } catch (error) {
    if (!(error instanceof KeeperError)) throw error;
    throw refusalOf(error);
  } finally {
    console.close();
  }
}

function refusalOf(error: KeeperError): CommandError {
  const cause = { cause: error };
  switch (error.code) {
    case 'rotating': {
      const hint = 'wait until status says that nothing is left to be sealed anew';
      return new CommandError('refused', 'the last rotation is still going on', hint, cause);
    }
    case 'sealed':
      return new CommandError('not-serving', 'the wrapping key is not open', 'see status', cause);
    case 'unavailable': {
      const hint = 'is it running, and may you open its console socket? see --state and --console';
      return new CommandError('not-reachable', 'the keeper cannot be reached', hint, cause);
    }
    default: {
      const hint = 'nothing was changed; see status and the keeper’s log';
      return new CommandError('not-serving', error.message, hint, cause);
    }
  }
}
