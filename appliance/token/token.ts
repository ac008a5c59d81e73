export type OaepHash = 'sha256' | 'sha1';

export interface TokenStatus {
  readonly label: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
  /** What this appliance takes it for: see `catalog.ts`. */
  readonly vendor: string;
  readonly loggedIn: boolean;
  /**
   * What the token says of wrong PINs since the last right one, as PKCS#11 has it: one was wrong;
   * the next wrong one locks it; it is locked. Absent where all is well, or it does not say.
   */
  readonly pinTries?: 'fewer' | 'one' | 'none';
}

/** A root key's public half and what its token can do with the private one. */
export interface RootKey {
  /** CKA_ID: 16 bytes, or their hexadecimal digits. */
  readonly id: Uint8Array;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** Found by decrypting with it, not by asking the mechanism list. */
  readonly hash: OaepHash;
}

/** How far a TPM is from refusing every PIN. */
export interface DictionaryAttack {
  /** Failed tries that it remembers; a power cut counts as one. */
  readonly failed: number;
  /** With so many it is locked. */
  readonly tries: number;
  /** Seconds after which it forgets one. */
  readonly recovery: number;
}

/**
 * A token that holds root keys: RSA pairs made in it, for decryption only, that never leave it.
 * All errors are TokenError.
 */
export interface Token {
  status(): Promise<TokenStatus>;
  /** Tries the PIN once. `pin-wrong` and `pin-locked` must never be answered by another try. */
  login(pin: Uint8Array): Promise<void>;
  /** Logs out and in again with the PIN that was taken: what keys took of a TPM's room is free. */
  relogin(): Promise<void>;
  /** Makes a blank token ours: label, security officer's PIN, user's PIN. */
  provision(label: string, officerPin: Uint8Array, pin: Uint8Array): Promise<void>;
  /**
   * Sets a TPM's limits against guessing and this lockoutAuth (32 bytes) where it has none, and has
   * it forget failed tries. `mayTry` false: one that it has is not tried. Undefined: no TPM. Throws
   * `lockout-refused` where the TPM has another lockoutAuth.
   */
  protect(lockoutAuth: Uint8Array, mayTry: boolean): Promise<DictionaryAttack | undefined>;
  /**
   * Clears a TPM (TPM2_Clear), and with it every key and every old copy of a store. Without
   * lockoutAuth: where it has none. False: no TPM. Throws `lockout-refused`.
   */
  clear(lockoutAuth: Uint8Array | undefined): Promise<boolean>;
  /** Logs out and forgets the PIN that was taken. Nothing happens without a login. */
  logout(): Promise<void>;
  /**
   * Makes a root key: RSA-3072, or 2048 where the token has no 3072; its attributes checked. `id`:
   * 16 bytes for its CKA_ID, random ones without.
   */
  makeRootKey(label: string, id?: Uint8Array): Promise<RootKey>;
  /**
   * Destroys a root key, both halves. False where it is not there: it was destroyed, or it is
   * another token. An old copy of a TPM's store still has it, until the TPM is cleared.
   */
  destroyRootKey(id: Uint8Array): Promise<boolean>;
  /** RSA-OAEP (RFC 8017 §7.1.2, empty label); `ciphertext` as long as the modulus. */
  decrypt(id: Uint8Array, hash: OaepHash, ciphertext: Uint8Array): Promise<Buffer>;
}
