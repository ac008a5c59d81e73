import { KnownAnswerError } from './error.ts';
import * as curve from './curve-answer.ts';
import * as rsa from './rsa-answer.ts';
import { constants, createCipheriv, createDecipheriv, createHash, createHmac } from 'node:crypto';
import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
} from 'node:crypto';
import { hash, hkdfSync, privateDecrypt, publicEncrypt, sign, verify } from 'node:crypto';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const url = (text: string): Buffer => Buffer.from(text, 'base64url');

function same(what: string, came: Uint8Array, known: Uint8Array): void {
  if (Buffer.compare(came, known) !== 0) throw new KnownAnswerError(what);
}

function holds(what: string, answer: boolean): void {
  if (!answer) throw new KnownAnswerError(what);
}

/** A copy with one bit changed. */
function spoilt(bytes: Uint8Array): Buffer {
  const copy = Buffer.from(bytes);
  copy[0] = (copy[0] ?? 0) ^ 1;
  return copy;
}

/** Of “abc” (FIPS 180-4, NIST's examples). */
const digests = {
  sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  sha384:
    'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed' +
    '8086072ba1e7cc2358baeca134c825a7',
  sha512:
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a' +
    '2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
} as const;

export function sha2(): void {
  for (const [name, digest] of Object.entries(digests)) {
    same(name, createHash(name).update('abc').digest(), hex(digest));
    same(name, hash(name, 'abc', 'buffer'), hex(digest));
  }
}

/** RFC 4231 §4.3. */
export function hmac(): void {
  const known = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843';
  const key = createSecretKey(Buffer.from('Jefe'));
  const mac = createHmac('sha256', key).update('what do ya want for nothing?').digest();
  same('HMAC-SHA256', mac, hex(known));
}

/** RFC 5869 §A.1. */
export function hkdf(): void {
  const salt = hex('000102030405060708090a0b0c');
  const info = hex('f0f1f2f3f4f5f6f7f8f9');
  const key = hkdfSync('sha256', Buffer.alloc(22, 0x0b), salt, info, 42);
  const known =
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865';
  same('HKDF-SHA256', Buffer.from(key), hex(known));
}

/** The GCM specification's test case 16 (McGrew and Viega): both ways, and a spoilt tag. */
export function aesGcm(): void {
  const what = 'AES-256-GCM';
  const key = createSecretKey(hex('feffe9928665731c6d6a8f9467308308'.repeat(2)));
  const nonce = hex('cafebabefacedbaddecaf888');
  const additional = hex('feedfacedeadbeeffeedfacedeadbeefabaddad2');
  const plain = hex(
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72' +
      '1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
  );
  const sealed = hex(
    '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa' +
      '8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662',
  );
  const tag = hex('76fc6ece0f4e1768cddf8853bb2d551b');
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(additional);
  same(what, Buffer.concat([cipher.update(plain), cipher.final()]), sealed);
  same(what, cipher.getAuthTag(), tag);
  const opened = (given: Uint8Array): Buffer => {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(additional);
    decipher.setAuthTag(given);
    return Buffer.concat([decipher.update(sealed), decipher.final()]);
  };
  same(what, opened(tag), plain);
  holds(`${what}, spoilt`, !succeeds(() => opened(spoilt(tag))));
}

/** Key wrap: RFC 3394 §4.6. */
export function aesKeyWrap(): void {
  const what = 'AES-256 key wrap';
  const key = hex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
  const plain = hex('00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f');
  const wrapped = hex(
    '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21',
  );
  const initial = Buffer.alloc(8, 0xa6);
  const cipher = createCipheriv('id-aes256-wrap', key, initial);
  same(what, Buffer.concat([cipher.update(plain), cipher.final()]), wrapped);
  const decipher = createDecipheriv('id-aes256-wrap', key, initial);
  same(what, Buffer.concat([decipher.update(wrapped), decipher.final()]), plain);
}

/** OAEP is random: what is known is decrypted, and what is encrypted now comes back. */
export function rsaOaep(): void {
  const privateKey = createPrivateKey({ key: rsa.publishedKey, format: 'jwk' });
  const publicKey = createPublicKey(privateKey);
  const plain = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
  for (const [oaepHash, known] of Object.entries(rsa.oaep)) {
    const padded = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash };
    const opened = (bytes: Buffer): Buffer => privateDecrypt({ key: privateKey, ...padded }, bytes);
    same(`RSA-OAEP ${oaepHash}`, opened(url(known)), plain);
    const fresh = publicEncrypt({ key: publicKey, ...padded }, plain);
    holds(`RSA-OAEP ${oaepHash}, fresh`, !fresh.includes(plain));
    same(`RSA-OAEP ${oaepHash}, back`, opened(fresh), plain);
  }
}

export function rsaSignature(): void {
  const what = 'RSA signature';
  const privateKey = createPrivateKey({ key: rsa.publishedKey, format: 'jwk' });
  const publicKey = createPublicKey(privateKey);
  const text = Buffer.from(rsa.signed);
  same(what, sign('sha256', text, privateKey), url(rsa.pkcs1));
  holds(what, verify('sha256', text, publicKey, url(rsa.pkcs1)));
  holds(`${what}, spoilt`, !verify('sha256', spoilt(text), publicKey, url(rsa.pkcs1)));
}

/** RFC 8032 §7.1, test 3. */
export function ed25519(): void {
  const what = 'Ed25519';
  const { key, message, signature } = curve.ed25519;
  const privateKey = createPrivateKey({ key, format: 'jwk' });
  const publicKey = createPublicKey(privateKey);
  const text = hex(message);
  same(what, sign(null, text, privateKey), hex(signature));
  holds(what, verify(null, text, publicKey, hex(signature)));
  holds(`${what}, spoilt`, !verify(null, spoilt(text), publicKey, hex(signature)));
}

/** Verifies what RFC 6979 §A.2.5 signed, and signs with a new pair: ECDSA itself is random. */
export function ecdsa(): void {
  const what = 'ECDSA P-256';
  const dsaEncoding = 'ieee-p1363' as const;
  const known = createPublicKey({ key: curve.ecdsa.key, format: 'jwk' });
  const text = Buffer.from(curve.ecdsa.message);
  const signature = hex(curve.ecdsa.signature);
  holds(what, verify('sha256', text, { key: known, dsaEncoding }, signature));
  holds(`${what}, spoilt`, !verify('sha256', spoilt(text), { key: known, dsaEncoding }, signature));
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const fresh = sign('sha256', text, pair.privateKey);
  holds(`${what}, new pair`, verify('sha256', text, pair.publicKey, fresh));
  holds(`${what}, another pair`, !verify('sha256', text, known, fresh));
}

function succeeds(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}
