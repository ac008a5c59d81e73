import * as answer from './answer.ts';
import { KnownAnswerError } from './error.ts';
import { generator } from './random.ts';

export type Tested = 'server' | 'keeper' | 'token';

const every = {
  'random generator': generator,
  'SHA-2': answer.sha2,
  HMAC: answer.hmac,
  HKDF: answer.hkdf,
  'AES-GCM': answer.aesGcm,
  'AES key wrap': answer.aesKeyWrap,
  'RSA-OAEP': answer.rsaOaep,
  'RSA signature': answer.rsaSignature,
  Ed25519: answer.ed25519,
  ECDSA: answer.ecdsa,
} as const;

/** What each process has OpenSSL compute. */
export const selfTests: Readonly<Record<Tested, readonly (keyof typeof every)[]>> = {
  server: Object.keys(every) as (keyof typeof every)[],
  keeper: ['random generator', 'SHA-2', 'HMAC', 'HKDF', 'AES-GCM', 'RSA-OAEP'],
  token: ['random generator', 'RSA-OAEP'],
};

/**
 * Known answers of all that a process has OpenSSL compute, before it does anything else; a few
 * milliseconds. Throws KnownAnswerError, whose message names what failed.
 */
export function selfTest(process: Tested): void {
  for (const name of selfTests[process]) {
    try {
      every[name]();
    } catch (cause) {
      if (cause instanceof KnownAnswerError) throw cause;
      // OpenSSL refused what it should have computed.
      throw new KnownAnswerError(name, { cause });
    }
  }
}
