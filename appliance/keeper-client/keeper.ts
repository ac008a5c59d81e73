import type { ClusterPurpose } from './request.ts';

/** What the keeper knows of a token. */
export interface TokenView {
  /** `idle`: it is there, and nothing was asked of it. */
  readonly state: 'ready' | 'idle' | 'absent' | 'locked' | 'pin-needed' | 'pin-wrong' | 'failed';
  /** Its name in the configuration. */
  readonly name?: string;
  readonly label?: string;
  /** Manufacturer and model. */
  readonly module?: string;
  readonly serial?: string;
  /** What it was taken for: see docs/tokens.md. */
  readonly vendor?: string;
  /** A wrong PIN was given: `one`: the next wrong one locks it; `none`: it is locked. */
  readonly pinTries?: 'fewer' | 'one' | 'none';
}

/** A set of shares, or a token, that recovers the keys. */
export interface RecoveryMember {
  /** The set's id, or the CKA_ID of the token's key; hexadecimal. */
  readonly id: string;
  readonly kind: 'shares' | 'token';
  readonly threshold?: number;
  readonly shares?: number;
  /** The token's name in the configuration, and what it said it was. */
  readonly token?: string;
  readonly device?: string;
  /** Seconds since 1970. */
  readonly made: number;
  readonly proven: number | null;
}

/** What the keeper says of itself. */
export interface KeeperStatus {
  /**
   * `new`: no slots; `sealed`: slots but no wrapping key open; `open`: serving; `shredded`: every
   * key was destroyed by a person's order, for good.
   */
  readonly state: 'new' | 'sealed' | 'open' | 'shredded';
  /** When that was ordered, in seconds since 1970, and how many root keys are still there. */
  readonly shredded?: { readonly given: number; readonly left: number };
  /** Hex id (16 bytes) of the cluster; absent while new. */
  readonly cluster?: string;
  /** Hex id (16 bytes) of the generation that is written under; absent unless open. */
  readonly generation?: string;
  /** True when a person sealed it: no key opens, by no restart either, until a person unseals. */
  readonly byOrder?: true;
  /** Hex ids of the generations that older sealed bytes may still need; absent where none is. */
  readonly older?: readonly string[];
  /** The generation that is begun and not yet written under; and the peers it waits for. */
  readonly pending?: { readonly generation: string; readonly waitsFor: readonly string[] };
  /** The other nodes that have slots; absent for a node that was never paired. */
  readonly pair?: {
    readonly node: string;
    /** True until every record of the cluster has come here. */
    readonly joining: boolean;
    /** A removed node still has the wrapping key: another one has to begin. */
    readonly owed?: true;
    readonly peers: readonly {
      readonly node: string;
      readonly name: string;
      /** Whether its token has opened the generation that is written under. */
      readonly proven: boolean;
    }[];
  };
  /** True when it sealed itself because its token was pulled. */
  readonly byRemoval?: true;
  /** The token that holds the root key. */
  readonly token: TokenView & { readonly mechanism?: string };
  /** Every token of the configuration, where there are several. */
  readonly tokens?: readonly (TokenView & { readonly root: boolean })[];
  /** What recovers the keys without a root key; absent while nothing does. */
  readonly recovery?: {
    /** Whether somebody has recovered with any of them: until then no key is made. */
    readonly proven: boolean;
    readonly members: readonly RecoveryMember[];
  };
  /** Of the slot table: grows with each writing. */
  readonly serial?: number;
  /** CKA_ID in hexadecimal of the root key in use. */
  readonly rootKey?: string;
  /** True where there are slots and none of the copies can be trusted. */
  readonly slotsDamaged?: true;
  /** Seconds since 1970 when a damaged copy of the slot table was mended; absent when none was. */
  readonly mended?: number;
  /** When keys are rotated by themselves, in seconds since 1970, and why the last try failed. */
  readonly schedule?: Readonly<
    Partial<Record<'rootKey' | 'wrappingKey', { readonly due: number; readonly failed?: string }>>
  >;
  /** How far the rotation of the root key is that goes on now. */
  readonly progress?: { readonly done: number; readonly of: number };
  /** Seconds since 1970 of the last decryption through the token that was right. */
  readonly rootKeyProven?: number;
}

/** The server's side of the keeper's data socket. Calls of one tick travel in one message. */
export interface Keeper {
  /**
   * Seals bytes under the written generation of the wrapping key. Gives version (1 byte),
   * generation (16), nonce (12), ciphertext, tag (16).
   * `context` is the additional authenticated data; the keeper appends the generation to it.
   */
  seal(context: Uint8Array, plaintext: Uint8Array): Promise<Buffer>;
  /** Throws KeeperError `not-authentic` when bytes or context differ, `generation-unknown`, … */
  open(context: Uint8Array, sealed: Uint8Array): Promise<Buffer>;
  /**
   * A key of 32 bytes for this purpose: the same on every node of the cluster, for its whole life.
   * Whoever asks wipes it. Throws KeeperError `sealed`, `unavailable`.
   */
  derive(purpose: ClusterPurpose): Promise<Buffer>;
  /** The slot table as it lies on the disk: for a backup. Throws KeeperError `sealed`. */
  slots(): Promise<string>;
  status(): Promise<KeeperStatus>;
  close(): void;
}

export type KeeperErrorCode =
  | 'unavailable'
  | 'sealed'
  | 'not-authentic'
  | 'generation-unknown'
  | 'too-large'
  | 'protocol'
  | 'token'
  | 'not-new'
  | 'rotating'
  | 'sealed-by-order'
  | 'share-damaged'
  | 'share-word'
  | 'share-twice'
  | 'share-wrong'
  | 'share-foreign'
  | 'shares-too-few'
  | 'proposal-refused'
  | 'statement-refused'
  | 'peer-unknown'
  | 'no-recovery'
  | 'token-unknown'
  | 'token-in-use'
  | 'passphrase-wrong'
  | 'passphrase-short'
  | 'shred-refused'
  | 'shredded'
  | 'recovery-foreign'
  | 'recovery-unknown'
  | 'recovery-needed';

/** A refusal or absence of the keeper. */
export class KeeperError extends Error {
  override readonly name = 'KeeperError';
  readonly code: KeeperErrorCode;

  constructor(code: KeeperErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
