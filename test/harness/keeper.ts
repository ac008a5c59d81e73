import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  randomBytes,
} from 'node:crypto';
import { KeeperError } from '../../appliance/keeper-client/keeper.ts';
import type { Keeper, KeeperStatus } from '../../appliance/keeper-client/keeper.ts';

/** A keeper in the test's own process, for rooms that are tested without a token. */
export class NearKeeper implements Keeper {
  readonly #key = createSecretKey(randomBytes(32));

  seal(context: Uint8Array, plaintext: Uint8Array): Promise<Buffer> {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(context);
    const sealed = [nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
    return Promise.resolve(Buffer.concat(sealed));
  }

  open(context: Uint8Array, sealed: Uint8Array): Promise<Buffer> {
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, 12));
      decipher.setAAD(context).setAuthTag(sealed.subarray(-16));
      const plaintext = decipher.update(sealed.subarray(12, -16));
      return Promise.resolve(Buffer.concat([plaintext, decipher.final()]));
    } catch (cause) {
      return Promise.reject(new KeeperError('not-authentic', 'no', { cause }));
    }
  }

  derive(purpose: string): Promise<Buffer> {
    return Promise.resolve(createHmac('sha256', this.#key).update(purpose).digest());
  }

  slots(): Promise<string> {
    return Promise.resolve('{}');
  }

  status(): Promise<KeeperStatus> {
    return Promise.resolve({ state: 'open', cluster: '00'.repeat(16), token: { state: 'ready' } });
  }

  close(): void {
    // There is nothing to close.
  }
}
