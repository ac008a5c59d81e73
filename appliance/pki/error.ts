export type PkiErrorCode =
  | 'certificate-unreadable'
  | 'request-unreadable'
  | 'request-signature-wrong'
  | 'key-too-weak'
  | 'key-unsupported';

/** A certificate or request that cannot be used. */
export class PkiError extends Error {
  override readonly name = 'PkiError';
  readonly code: PkiErrorCode;

  constructor(code: PkiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
