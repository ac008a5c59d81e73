import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readCertificate } from './fingerprint.ts';
import { buildCertificate, keyUsage, readRequest } from './x509.ts';

export interface Surroundings {
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly random: (bytes: number) => Buffer;
}

const year = 365 * 86_400;
/** Ten years for what vCenter pins and people forget; twenty for what signs it. */
const leafSeconds = 10 * year;
const authoritySeconds = 20 * year;
/** A node whose clock runs ahead must not make certificates that others find too new. */
const backdateSeconds = 86_400;

export type KeyKind = 'rsa' | 'p256';

/** A new private key: RSA-3072 or P-256; PKCS#8 DER. */
export function makePrivateKey(kind: KeyKind): Buffer {
  const { privateKey } =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 3072 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ format: 'der', type: 'pkcs8' });
}

/** The authority that signs this appliance's server certificate and its clients' certificates. */
export class Authority {
  readonly certificate: string;
  readonly #key: KeyObject;
  readonly #name: string;
  readonly #surroundings: Surroundings;

  /** `certificate`: the authority's own, PEM, as `makeAuthorityCertificate` made it. */
  constructor(certificate: string, key: KeyObject, surroundings: Surroundings) {
    this.certificate = certificate;
    this.#key = key;
    this.#name = readCertificate(certificate).subject.replace(/^CN=/, '');
    this.#surroundings = surroundings;
  }

  /** A server certificate for DNS names and IP addresses; the first is its common name. PEM. */
  serverCertificate(publicKey: KeyObject, names: readonly string[]): string {
    const rsa = publicKey.asymmetricKeyType === 'rsa';
    const { digitalSignature, keyEncipherment } = keyUsage;
    return this.#sign(publicKey, names[0] ?? 'twinlock', {
      // ESXi 6.7 wanted both purposes on what it called a key server's certificate.
      purposes: ['serverAuth', 'clientAuth'],
      keyUsage: rsa ? digitalSignature | keyEncipherment : digitalSignature,
      names,
    });
  }

  /** A client certificate for a key made elsewhere. PEM. */
  clientCertificate(publicKey: KeyObject, name: string): string {
    return this.#sign(publicKey, name, {
      purposes: ['clientAuth'],
      keyUsage: keyUsage.digitalSignature,
      names: [],
    });
  }

  /** A new client: RSA-3072 key and certificate, PEM. The key exists nowhere else. */
  makeClient(name: string): { readonly key: string; readonly certificate: string } {
    const key = createPrivateKey({ key: makePrivateKey('rsa'), format: 'der', type: 'pkcs8' });
    return {
      key: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
      certificate: this.clientCertificate(createPublicKey(key), name),
    };
  }

  /** Signs a PKCS#10 request, such as vCenter's. Throws PkiError. */
  signRequest(request: string, name?: string): string {
    const { commonName, publicKey } = readRequest(request);
    return this.clientCertificate(publicKey, name ?? (commonName === '' ? 'client' : commonName));
  }

  #sign(
    publicKey: KeyObject,
    subject: string,
    rest: {
      readonly purposes: readonly ('serverAuth' | 'clientAuth')[];
      readonly keyUsage: number;
      readonly names: readonly string[];
    },
  ): string {
    const now = this.#surroundings.now();
    return buildCertificate(
      {
        serial: serialNumber(this.#surroundings.random),
        issuer: this.#name,
        subject,
        notBefore: now - backdateSeconds,
        notAfter: now + leafSeconds,
        publicKey,
        issuerKeyIdentifier: keyIdentifier(createPublicKey(this.#key)),
        subjectKeyIdentifier: keyIdentifier(publicKey),
        authority: false,
        ...rest,
      },
      this.#key,
    );
  }
}

/** The authority's own certificate, signed by itself; PEM. */
export function makeAuthorityCertificate(
  key: KeyObject,
  name: string,
  { now, random }: Surroundings,
): string {
  const publicKey = createPublicKey(key);
  return buildCertificate(
    {
      serial: serialNumber(random),
      issuer: name,
      subject: name,
      notBefore: now() - backdateSeconds,
      notAfter: now() + authoritySeconds,
      publicKey,
      subjectKeyIdentifier: keyIdentifier(publicKey),
      authority: true,
      keyUsage: keyUsage.certSign | keyUsage.crlSign,
      purposes: [],
      names: [],
    },
    key,
  );
}

/**
 * A key pair (P-256) of somebody who administers, with a certificate that it signed itself: its
 * fingerprint says who it is, and no authority. PEM.
 */
export function makeIdentity(
  name: string,
  { now, random }: Surroundings,
): { readonly key: string; readonly certificate: string } {
  const key = createPrivateKey({ key: makePrivateKey('p256'), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(key);
  const certificate = buildCertificate(
    {
      serial: serialNumber(random),
      ...{ issuer: name, subject: name, publicKey },
      notBefore: now() - backdateSeconds,
      notAfter: now() + leafSeconds,
      subjectKeyIdentifier: keyIdentifier(publicKey),
      authority: false,
      keyUsage: keyUsage.digitalSignature,
      purposes: ['clientAuth'],
      names: [],
    },
    key,
  );
  return { key: key.export({ format: 'pem', type: 'pkcs8' }).toString(), certificate };
}

/** 16 random bytes, positive (RFC 5280 §4.1.2.2). */
function serialNumber(random: (bytes: number) => Buffer): Buffer {
  const serial = random(16);
  serial[0] = (serial.readUInt8(0) & 0x7f) | 0x40;
  return serial;
}

/** SHA-1 of the public key, as identifiers are made (RFC 5280 §4.2.1.2); no secret rests on it. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  return createHash('sha1').update(spki).digest();
}
