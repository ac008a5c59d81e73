import { hash } from 'node:crypto';

/** What a person did at the keeper's console, for the audit: no secret, ever. */
export interface ConsoleAct {
  /** Seconds since 1970. */
  readonly time: number;
  /** What `twinlock` calls it: "seal", "token unlock". */
  readonly act: string;
  /** A token's name in the configuration, a node or a CKA_ID. */
  readonly object?: string;
  readonly outcome: 'success' | 'denied' | 'failed';
  /** The code of what was wrong. */
  readonly reason?: string;
}

/** A place in the keeper's list: the number of an act, and a hash of it and all before it. */
export interface ActPlace {
  readonly seq: number;
  /** SHA-256 in hexadecimal; of the place before the first act 32 random bytes. */
  readonly hash: string;
}

/** The acts that no server has taken into its audit yet, oldest first, behind a place. */
export interface ConsoleActs {
  readonly after: ActPlace;
  /** How many acts found no room since the list was begun. */
  readonly lost: number;
  readonly acts: readonly ConsoleAct[];
}

/** The place of the act that follows on another one. */
export function placeAfter({ seq, hash: before }: ActPlace, act: ConsoleAct): ActPlace {
  const { time, act: name, object = '', outcome, reason = '' } = act;
  const text = JSON.stringify([before, seq + 1, time, name, object, outcome, reason]);
  return { seq: seq + 1, hash: hash('sha256', text) };
}
