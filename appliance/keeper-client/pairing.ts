/** A root key's public half, as another node's keeper makes slots for it. */
export interface PublicRoot {
  /** CKA_ID in hexadecimal. */
  readonly keyId: string;
  readonly label: string;
  /** SubjectPublicKeyInfo, DER in base64. */
  readonly publicKey: string;
  readonly hash: 'sha256' | 'sha1';
}

/** One of two nodes that are to be paired, as its own server introduces it. */
export interface Introduced {
  /** 16 bytes in hexadecimal. */
  readonly node: string;
  readonly name: string;
  /** SHA-256 of its transport key's SubjectPublicKeyInfo, in hexadecimal. */
  readonly transportKey: string;
}

/** What both keepers make the fingerprint words of: all that a pairing trusts. */
export interface PairingProposal {
  /** Which of the two this keeper is. */
  readonly role: 'inviter' | 'joiner';
  readonly cluster: string;
  /** A value that only a keeper of this cluster can derive; hexadecimal. */
  readonly identity: string;
  readonly inviter: Introduced;
  readonly joiner: Introduced & { readonly root: PublicRoot };
}

/** What waits for a person: the words to compare, and whose they are. */
export interface PairingCandidate {
  readonly role: 'inviter' | 'joiner';
  readonly name: string;
  readonly node: string;
  readonly words: readonly string[];
  readonly confirmed: boolean;
}

/** What one keeper says to another through their servers; only a keeper can make or read it. */
export interface Statement {
  /** JSON of what is said. */
  readonly body: string;
  /** HMAC-SHA-256 of it under each wrapping key that the sender's token opens, hexadecimal. */
  readonly macs: Readonly<Record<string, string>>;
}
