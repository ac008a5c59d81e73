import { createHash, X509Certificate } from 'node:crypto';

/** A node's transport key and a certificate of it, PEM. */
export interface TransportIdentity {
  readonly key: string;
  readonly certificate: string;
}

/** What a node's transport key is known by: SHA-256 of its SubjectPublicKeyInfo, hexadecimal. */
export function pinOf(certificate: string | X509Certificate): string {
  const read = typeof certificate === 'string' ? new X509Certificate(certificate) : certificate;
  const spki = read.publicKey.export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(spki).digest('hex');
}

/**
 * TLS between nodes, on either side: the hybrid group first, so that what is recorded today is not
 * read with tomorrow's machines. Keys are compared, by code or by pin, and not their certificates.
 */
export function peerTls({ key, certificate }: TransportIdentity) {
  return {
    key,
    cert: certificate,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_256_GCM_SHA384',
    ecdhCurve: 'X25519MLKEM768:X25519:P-384',
    requestCert: true,
    rejectUnauthorized: false,
  } as const;
}
