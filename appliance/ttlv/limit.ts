/** What a message may weigh before it is refused unread. */
export interface Limits {
  /** Bytes of a whole message, its header of 8 bytes included. */
  readonly messageBytes: number;
  /** Structures within structures. */
  readonly depth: number;
  /** Items of all levels together. */
  readonly items: number;
}

export const defaultLimits: Limits = { messageBytes: 1 << 20, depth: 32, items: 65_536 };
