import { defaultLimits } from '../ttlv/limit.ts';

/** What any client, known or not, may take from the server. Times are milliseconds. */
export const serverLimits = {
  message: defaultLimits,
  /** An answer of our own, however long, that is put into another encoding. */
  answer: { messageBytes: 1 << 30, depth: 64, items: 1 << 24 },
  /** How many times longer than in TTLV a message may be in XML or JSON. */
  textFactor: 8,
  /** Bytes of an HTTP request's head. */
  httpHeader: 8192,
  batchItems: 1024,
  /** Identifiers that the answers of one message list together. */
  identifiers: 100_000,
  /**
   * Operations of one client that are to be answered later, after how long an answer is late, in
   * milliseconds, and how long it waits to be fetched, in seconds.
   */
  pending: 64,
  patience: 2_000,
  pendingSeconds: 3600,
  /** Tickets of one client that are out. */
  tickets: 64,
  /** Whole messages of one connection that wait for their turn. */
  pipelined: 64,
  handshake: 5_000,
  /** From the first byte of a message to its last. */
  halfMessage: 30_000,
  idle: 600_000,
  /** A client that does not take its answer. */
  unread: 30_000,
  connections: 8192,
  backlog: 4096,
} as const;
