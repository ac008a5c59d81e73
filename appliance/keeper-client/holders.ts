import type { RecoveryMember, TokenView } from './keeper.ts';

/** A root key, in a token, that opens slots of this node. */
export interface RootHolder {
  /** CKA_ID in hexadecimal. */
  readonly keyId: string;
  readonly holds: 'in use' | 'rotated away' | 'joining';
  /** The token's name in the configuration, where it is known. */
  readonly token?: string;
  /** What that token said it was when it made the key: manufacturer, model, serial number. */
  readonly device?: string;
  readonly state?: TokenView['state'];
  /** What the token was taken for: see docs/tokens.md. */
  readonly vendor?: string;
}

/** All that holds, or opens, this node's keys, as far as its keeper knows. */
export interface KeyHolders {
  /** The cluster's name: what a person types to shred. */
  readonly name: string;
  /** The cluster's id; absent where no copy of the slot table can be read. */
  readonly cluster?: string;
  readonly roots: readonly RootHolder[];
  /** Nodes that have every key too. */
  readonly peers: readonly { readonly node: string; readonly name: string }[];
  readonly recovery?: readonly RecoveryMember[];
  /** Folders of the configuration where backups and the journal lie. */
  readonly backups?: string;
  readonly journal?: string;
}

/** How far shredding has come. */
export interface Shredded {
  /** Seconds since 1970 of the order. */
  readonly given: number;
  /** What held the keys when it was given: a person has to destroy what is not this node's. */
  readonly holders: KeyHolders;
  /** Root keys that are still to be destroyed. */
  readonly left: readonly RootHolder[];
  /** Tokens of the configuration, TPMs, that were cleared: no copy of their stores opens. */
  readonly cleared?: readonly string[];
  /** CKA_ID of root keys that were not in their tokens any more when they were to be destroyed. */
  readonly notThere?: readonly string[];
  /** The order's file is damaged: no key opens, and nothing is destroyed by it. */
  readonly unreadable?: true;
}
