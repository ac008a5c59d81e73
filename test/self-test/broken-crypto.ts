import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Loaded before a process (`--import`): cryptography that computes something else. What is broken
 * stands in BROKEN_CRYPTO.
 */
type Broken = Record<string, (...all: unknown[]) => unknown>;
const { hkdfSync, publicEncrypt, privateDecrypt, sign, verify, randomBytes } = crypto;

function spoilt<B extends Uint8Array | ArrayBuffer | string>(answer: B): B {
  if (typeof answer === 'string') return answer;
  const bytes: Uint8Array = answer instanceof ArrayBuffer ? new Uint8Array(answer) : answer;
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return answer;
}

/** Objects whose method gives something else, where they were made with `first`. */
function made(name: 'createHash' | 'createHmac', first: string): Broken {
  const make = crypto[name] as (...all: unknown[]) => crypto.Hash;
  return {
    [name]: (...all) => {
      const object = make(...all);
      if (all[0] !== first) return object;
      const digest = object.digest.bind(object) as (encoding?: 'hex') => Buffer;
      return Object.assign(object, { digest: (encoding?: 'hex') => spoilt(digest(encoding)) });
    },
  };
}

function cipher(first: string): Broken {
  const make = crypto.createCipheriv as (...all: unknown[]) => crypto.CipherGCM;
  return {
    createCipheriv: (...all) => {
      const object = make(...all);
      if (all[0] !== first) return object;
      const update = object.update.bind(object);
      return Object.assign(object, { update: (bytes: Buffer) => spoilt(update(bytes)) });
    },
  };
}

/** Decrypts and looks at no tag. */
function blindDecipher(): Broken {
  const make = crypto.createDecipheriv as (...all: unknown[]) => crypto.DecipherGCM;
  return {
    createDecipheriv: (...all) => Object.assign(make(...all), { final: () => Buffer.alloc(0) }),
  };
}

const call = (act: unknown, all: readonly unknown[]): Buffer =>
  (act as (...all: readonly unknown[]) => Buffer)(...all);

export const faults: Readonly<Record<string, () => Broken>> = {
  'a hash of 256 bits that is wrong': () => made('createHash', 'sha256'),
  'a hash of 512 bits that is wrong': () => made('createHash', 'sha512'),
  'an HMAC that is wrong': () => made('createHmac', 'sha256'),
  'a derived key that is wrong': () => ({ hkdfSync: (...all) => spoilt(call(hkdfSync, all)) }),
  'AES-GCM that encrypts wrongly': () => cipher('aes-256-gcm'),
  'AES-GCM that looks at no tag': blindDecipher,
  'a key wrap that is wrong': () => cipher('id-aes256-wrap'),
  'OAEP that encrypts wrongly': () => ({
    publicEncrypt: (...all) => spoilt(call(publicEncrypt, all)),
  }),
  'OAEP that does not encrypt': () => ({
    publicEncrypt: (_key, plain) => Buffer.concat([plain as Buffer], 256),
  }),
  'OAEP that decrypts wrongly': () => ({
    privateDecrypt: (...all) => spoilt(call(privateDecrypt, all)),
  }),
  'signatures that are wrong': () => ({ sign: (...all) => spoilt(call(sign, all)) }),
  'signatures that are never right': () => ({ verify: () => false }),
  'signatures that are always right': () => ({ verify: (...all) => (call(verify, all), true) }),
  'random bytes that are all the same': () => ({
    randomBytes: (size) => Buffer.alloc(Number(size), 7),
  }),
  'random bytes that come again': () => {
    const few = randomBytes(4096);
    return { randomBytes: (size) => Buffer.alloc(Number(size), few) };
  },
  'random bytes that lean to one side': () => ({
    randomBytes: (size) =>
      randomBytes(Number(size)).map((byte, i) => byte | (i % 8 === 0 ? 0x0f : 0)),
  }),
};

const broken = faults[process.env['BROKEN_CRYPTO'] ?? ''];
if (broken !== undefined) {
  Object.assign(crypto, broken());
  syncBuiltinESMExports();
}
