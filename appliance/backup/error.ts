export type BackupErrorCode =
  /** Not a backup of ours at all. */
  | 'not-a-backup'
  /** Made by a later version. */
  | 'newer'
  /** Of another cluster. */
  | 'foreign'
  /** A byte was changed, or the end is missing. */
  | 'damaged'
  /** Whole, but not made by this cluster. */
  | 'forged'
  /** The wrapping key it was made under is not open here: shares open it. */
  | 'shares-needed'
  /** A key in it is not what its record says. */
  | 'key-corrupt'
  /** The wrapping key was rotated meanwhile: to be made again. */
  | 'rotated'
  | 'recovery-missing'
  | 'no-room'
  | 'not-written'
  | 'busy'
  /** Its node was removed by a person, and it holds what that node wrote afterwards. */
  | 'removed'
  /** The act was not confirmed as it has to be. */
  | 'not-confirmed'
  /** Something else would bring back at once what is to go. */
  | 'not-alone'
  | 'keeper-unavailable';

/** A backup that cannot be made, read or restored; `code` is stable. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly code: BackupErrorCode;

  constructor(code: BackupErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The one answer to bytes that are not as they were written. */
export function damaged(what: string, options?: ErrorOptions): BackupError {
  return new BackupError('damaged', `the backup is damaged: ${what}`, options);
}
