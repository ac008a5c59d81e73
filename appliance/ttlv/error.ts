export type TtlvErrorCode =
  | 'truncated'
  | 'too-large'
  | 'too-deep'
  | 'too-many-items'
  | 'bad-type'
  | 'bad-length'
  | 'bad-value'
  | 'bad-padding'
  | 'trailing-bytes'
  | 'unexpected-item'
  | 'repeated-item'
  | 'missing-item';

/** Bytes or items that are not what TTLV or the declared structure allows. */
export class TtlvError extends Error {
  override readonly name = 'TtlvError';
  readonly code: TtlvErrorCode;
  /** Offset in bytes from the start of the message, or the tag concerned. */
  readonly at: number;

  constructor(code: TtlvErrorCode, at: number) {
    super(`${code} at 0x${at.toString(16)}`);
    this.code = code;
    this.at = at;
  }
}
