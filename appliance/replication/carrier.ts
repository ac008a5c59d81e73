import type { RecordHead } from '../keystore/record.ts';

/** What is known of another node, for administrators. */
export interface PeerView {
  readonly node: string;
  readonly name: string;
  /**
   * `present`: would confirm a key now; `catching-up`: takes what it missed; `slow`: answers late;
   * `unable`: cannot open or store keys; `away`: not heard of for three heartbeats.
   */
  readonly state: 'present' | 'catching-up' | 'slow' | 'unable' | 'away';
  /** Seconds since 1970 of its last sign of life; absent where there was none since the start. */
  readonly heard?: number;
  /** Why the last connection ended, until one lasts again. */
  readonly trouble?: string;
  /** Records that are here and not there. */
  readonly lag: number;
  /** Epochs and newest records, as the peer said them last. */
  readonly heads: Readonly<Record<string, readonly [number, string]>>;
  /** Whether the folded states were equal when they were compared last; absent before that. */
  readonly equal?: boolean;
  /** How far its clock is ahead of this node's, in seconds. */
  readonly skew?: number;
  readonly features: readonly string[];
  /** Secrets that it lacks, as it says. */
  readonly lacking: number;
}

/**
 * How records travel between nodes. A pair speaks its own protocol, a fleet shares a database;
 * nothing outside this room knows more of it than this.
 */
export interface RecordCarrier {
  start(): void;
  stop(): Promise<void>;
  /** Whether some other node would confirm a key at this moment: known before anybody asks. */
  readonly present: boolean;
  /**
   * True once another node has these records and all before them flushed and their secrets opened;
   * false as soon as that is not to be expected within the time that a client waits.
   */
  confirmed(records: readonly RecordHead[]): Promise<boolean>;
  peers(): readonly PeerView[];
  /** What is wrong with what carries the records, in words for persons. */
  alarms(): readonly string[];
  /** Calls when presence may have changed. */
  onChange(listener: () => void): () => void;
}
