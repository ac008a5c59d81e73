import { ResultReason, SplitKeyMethod } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';

/** Secret's bytes times parts times threshold: some ten milliseconds of arithmetic. */
const workMost = 1 << 22;

/** One part of a split secret; parts are counted from 1 (KMIP 1.4 §2.2.5). */
export interface Share {
  readonly part: number;
  readonly bytes: Buffer;
}

/**
 * Splits a secret: by XOR, where all parts are needed, or by polynomials over GF(2^8), where any
 * `threshold` of them are (Shamir 1979). Throws KmipError Invalid Field for another method.
 */
export function splitSecret(
  method: SplitKeyMethod,
  secret: Buffer,
  parts: number,
  threshold: number,
  random: (bytes: number) => Buffer,
): Share[] {
  if (secret.length * parts * threshold > workMost) throw tooMuch();
  if (method === SplitKeyMethod.XOR) return splitByXor(secret, parts, random);
  if (method !== SplitKeyMethod.PolynomialSharingGF28) throw noMethod();
  const coefficients = Array.from({ length: threshold - 1 }, () => random(secret.length));
  const shares = Array.from({ length: parts }, (_, i): Share => {
    const x = i + 1;
    const bytes = Buffer.alloc(secret.length);
    for (const coefficient of [...coefficients].reverse()) {
      for (let at = 0; at < bytes.length; at++) {
        bytes[at] = product((bytes[at] ?? 0) ^ (coefficient[at] ?? 0), x);
      }
    }
    xorInto(bytes, secret);
    return { part: x, bytes };
  });
  for (const coefficient of coefficients) coefficient.fill(0);
  return shares;
}

/**
 * The secret of enough shares; of too few, or of shares that do not belong together, noise. Throws
 * KmipError Invalid Field for another method.
 */
export function joinShares(method: SplitKeyMethod, shares: readonly Share[]): Buffer {
  const length = shares[0]?.bytes.length ?? 0;
  const { XOR, PolynomialSharingGF28 } = SplitKeyMethod;
  if (method !== XOR && method !== PolynomialSharingGF28) throw noMethod();
  if (length * shares.length * shares.length > workMost) throw tooMuch();
  const secret = Buffer.alloc(length);
  for (const { part, bytes } of shares) {
    const weight =
      method === SplitKeyMethod.XOR
        ? 1
        : shares
            .filter((other) => other.part !== part)
            .reduce((w, { part: x }) => product(w, product(x, inverse(x ^ part))), 1);
    for (let at = 0; at < length; at++) {
      secret[at] = (secret[at] ?? 0) ^ product(bytes[at] ?? 0, weight);
    }
  }
  return secret;
}

function splitByXor(secret: Buffer, parts: number, random: (bytes: number) => Buffer): Share[] {
  const last = Buffer.from(secret);
  const shares: Share[] = [];
  for (let part = 1; part < parts; part++) {
    const bytes = random(secret.length);
    xorInto(last, bytes);
    shares.push({ part, bytes });
  }
  return [...shares, { part: parts, bytes: last }];
}

function xorInto(target: Buffer, other: Uint8Array): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] ?? 0) ^ (other[i] ?? 0);
}

/** In GF(2^8) with x^8 + x^4 + x^3 + x + 1; the same steps whatever the factors are. */
function product(a: number, b: number): number {
  let result = 0;
  let factor = a;
  for (let bit = 0; bit < 8; bit++) {
    result ^= factor & -((b >> bit) & 1);
    factor = ((factor << 1) & 0xff) ^ (0x1b & -(factor >> 7));
  }
  return result;
}

function inverse(a: number): number {
  let result = 1;
  for (let i = 0; i < 254; i++) result = product(result, a);
  return result;
}

export function noMethod(): KmipError {
  return new KmipError(ResultReason.InvalidField, 'This Split Key Method is not supported');
}

function tooMuch(): KmipError {
  return new KmipError(ResultReason.InvalidField, 'Too large to be split into so many parts');
}
