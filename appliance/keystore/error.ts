import { KeeperError } from '../keeper-client/keeper.ts';

export type KeystoreErrorCode =
  | 'database-unreadable'
  | 'database-foreign'
  | 'database-newer'
  | 'cipher-missing'
  | 'not-durable'
  | 'disk-full'
  | 'commit-failed'
  | 'chain-broken'
  | 'material-missing'
  | 'recovery-missing'
  | 'material-corrupt'
  | 'keeper-unavailable'
  /** A record that this node must not take: unreadable, unsigned, of strangers or elsewhere. */
  | 'record-refused'
  /** A record whose predecessor is not here: to be asked for again from further back. */
  | 'record-gap'
  /** A new key would have too few copies. */
  | 'copies-missing'
  /** The node found itself put back to an old disk, and only reads until it is healed. */
  | 'read-only'
  /** A destruction cannot be taken back here: nothing more of this node is needed to purge. */
  | 'purge-agreed'
  | 'closed';

/** A keystore that cannot do what was asked; `code` is stable, the text is for the log. */
export class KeystoreError extends Error {
  override readonly name = 'KeystoreError';
  readonly code: KeystoreErrorCode;

  constructor(code: KeystoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What the keeper threw as the keystore says it; other errors as they are. */
export function fromKeeper(error: unknown): unknown {
  if (!(error instanceof KeeperError)) return error;
  const corrupt = error.code === 'not-authentic' || error.code === 'generation-unknown';
  const code = corrupt ? 'material-corrupt' : 'keeper-unavailable';
  return new KeystoreError(code, `the keeper says: ${error.code}`, { cause: error });
}
