import type { Token } from '../token/token.ts';
import type { PinSource } from './pin.ts';

/** What a keeper is made of. */
export interface KeeperOptions {
  /** Where the slot table lies. */
  readonly folder: string;
  readonly token: Token;
  readonly pin: PinSource;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly random?: (bytes: number) => Buffer;
  /** Gives the token a process without a login; absent where there is none to restart. */
  readonly restartToken?: () => Promise<void>;
  readonly log: KeeperLog;
}

export type KeeperLog = (
  level: 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;
