import type { KeeperStatus } from '../keeper-client/keeper.ts';
import { TokenError } from '../token/error.ts';
import { SlotTableError } from './slot-table.ts';

export type TokenState = KeeperStatus['token']['state'];

/** What the keeper says of its token after such an error; `failed` after any other. */
export const tokenStateOf: Partial<Record<TokenError['code'], TokenState>> = {
  absent: 'absent',
  'restart-needed': 'absent',
  deadline: 'absent',
  'module-unusable': 'absent',
  'pin-needed': 'pin-needed',
  'pin-wrong': 'pin-wrong',
  'pin-locked': 'locked',
};

/** The stable code of an error that a keeper met. */
export function codeOf(error: unknown): string {
  if (error instanceof TokenError) return error.code;
  return error instanceof SlotTableError ? 'slot-table' : 'failed';
}
