/** One record as the database sees it: it tells neither whose it is nor what it says. */
export interface SealedRow {
  /** A keyed digest of the record: the same whoever brings it, so that it is stored once. */
  readonly id: Buffer;
  /** The row's key, sealed by a keeper under the wrapping key. */
  readonly key: Buffer;
  readonly sealed: Buffer;
}

/**
 * A place in the log. Transactions that end later than others with higher numbers are no gap: a
 * row is read only when every transaction that might come before it has ended.
 */
export interface LogPlace {
  /** The number of the transaction that wrote the row, in decimal, and the row's in the table. */
  readonly transaction: string;
  readonly position: string;
  /** The row's `id` in hexadecimal; empty where nothing was read yet. */
  readonly id: string;
}

export const logStart: LogPlace = { transaction: '0', position: '0', id: '' };

export interface PlacedRow extends SealedRow {
  readonly place: LogPlace;
}

export type SharedLogErrorCode =
  /** No server takes connections, or the one that was connected to is gone. */
  | 'unreachable'
  /** The only servers that answer are standbys. */
  | 'no-primary'
  /** The primary has no synchronous standby: what it took would lie once. */
  | 'no-standby'
  /** A commit was broken, cancelled or warned of: it may or may not last. */
  | 'in-doubt'
  /** The rights or the schema are not what is needed. */
  | 'schema'
  /** Its rows bear numbers that this database has not given yet. */
  | 'numbers';

/** What the log did not do; `message` is for persons. */
export class SharedLogError extends Error {
  override readonly name = 'SharedLogError';
  readonly code: SharedLogErrorCode;

  constructor(code: SharedLogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * An insert-only log that all nodes of a fleet share, on one connection's life: PostgreSQL in an
 * appliance. It is trusted with nothing but lasting: what it says is checked by whoever reads it.
 */
export interface SharedLog {
  /**
   * Adds rows that are not there yet, and says where this node stands. Resolves once the commit is
   * on the primary's disk and on that of a synchronous standby. Throws SharedLogError; after
   * `in-doubt` the same rows may be given again.
   */
  publish(rows: readonly SealedRow[], standing: SealedRow): Promise<void>;
  /** Says where this node stands; nothing rests on its lasting. Throws SharedLogError. */
  say(standing: SealedRow): Promise<void>;
  /** The next rows behind a place, in the log's order. Throws SharedLogError. */
  after(place: LogPlace, limit: number): Promise<PlacedRow[]>;
  /** The newest word of each node. Throws SharedLogError. */
  standings(): Promise<SealedRow[]>;
  /** Whether the row that was read at this place is still there. Throws SharedLogError. */
  holds(place: LogPlace): Promise<boolean>;
  /** Whether rows of all these names are there. Throws SharedLogError. */
  has(ids: readonly Buffer[]): Promise<boolean>;
  /**
   * Names the life that the database leads: another one after a failover or a restore, in which
   * rows may be missing that were read in the one before. Throws SharedLogError.
   */
  life(): Promise<string>;
  /** Whether a synchronous standby is there now. Throws SharedLogError. */
  hasStandby(): Promise<boolean>;
  /** Calls when there may be something new: only to be quicker, nothing rests on it. */
  onWake(listener: () => void): void;
  /** Calls once when the connection is gone. */
  onEnd(listener: (why: string) => void): void;
  close(): void;
}

/**
 * The same log with a patience: a server that is frozen neither answers nor ends, so this side ends
 * the connection then, and what was given to it is in doubt.
 */
export function impatient(
  log: SharedLog,
  after: (milliseconds: number, act: () => void) => () => void,
  milliseconds: number,
): SharedLog {
  const within = async <T>(act: () => Promise<T>): Promise<T> => {
    const cancel = after(milliseconds, () => {
      log.close();
    });
    try {
      return await act();
    } finally {
      cancel();
    }
  };
  return {
    publish: (rows, standing) => within(() => log.publish(rows, standing)),
    say: (standing) => within(() => log.say(standing)),
    after: (place, limit) => within(() => log.after(place, limit)),
    standings: () => within(() => log.standings()),
    holds: (place) => within(() => log.holds(place)),
    has: (ids) => within(() => log.has(ids)),
    life: () => within(() => log.life()),
    hasStandby: () => within(() => log.hasStandby()),
    onWake: (listener) => {
      log.onWake(listener);
    },
    onEnd: (listener) => {
      log.onEnd(listener);
    },
    close: () => {
      log.close();
    },
  };
}
