import { KeeperConnection } from './connection.ts';
import type { KeeperStatus } from './keeper.ts';
import { keeperRequest } from './request.ts';

/** What a person says when an appliance is set up. */
export interface InitialiseRequest {
  /** The label under which the root key is kept in the token. */
  readonly rootKeyLabel: string;
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

  /** Gives the token's PIN, tried once. The buffer is wiped. Throws KeeperError `token`. */
  async pin(pin: Buffer): Promise<void> {
    await this.#connection.call(keeperRequest.pin, pin);
  }

  close(): void {
    this.#connection.close();
  }
}
