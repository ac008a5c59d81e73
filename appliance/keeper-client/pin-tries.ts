import type { TokenView } from './keeper.ts';

/** What a person should know before giving a token another PIN; empty where all is well. */
export function pinTriesText({ pinTries }: Pick<TokenView, 'pinTries'>): string {
  if (pinTries === 'none') return 'locked: no PIN is taken';
  if (pinTries === 'one') return 'one try left: a wrong PIN locks it';
  return pinTries === 'fewer' ? 'a wrong PIN was given: fewer tries are left' : '';
}
