import { KeeperConnection } from './connection.ts';
import type { KeyHolders, Shredded } from './holders.ts';
import type { KeeperStatus } from './keeper.ts';
import type { PairingCandidate, PublicRoot } from './pairing.ts';
import { joinItems, keeperRequest } from './request.ts';

/** What a person says when an appliance is set up. */
export interface InitialiseRequest {
  /** The label under which the root key is kept in the token. */
  readonly rootKeyLabel: string;
  /** The token's name in the configuration; the one that holds the root key without it. */
  readonly token?: string;
}

/** How many shares there are, and how many of them are needed. */
export interface RecoveryRequest {
  readonly threshold: number;
  readonly shares: number;
}

/** What opens the keys without a root key: shares as people kept them, or a token by its name. */
export interface RecoveringWith {
  readonly shares?: readonly string[];
  readonly recoveryToken?: string;
}

/** What recovers the keys, and the label of the new token's root key. */
export interface RestoreRequest extends InitialiseRequest, RecoveringWith {
  /** The slot table out of a backup, for a node that has none. */
  readonly slots?: string;
}

/** What opens the slot table of a backup whose wrapping keys are wanted for reading. */
export interface LendRequest extends RecoveringWith {
  readonly slots: string;
}

/** The client of the keeper's console socket, where secrets are typed. */
export class KeeperConsole {
  readonly #connection: KeeperConnection;

  constructor(path: string, patience = 60_000) {
    this.#connection = new KeeperConnection(path, patience);
  }

  async status(): Promise<KeeperStatus> {
    const answer = await this.#connection.call(keeperRequest.status, Buffer.alloc(0));
    return JSON.parse(answer.toString()) as KeeperStatus;
  }

  /** Makes root key, wrapping key and slot. Throws KeeperError `not-new`, `token`. */
  async initialise(request: InitialiseRequest): Promise<void> {
    const payload = Buffer.from(JSON.stringify(request));
    await this.#connection.call(keeperRequest.initialise, payload);
  }

  /** Moves to a new root key in the token. Throws KeeperError `sealed`, `token`. */
  async rotateRootKey(request: InitialiseRequest): Promise<void> {
    const payload = Buffer.from(JSON.stringify(request));
    await this.#connection.call(keeperRequest.rotateRootKey, payload);
  }

  /**
   * Begins a new generation of the wrapping key and gives its id in hexadecimal. Throws KeeperError
   * `sealed`, `token`, and `rotating` while an older generation is still needed.
   */
  async rotateWrappingKey(): Promise<string> {
    const { rotateWrappingKey } = keeperRequest;
    return (await this.#connection.call(rotateWrappingKey, Buffer.alloc(0))).toString();
  }

  /** Makes a recovery set and gives its shares, once. Throws KeeperError `sealed`, `protocol`. */
  async makeRecovery(request: RecoveryRequest): Promise<string[]> {
    const answer = await this.#json(keeperRequest.makeRecovery, request);
    return JSON.parse(answer.toString()) as string[];
  }

  /** Recovers with shares, without using what was recovered: the set is proven then. */
  async proveRecovery(shares: readonly string[]): Promise<void> {
    await this.#json(keeperRequest.proveRecovery, shares);
  }

  /** Makes a recovery key in a token; gives its CKA_ID in hexadecimal. */
  async makeRecoveryToken(request: InitialiseRequest): Promise<string> {
    return (await this.#json(keeperRequest.makeRecoveryToken, request)).toString();
  }

  /** Recovers through this token, without using what was recovered. */
  async proveRecoveryToken(token: string): Promise<void> {
    await this.#connection.call(keeperRequest.proveRecoveryToken, Buffer.from(token));
  }

  /** Forgets the recovery token whose key has this CKA_ID. */
  async removeRecoveryToken(keyId: string): Promise<void> {
    await this.#connection.call(keeperRequest.removeRecoveryToken, Buffer.from(keyId));
  }

  /** Opens the wrapping key by recovery and gives the token that is there a root key and slots. */
  async restore(request: RestoreRequest): Promise<void> {
    await this.#json(keeperRequest.restore, request);
  }

  /** Opens a backup's wrapping keys for reading, beside those that are open. */
  async lend(request: LendRequest): Promise<void> {
    await this.#json(keeperRequest.lend, request);
  }

  /** The root key of a node that is to join, and is new. Throws KeeperError `not-new`, `token`. */
  async prepareJoin(label: string): Promise<PublicRoot> {
    const answer = await this.#connection.call(keeperRequest.prepareJoin, Buffer.from(label));
    return JSON.parse(answer.toString()) as PublicRoot;
  }

  /** The pairing whose words wait to be compared. */
  async candidate(): Promise<PairingCandidate | undefined> {
    const answer = await this.#connection.call(keeperRequest.candidate, Buffer.alloc(0));
    return (JSON.parse(answer.toString()) as PairingCandidate | null) ?? undefined;
  }

  /** Says that a person compared these words on both nodes. Throws `proposal-refused`. */
  async confirmPairing(words: readonly string[]): Promise<void> {
    await this.#json(keeperRequest.confirmPairing, words);
  }

  /** Says that the words differed: the pairing is forgotten. */
  async refusePairing(): Promise<void> {
    await this.#connection.call(keeperRequest.refusePairing, Buffer.alloc(0));
  }

  /** Drops a peer's slots and begins a wrapping key that it never had; gives its id. */
  async removePeer(node: string): Promise<string> {
    const answer = await this.#connection.call(keeperRequest.removePeer, Buffer.from(node));
    return answer.toString();
  }

  /** Whether the administrator's passphrase was ever set. */
  async hasAdministrator(): Promise<boolean> {
    const answer = await this.#connection.call(keeperRequest.hasAdministrator, Buffer.alloc(0));
    return answer.toString() === 'true';
  }

  /** Sets it; both are wiped. Throws KeeperError `passphrase-wrong`, `passphrase-short`. */
  async setAdministrator(passphrase: Buffer, old: Buffer = Buffer.alloc(0)): Promise<void> {
    await this.#secret(keeperRequest.setAdministrator, passphrase, old);
  }

  /** Throws KeeperError `passphrase-wrong`. The bytes are wiped. */
  async checkAdministrator(passphrase: Buffer): Promise<void> {
    await this.#secret(keeperRequest.checkAdministrator, passphrase, Buffer.alloc(0));
  }

  async #secret(kind: number, data: Buffer, context: Buffer): Promise<void> {
    const payload = joinItems([{ context, data }]);
    try {
      await this.#connection.call(kind, payload);
    } finally {
      for (const bytes of [payload, data, context]) bytes.fill(0);
    }
  }

  /** Wipes every wrapping key from memory; nothing opens until `unseal`, not even after a boot. */
  async seal(): Promise<void> {
    await this.#connection.call(keeperRequest.shut, Buffer.alloc(0));
  }

  /** What holds the keys, or held them before they were shredded. Throws `shred-refused`. */
  async holders(): Promise<KeyHolders> {
    const answer = await this.#connection.call(keeperRequest.holders, Buffer.alloc(0));
    return JSON.parse(answer.toString()) as KeyHolders;
  }

  /**
   * Destroys every key of this node for good. `name`: the cluster's, as a person typed it. Gives
   * what is left to be destroyed. Throws KeeperError `shred-refused`.
   */
  async shred(name: string): Promise<Shredded> {
    const answer = await this.#connection.call(keeperRequest.shred, Buffer.from(name));
    return JSON.parse(answer.toString()) as Shredded;
  }

  /** Opens the wrapping keys again. Throws KeeperError `token` where the token does not. */
  async unseal(): Promise<void> {
    await this.#connection.call(keeperRequest.unshut, Buffer.alloc(0));
  }

  #json(kind: number, value: unknown): Promise<Buffer> {
    return this.#connection.call(kind, Buffer.from(JSON.stringify(value)));
  }

  /** Gives a token's PIN, tried once; it is wiped. Throws KeeperError `token`, `token-unknown`. */
  async pin(pin: Buffer, token = ''): Promise<void> {
    await this.#connection.call(keeperRequest.pin, withPin(token, pin));
  }

  /**
   * Makes a blank token ours and gives its security officer's PIN, which opens no key but makes a
   * new PIN. An empty `pin` is the one in the PIN's file. Throws KeeperError `token`.
   */
  async provision(pin: Buffer, token = ''): Promise<string> {
    const answer = await this.#connection.call(keeperRequest.provision, withPin(token, pin));
    return answer.toString();
  }

  close(): void {
    this.#connection.close();
  }
}

function withPin(token: string, pin: Buffer): Buffer {
  const payload = joinItems([{ context: Buffer.from(token), data: pin }]);
  pin.fill(0);
  return payload;
}
