import type { KeeperConsole } from '../keeper-client/console.ts';
import { KeeperError } from '../keeper-client/keeper.ts';
import { CommandError } from './context.ts';
import type { Context } from './context.ts';

/** Asks the keeper; what it refuses becomes two lines that a person can use. */
export async function asked<T>(
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

/** What a refusal of the keeper means to a person. */
export function refusalOf(error: KeeperError): CommandError {
  const cause = { cause: error };
  switch (error.code) {
    case 'rotating': {
      const hint = 'wait until status says that nothing is left to be sealed anew';
      return new CommandError('refused', 'the last rotation is still going on', hint, cause);
    }
    case 'proposal-refused':
    case 'peer-unknown':
      return new CommandError('refused', error.message, 'see `twinlock peer status`', cause);
    case 'sealed':
      return new CommandError('not-serving', 'the wrapping key is not open', 'see status', cause);
    case 'sealed-by-order':
      return new CommandError('not-serving', error.message, 'twinlock unseal', cause);
    case 'unavailable': {
      const hint = 'is it running, and may you open its console socket? see --state and --console';
      return new CommandError('not-reachable', 'the keeper cannot be reached', hint, cause);
    }
    case 'share-damaged':
      return new CommandError('bad-request', error.message, 'compare it with its paper', cause);
    case 'share-word': {
      const hint = 'compare that word with the paper; its first four letters are enough';
      return new CommandError('bad-request', error.message, hint, cause);
    }
    case 'passphrase-wrong':
    case 'passphrase-short':
      return new CommandError('refused', error.message, 'the old one stays; try again', cause);
    case 'share-twice':
      return new CommandError('bad-request', error.message, 'give each share once', cause);
    case 'share-wrong': {
      const hint = 'one of them was never a share of this set: try others of the set';
      return new CommandError('bad-request', error.message, hint, cause);
    }
    case 'share-foreign':
      return new CommandError('bad-request', error.message, 'use shares of one set', cause);
    case 'shares-too-few':
      return new CommandError('bad-request', error.message, 'find more of the shares', cause);
    case 'no-recovery':
      return new CommandError('refused', error.message, 'twinlock recovery create', cause);
    case 'token-unknown':
      return new CommandError('not-found', error.message, 'twinlock token list', cause);
    case 'recovery-foreign': {
      const hint = 'take the right token out of the safe; twinlock recovery show lists them';
      return new CommandError('refused', error.message, hint, cause);
    }
    case 'recovery-unknown':
      return new CommandError('not-found', error.message, 'twinlock recovery show', cause);
    case 'recovery-needed': {
      const hint = 'make another and prove it first: twinlock recovery create';
      return new CommandError('refused', error.message, hint, cause);
    }
    case 'token-in-use':
      return new CommandError('refused', error.message, 'choose another with --token', cause);
    case 'token':
      return new CommandError('not-serving', error.message, tokenHint(error.message), cause);
    case 'shred-refused':
      return new CommandError('refused', error.message, 'nothing was changed', cause);
    case 'shredded': {
      const hint = 'twinlock holders says what else held them; set the node up on an empty state';
      return new CommandError('refused', error.message, hint, cause);
    }
    case 'not-new':
      return new CommandError('refused', error.message, hintWhereKeysAre, cause);
    default: {
      const hint = 'nothing was changed; see status and the keeper’s log';
      return new CommandError('not-serving', error.message, hint, cause);
    }
  }
}

/** What to do where a node that has keys is taken for a new one. */
export const hintWhereKeysAre =
  'for another root key: twinlock root rotate; after a lost token: twinlock recovery restore';

function tokenHint(message: string): string {
  if (message.endsWith('absent')) {
    return 'is it there, with the label of the configuration? if blank: twinlock token provision';
  }
  if (message.endsWith('pin-needed')) return 'give its PIN: twinlock token unlock';
  if (message.endsWith('pin-wrong')) return 'it will not be tried again; give the right one';
  if (message.endsWith('pin-locked')) {
    return 'no PIN is tried; wait, or unlock it with what docs/tokens.md says of its kind';
  }
  return 'nothing was changed; see status and the keeper’s log';
}
