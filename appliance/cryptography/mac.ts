import { createCipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { BlockCipherMode, CryptographicAlgorithm } from '../kmip/enumeration.ts';
import { hashName, hmacName } from './hash.ts';
import { badParameters, failed, unsupported } from './parameters.ts';
import type { Parameters, Transformation } from './parameters.ts';

export interface MacSetting {
  readonly algorithm: CryptographicAlgorithm;
  readonly key: Uint8Array;
  readonly parameters: Parameters;
}

/**
 * Begins a message authentication code: HMAC (FIPS 198-1), or CMAC (NIST SP 800-38B) where the
 * parameters name that mode. Throws KmipError for anything else.
 */
export function mac(setting: MacSetting): Transformation {
  const { algorithm, key, parameters } = setting;
  const used = parameters.cryptographicAlgorithm ?? algorithm;
  if (parameters.blockCipherMode === BlockCipherMode.CMAC) return cmac(used, key);
  const named = hmacName(used);
  const hash =
    named ??
    (parameters.hashingAlgorithm === undefined ? undefined : hashName(parameters.hashingAlgorithm));
  if (hash === undefined) throw badParameters('The parameters name no MAC algorithm');
  const hmac = createHmac(hash, key);
  return {
    update(data) {
      hmac.update(data);
      return Buffer.alloc(0);
    },
    final: () => hmac.digest(),
  };
}

/** Whether two codes are the same; takes the same time wherever they differ. */
export function sameMac(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

const ciphers: Readonly<Record<string, string>> = {
  [`${CryptographicAlgorithm.AES}/16`]: 'aes-128',
  [`${CryptographicAlgorithm.AES}/24`]: 'aes-192',
  [`${CryptographicAlgorithm.AES}/32`]: 'aes-256',
  [`${CryptographicAlgorithm.DES3}/16`]: 'des-ede',
  [`${CryptographicAlgorithm.DES3}/24`]: 'des-ede3',
  [`${CryptographicAlgorithm.Camellia}/16`]: 'camellia-128',
  [`${CryptographicAlgorithm.Camellia}/32`]: 'camellia-256',
};

/** NIST SP 800-38B: CBC whose last block is masked by a subkey. */
function cmac(algorithm: CryptographicAlgorithm, key: Uint8Array): Transformation {
  const name = ciphers[`${algorithm}/${key.length}`];
  if (name === undefined) throw unsupported('No CMAC of this algorithm and length');
  const size = algorithm === CryptographicAlgorithm.DES3 ? 8 : 16;
  const ecb = createCipheriv(`${name}-ecb`, key, null).setAutoPadding(false);
  const first = doubled(ecb.update(Buffer.alloc(size)));
  const cbc = createCipheriv(`${name}-cbc`, key, Buffer.alloc(size)).setAutoPadding(false);
  let held = Buffer.alloc(0);
  return {
    update(data) {
      const all = Buffer.concat([held, data]);
      // The last block, whole or not, waits for the end.
      const whole = Math.max(0, Math.ceil(all.length / size) - 1) * size;
      cbc.update(all.subarray(0, whole));
      held = all.subarray(whole);
      return Buffer.alloc(0);
    },
    final() {
      const complete = held.length === size;
      const last = Buffer.alloc(size);
      held.copy(last);
      if (!complete) last[held.length] = 0x80;
      const mask = complete ? first : doubled(first);
      for (let i = 0; i < size; i++) last[i] = (last[i] ?? 0) ^ (mask[i] ?? 0);
      try {
        return Buffer.from(cbc.update(last));
      } catch (cause) {
        throw failed(cause);
      } finally {
        for (const secret of [first, last, mask, held]) secret.fill(0);
      }
    },
  };
}

/** Multiplication by x in GF(2^b), most significant bit first. */
function doubled(block: Buffer): Buffer {
  const result = Buffer.alloc(block.length);
  let carry = 0;
  for (let i = block.length - 1; i >= 0; i--) {
    const byte = block[i] ?? 0;
    result[i] = ((byte << 1) | carry) & 0xff;
    carry = byte >> 7;
  }
  const last = block.length - 1;
  result[last] = (result[last] ?? 0) ^ (carry * (block.length === 8 ? 0x1b : 0x87));
  return result;
}
