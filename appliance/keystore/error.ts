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
