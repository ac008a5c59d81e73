/** The requests of the token process's socket: the kind of the frame and what its payload holds. */
export const tokenRequest = {
  /** Nothing; answered with JSON of TokenStatus. */
  status: 1,
  /** The PIN. */
  login: 2,
  /** Parts: label, security officer's PIN, user's PIN. */
  provision: 3,
  /** Parts: label, wanted identifier or nothing; answered with: identifier, public key, hash. */
  makeRootKey: 4,
  /** Parts: identifier, hash, ciphertext; answered with the plaintext. */
  decrypt: 5,
  /** The identifier; answered with a byte: 1 where the key was there. */
  destroyRootKey: 7,
  /** Nothing: logs out and in again. */
  relogin: 6,
  /** Nothing: logs out. */
  logout: 8,
  /** Parts: lockoutAuth, a byte (1: it may be tried); JSON of DictionaryAttack, or nothing. */
  protect: 9,
  /** lockoutAuth or nothing; answered with a byte: 1 where it was a TPM. */
  clear: 10,
} as const;

/** In how many times the usual time a request has to end: RSA keys and a TPM's tools take long. */
export function patienceFor(kind: number): number {
  const long: readonly number[] = [
    ...[tokenRequest.provision, tokenRequest.makeRootKey],
    ...[tokenRequest.protect, tokenRequest.clear],
  ];
  return long.includes(kind) ? 6 : 1;
}

/** The kinds of answers. A refusal holds: error code (1 byte), CKR (4), message. */
export const tokenAnswer = { success: 0x80, refusal: 0x81 } as const;

/** The longest payload in bytes; a ciphertext has at most 512. */
export const tokenPayloadBytes = 8192;

/** Joins parts into one payload, each behind its length (2 bytes). */
export function joinParts(...parts: readonly Uint8Array[]): Buffer {
  const size = parts.reduce((sum, part) => sum + 2 + part.length, 0);
  const bytes = Buffer.allocUnsafeSlow(size);
  let offset = 0;
  for (const part of parts) {
    offset = bytes.writeUInt16BE(part.length, offset);
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** Views of the parts of a payload; a RangeError where they do not add up. */
export function splitParts(payload: Buffer, count: number): Buffer[] {
  const parts: Buffer[] = [];
  let offset = 0;
  for (let i = 0; i < count; i++) {
    const end = offset + 2 + payload.readUInt16BE(offset);
    if (end > payload.length) throw new RangeError('a part beyond its payload');
    parts.push(payload.subarray(offset + 2, end));
    offset = end;
  }
  return parts;
}
