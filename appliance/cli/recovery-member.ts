import type { RecoveryMember } from '../keeper-client/keeper.ts';

/** One line about a set of shares, or a token, that recovers the keys. */
export function memberText(
  member: Pick<RecoveryMember, 'kind' | 'proven'> & {
    readonly [name in 'threshold' | 'shares']?: number | undefined;
  } & { readonly token?: string | undefined },
): string {
  const { kind, threshold = 0, shares = 0, token = '', proven } = member;
  const what = kind === 'shares' ? `${threshold} of ${shares} shares` : `token ${token}`;
  return `${what}, ${proven === null ? 'not yet proven' : 'proven'}`;
}
