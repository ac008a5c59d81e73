import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

const secretBytes = 18;
const checkBytes = 2;
/** Digits and letters that are not mixed up when they are read aloud or copied by hand. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const lookAlikes: Readonly<Record<string, string>> = { O: '0', I: '1', L: '1' };

export const invitationSeconds = 15 * 60;
export const invitationTries = 5;

/** A new code: 144 random bits and a checksum, as eight groups of four. */
export function makeCode(random: (bytes: number) => Buffer): string {
  const secret = random(secretBytes);
  const bytes = Buffer.concat([secret, checksum(secret)]);
  let bits = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  for (let i = 0; i < ((secretBytes + checkBytes) * 8) / 5; i++) {
    text = `${alphabet[Number(bits & 31n)] ?? ''}${text}`;
    bits >>= 5n;
  }
  return (text.match(/.{4}/g) ?? []).join('-');
}

/** The secret of a code as a person typed it; undefined for what cannot be a code. */
export function readCode(typed: string): Buffer | undefined {
  let bits = 0n;
  const text = typed.toUpperCase().replace(/[\s-]/g, '');
  if (text.length !== ((secretBytes + checkBytes) * 8) / 5) return undefined;
  for (const letter of text) {
    const digit = alphabet.indexOf(lookAlikes[letter] ?? letter);
    if (digit < 0) return undefined;
    bits = (bits << 5n) | BigInt(digit);
  }
  const hex = bits.toString(16).padStart((secretBytes + checkBytes) * 2, '0');
  const bytes = Buffer.from(hex, 'hex');
  const secret = bytes.subarray(0, secretBytes);
  return checksum(secret).equals(bytes.subarray(secretBytes)) ? secret : undefined;
}

/**
 * What proves that one side of a connection knows the code, for this connection alone: whoever sits
 * in the middle has two connections with two exporters (RFC 9266), and can use neither proof.
 */
export function proofOf(
  secret: Buffer,
  side: 'inviter' | 'joiner',
  bound: { readonly exporter: Buffer; readonly inviter: string; readonly joiner: string },
): string {
  const { exporter, inviter, joiner } = bound;
  const text = JSON.stringify(['twinlock invitation 1', side, inviter, joiner]);
  return createHmac('sha256', secret).update(exporter).update(text).digest('hex');
}

/** One invitation: it ends after its time, its tries, or its use. */
export class Invitation {
  readonly code: string;
  /** Seconds since 1970, for people; it ends by the other clock. */
  readonly expires: number;
  readonly #secret: Buffer;
  readonly #until: number;
  readonly #elapsed: () => number;
  #tries = invitationTries;

  /** `elapsed`: milliseconds of a clock that never goes back. */
  constructor(random: (bytes: number) => Buffer, elapsed: () => number, now: number) {
    this.code = makeCode(random);
    this.#secret = readCode(this.code) ?? Buffer.alloc(0);
    this.#elapsed = elapsed;
    this.#until = elapsed() + invitationSeconds * 1000;
    this.expires = now + invitationSeconds;
  }

  get valid(): boolean {
    return this.#tries > 0 && this.#elapsed() < this.#until;
  }

  /** Whether a joiner's proof is right, and the inviter's own; a wrong one costs a try. */
  admit(proof: string, bound: Parameters<typeof proofOf>[2]): string | undefined {
    if (!this.valid) return undefined;
    if (!isSame(proof, proofOf(this.#secret, 'joiner', bound))) {
      this.#tries--;
      return undefined;
    }
    return proofOf(this.#secret, 'inviter', bound);
  }
}

/** Compares two proofs in a time that says nothing of where they differ. */
export function isSame(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given, 'hex'), Buffer.from(right, 'hex')];
  return a.length === b.length && timingSafeEqual(a, b);
}

function checksum(secret: Buffer): Buffer {
  return createHash('sha256').update(secret).digest().subarray(0, checkBytes);
}
