/** A KMIP client that an administrator let in: one exact certificate in one key group. */
export interface Client {
  /** A UUID in text form. */
  readonly id: string;
  readonly name: string;
  readonly group: string;
  /** SHA-256 of the certificate's DER: 64 lower-case hex digits. */
  readonly fingerprint: string;
  /**
   * `authority`: it is nobody who may come in; what it signed and nobody knows waits as `pending`.
   */
  readonly state: 'allowed' | 'pending' | 'blocked' | 'authority';
  /** PEM; certificates are public. */
  readonly certificate: string;
  /** Seconds since 1970. */
  readonly added: number;
}
