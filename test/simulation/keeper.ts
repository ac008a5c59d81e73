import { createCipheriv, createDecipheriv, createHmac, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KeeperError } from '../../appliance/keeper-client/keeper.ts';
import type { Keeper, KeeperStatus } from '../../appliance/keeper-client/keeper.ts';

/** The wrapping key that the nodes of a run share. */
export class SimulatedWrapping {
  readonly key: KeyObject;
  readonly generation: Buffer;
  #nonces = 0;

  constructor(key: Buffer, generation: Buffer) {
    this.key = createSecretKey(key);
    this.generation = generation;
  }

  nonce(): Buffer {
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32BE(this.#nonces++);
    return nonce;
  }
}

const headBytes = 17;

/** One node's keeper: in this process, and away when it is told to be. */
export class SimulatedKeeper implements Keeper {
  readonly #wrapping: SimulatedWrapping;
  away = false;

  constructor(wrapping: SimulatedWrapping) {
    this.#wrapping = wrapping;
  }

  seal(context: Uint8Array, plaintext: Uint8Array): Promise<Buffer> {
    return this.#answer(() => {
      const { key, generation } = this.#wrapping;
      const nonce = this.#wrapping.nonce();
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(context);
      const sealed = [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
      return Buffer.concat([Buffer.of(1), generation, nonce, ...sealed]);
    });
  }

  open(context: Uint8Array, sealed: Uint8Array): Promise<Buffer> {
    return this.#answer(() => {
      const { key, generation } = this.#wrapping;
      if (!generation.equals(sealed.subarray(1, headBytes))) {
        throw new KeeperError('generation-unknown', 'no such generation');
      }
      const nonce = sealed.subarray(headBytes, headBytes + 12);
      const decipher = createDecipheriv('aes-256-gcm', key, nonce);
      decipher.setAAD(context).setAuthTag(sealed.subarray(-16));
      try {
        const plaintext = decipher.update(sealed.subarray(headBytes + 12, -16));
        return Buffer.concat([plaintext, decipher.final()]);
      } catch (cause) {
        throw new KeeperError('not-authentic', 'no', { cause });
      }
    });
  }

  derive(purpose: string): Promise<Buffer> {
    return this.#answer(() => createHmac('sha256', this.#wrapping.key).update(purpose).digest());
  }

  slots(): Promise<string> {
    const generation = this.#wrapping.generation.toString('hex');
    return this.#answer(() => JSON.stringify({ table: { slots: [{ generation }] } }));
  }

  status(): Promise<KeeperStatus> {
    return Promise.resolve({ state: 'open', cluster: '00'.repeat(16), token: { state: 'ready' } });
  }

  close(): void {
    // There is nothing to close.
  }

  #answer<T>(act: () => T): Promise<T> {
    if (this.away) return Promise.reject(new KeeperError('unavailable', 'the keeper is away'));
    return new Promise((resolve) => {
      resolve(act());
    });
  }
}
