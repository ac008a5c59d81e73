/** What can be wrong with a token, in the order of their numbers on the socket. */
export const tokenErrorCodes = [
  'failed',
  'absent',
  'module-unusable',
  'pin-needed',
  'pin-wrong',
  'pin-locked',
  'key-missing',
  'mechanism-missing',
  'attribute-wrong',
  'restart-needed',
  'deadline',
  'protocol',
  'session-lost',
  'set-up-elsewhere',
  'lockout-refused',
] as const;

export type TokenErrorCode = (typeof tokenErrorCodes)[number];

/** A refusal or failure of the token; `ckr` is the PKCS#11 return value where there is one. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly code: TokenErrorCode;
  readonly ckr: number | undefined;

  constructor(code: TokenErrorCode, message: string, ckr?: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.ckr = ckr;
  }
}
