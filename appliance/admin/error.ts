const status = {
  'bad-request': 400,
  /** The role, or the way in, is not enough for this. */
  denied: 403,
  'not-found': 404,
  refused: 409,
  /** A backup whose wrapping key is not open here. */
  'shares-needed': 409,
  'not-serving': 503,
  failed: 500,
} as const;

export type AdminErrorCode = keyof typeof status;

/** A refusal of the admin API: what happened, and what a person can do about it. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  readonly code: AdminErrorCode;
  readonly hint: string;

  constructor(code: AdminErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }

  get status(): number {
    return status[this.code];
  }
}
