export type SetupErrorCode =
  'has-keys' | 'passphrase' | 'network' | 'box' | 'pairing' | 'pin-not-sealed';

/** Why a node was not set up, for a person: what it is, and what to do. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
  readonly code: SetupErrorCode;
  readonly hint: string;

  constructor(code: SetupErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}
