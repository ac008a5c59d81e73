import { createCipheriv, createDecipheriv } from 'node:crypto';
import { BlockCipherMode, CryptographicAlgorithm } from '../kmip/enumeration.ts';
import { failed } from './parameters.ts';

/** OpenSSL's cipher for a mode that wraps keys; undefined for any other mode. */
export function wrapName(
  algorithm: CryptographicAlgorithm,
  keyBytes: number,
  mode: BlockCipherMode,
): { readonly name: string } | undefined {
  if (algorithm !== CryptographicAlgorithm.AES) return undefined;
  if (mode === BlockCipherMode.NISTKeyWrap) return { name: `id-aes${keyBytes * 8}-wrap` };
  if (mode === BlockCipherMode.AESKeyWrapPadding) return { name: `id-aes${keyBytes * 8}-wrap-pad` };
  return undefined;
}

const initial = Buffer.alloc(8, 0xa6);
const initialPadded = Buffer.from('a65959a6', 'hex');

/** The initial value of RFC 3394 §2.2.3.1, or of RFC 5649 §3. */
export function wrapIv(name: string): Buffer {
  return name.endsWith('pad') ? initialPadded : initial;
}

/** Wraps bytes under an AES key (RFC 3394, RFC 5649). Throws KmipError Cryptographic Failure. */
export function wrapBytes(name: string, key: Uint8Array, data: Uint8Array): Buffer {
  try {
    const cipher = createCipheriv(name, key, wrapIv(name));
    return Buffer.concat([cipher.update(data), cipher.final()]);
  } catch (cause) {
    throw failed(cause);
  }
}

/** Unwraps what `wrapBytes` wrapped. Throws KmipError Cryptographic Failure. */
export function unwrapBytes(name: string, key: Uint8Array, data: Uint8Array): Buffer {
  try {
    const cipher = createDecipheriv(name, key, wrapIv(name));
    return Buffer.concat([cipher.update(data), cipher.final()]);
  } catch (cause) {
    throw failed(cause);
  }
}
