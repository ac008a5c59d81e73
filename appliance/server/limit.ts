import { defaultLimits } from '../ttlv/limit.ts';

/** What any client, known or not, may take from the server. Times are milliseconds. */
export const serverLimits = {
  message: defaultLimits,
  batchItems: 1024,
  /** Operations of one client that are to be answered later, and how long they wait: seconds. */
  pending: 64,
  pendingSeconds: 3600,
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
