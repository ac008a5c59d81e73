import type { Tpm } from './tpm.ts';

/** What one vendor's PKCS#11 module does differently from the standard. */
export interface Vendor {
  readonly name: string;
  /** Whether the module is this vendor's, from the token's manufacturer and model. */
  recognises(token: { readonly manufacturer: string; readonly model: string }): boolean;
  /** Modulus lengths in bits to try for a root key, the best first. */
  readonly modulusBits: readonly number[];
  /** Return values after which only a new process helps. */
  readonly restartAfter: readonly number[];
  /** Return values after which a new session of the same process, and a login in it, is enough. */
  readonly reopenAfter: readonly number[];
  /** Attributes that the module will not take in a key template. */
  readonly refusedAttributes: readonly number[];
  /** Attributes that the module tells wrong, so that they prove nothing. */
  readonly untoldAttributes: readonly number[];
  /** The program that makes a token ours where C_InitToken does not. */
  readonly setUpBy?: string;
  /** What a TPM has beside PKCS#11. */
  readonly tpm?: () => Tpm;
  /** Whether the token could take these bytes for a PIN; others are refused without a try. */
  isPin(pin: Uint8Array): boolean;
  /** A CKA_ID from 16 random bytes. */
  keyId(random: Buffer): Buffer;
}
