import { AdminError } from './error.ts';
import type { AdminErrorCode } from './error.ts';

/** What a person can do about a backup that was refused, by the code of the refusal. */
const refusals: Readonly<Record<string, readonly [AdminErrorCode, hint: string]>> = {
  'not-a-backup': ['bad-request', 'name a file that `twinlock backup create` made'],
  newer: ['bad-request', 'restore it with the version that made it, or a later one'],
  foreign: ['refused', 'name a backup of this cluster; see `twinlock status`'],
  damaged: ['refused', 'take another copy or an older backup: see `twinlock backup list`'],
  forged: ['refused', 'nothing was taken from it; take a backup whose way you know'],
  'shares-needed': ['shares-needed', 'name the files of the shares behind the backup'],
  'key-corrupt': ['refused', 'take another backup, and see the log: a disk may be failing'],
  rotated: ['refused', 'make it again when the rotation is through: see `twinlock status`'],
  'recovery-missing': ['refused', 'twinlock recovery create, then recovery prove'],
  'no-room': ['refused', 'free some space or choose another folder with --to'],
  'not-written': ['refused', 'choose another folder or file with --to, or --save-to'],
  removed: ['refused', 'if its keys are wanted all the same: restore --from-removed'],
  busy: ['refused', 'wait until it is through'],
  'not-confirmed': ['refused', 'nothing was changed; `twinlock holders` shows the name'],
  'not-alone': ['refused', 'nothing was changed; docs/backup.md says what to do before'],
  'keeper-unavailable': ['not-serving', 'see `twinlock status` and the keeper’s log'],
};

export function backupRefusal(code: unknown, message: string, cause: unknown): AdminError {
  const [kind, hint] = refusals[String(code)] ?? ['failed', 'see the server’s log'];
  return new AdminError(kind, message, hint, { cause });
}
