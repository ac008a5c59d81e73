import type { Member } from '../keystore/membership.ts';

/**
 * A connection to a member that has proven its transport key: whole messages, in order, none twice,
 * until it ends. Nothing is said of whether the last ones arrived.
 */
export interface Channel {
  /** The member's node identifier. */
  readonly peer: string;
  /** Whether this node began it. */
  readonly dialled: boolean;
  /** Resolves when the next message may be sent; at once while the other side keeps up. */
  send(kind: number, payload: Uint8Array): Promise<void>;
  /** Says who takes messages, and who is told of the end; called once, before any message. */
  receive(onMessage: (kind: number, payload: Buffer) => void, onEnd: () => void): void;
  close(): void;
}

/** How nodes come to one another: TLS in an appliance, a simulated network in a simulation. */
export interface Transport {
  /** Rejects where the member is not reached or is somebody else. */
  dial(member: Member): Promise<Channel>;
  /** Says who takes connections that others begin. */
  accept(onChannel: (channel: Channel) => void): void;
}
