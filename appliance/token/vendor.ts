/** What one vendor's PKCS#11 module does differently from the standard. */
export interface Vendor {
  readonly name: string;
  /** Whether the module is this vendor's, from the token's manufacturer and model. */
  recognises(token: { readonly manufacturer: string; readonly model: string }): boolean;
  /** Modulus lengths in bits to try for a root key, the best first. */
  readonly modulusBits: readonly number[];
  /** Return values after which only a new process helps. */
  readonly restartAfter: readonly number[];
  /** Attributes that the module will not take in a key template. */
  readonly refusedAttributes: readonly number[];
}
