import { createHash, X509Certificate } from 'node:crypto';
import { PkiError } from './error.ts';

/** Reads a certificate, PEM or DER. Throws PkiError `certificate-unreadable`. */
export function readCertificate(input: string | Uint8Array): X509Certificate {
  try {
    return new X509Certificate(typeof input === 'string' ? input : Buffer.from(input));
  } catch (cause) {
    throw new PkiError('certificate-unreadable', 'not a PEM or DER certificate', { cause });
  }
}

/** SHA-256 of the certificate's DER: 64 lower-case hexadecimal digits. */
export function fingerprint(certificate: X509Certificate): string {
  return createHash('sha256').update(certificate.raw).digest('hex');
}

/** Both fingerprints as vCenter shows them: upper-case pairs with colons. */
export function shownFingerprints(certificate: X509Certificate): { sha1: string; sha256: string } {
  return { sha1: certificate.fingerprint, sha256: certificate.fingerprint256 };
}
