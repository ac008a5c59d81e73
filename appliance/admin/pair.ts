import type { z } from './schema.ts';
import type { invitationView, pairingView, peersView } from './schema.ts';

/** What an administrator does with the other node; passed in by whoever builds the server. */
export interface PairActs {
  /** Throws ErrandError `has-keys` while there is a peer, `no-peer-port` without one. */
  invite(): Promise<InvitationView>;
  pairing(): PairingView;
  peers(): Promise<PeersView>;
}

/** What a new node does before it has keys. */
export interface JoinActs {
  view(): PairingView;
  join(request: JoinRequest): Promise<void>;
}

export interface JoinRequest {
  readonly address: string;
  readonly code: string;
  readonly root: {
    readonly keyId: string;
    readonly label: string;
    readonly publicKey: string;
    readonly hash: 'sha256' | 'sha1';
  };
}

export type InvitationView = z.input<typeof invitationView>;
export type PairingView = z.input<typeof pairingView>;
export type PeersView = z.input<typeof peersView>;
