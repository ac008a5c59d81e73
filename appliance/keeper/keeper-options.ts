import type { Token } from '../token/token.ts';
import type { RotationEvery } from './schedule.ts';
import type { PinSource } from './pin.ts';

/** A token of the configuration, with where its PIN comes from. */
export interface NamedToken {
  readonly name: string;
  /** The label that a blank one is given. */
  readonly label: string;
  readonly token: Token;
  readonly pin: PinSource;
}

/** Folders, by the configuration, where copies of the keys lie that are not the keeper's. */
export interface KeyCopies {
  readonly backups?: string;
  readonly journal?: string;
}

/** What a keeper is made of. */
export interface KeeperOptions {
  /** Where the slot table lies. */
  readonly folder: string;
  /** The first holds the root key until another is told to. */
  readonly tokens: readonly [NamedToken, ...NamedToken[]];
  /** What a pulled token means: `serve` goes on, `seal` wipes the wrapping keys. */
  readonly tokenRemoval?: 'serve' | 'seal';
  readonly copies?: KeyCopies;
  /** After how many seconds keys are rotated by themselves. */
  readonly rotation?: RotationEvery;
  /** Seconds of a clock that nobody sets; the process's own unless given. */
  readonly monotonic?: () => number;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly random?: (bytes: number) => Buffer;
  readonly log: KeeperLog;
}

export type KeeperLog = (
  level: 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;
