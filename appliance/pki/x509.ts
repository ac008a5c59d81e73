import { createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import forge from 'node-forge';
import { PkiError } from './error.ts';

/**
 * The only door to node-forge: it writes and reads ASN.1. Keys and signatures are node:crypto's;
 * no private key and no chain ever comes in here.
 */
const { asn1 } = forge;
type Asn1 = forge.asn1.Asn1;

const oid = {
  commonName: '2.5.4.3',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  subjectAltName: '2.5.29.17',
  subjectKeyIdentifier: '2.5.29.14',
  authorityKeyIdentifier: '2.5.29.35',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** Bits of the key usage extension (RFC 5280 §4.2.1.3), most significant first. */
export const keyUsage = {
  digitalSignature: 0x80,
  keyEncipherment: 0x20,
  certSign: 0x04,
  crlSign: 0x02,
};

export interface CertificateContent {
  /** 16 bytes, the first bit 0. */
  readonly serial: Buffer;
  readonly issuer: string;
  readonly subject: string;
  /** Seconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: KeyObject;
  readonly issuerKeyIdentifier?: Buffer;
  readonly subjectKeyIdentifier: Buffer;
  readonly authority: boolean;
  readonly keyUsage: number;
  readonly purposes: readonly ('serverAuth' | 'clientAuth')[];
  /** DNS names and IP addresses. */
  readonly names: readonly string[];
}

/** A certificate (RFC 5280 §4.1) signed with the issuer's key; PEM. */
export function buildCertificate(content: CertificateContent, issuerKey: KeyObject): string {
  const algorithm = signatureAlgorithm(issuerKey);
  const tbs = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(content.serial),
    algorithm,
    name(content.issuer),
    sequence(time(content.notBefore), time(content.notAfter)),
    name(content.subject),
    asn1.fromDer(bytesOf(content.publicKey.export({ format: 'der', type: 'spki' }))),
    explicit(3, sequence(...extensions(content))),
  );
  const der = Buffer.from(asn1.toDer(tbs).getBytes(), 'binary');
  const signature = sign('sha256', der, issuerKey);
  const whole = sequence(tbs, algorithm, bitString(signature));
  return pem('CERTIFICATE', Buffer.from(asn1.toDer(whole).getBytes(), 'binary'));
}

export interface CertificateRequest {
  readonly commonName: string;
  readonly publicKey: KeyObject;
}

/**
 * Reads a PKCS#10 request (RFC 2986) and checks that its maker holds the private key. Extensions
 * that it asks for are not looked at. Throws PkiError.
 */
export function readRequest(text: string): CertificateRequest {
  const body = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([^-]+)-----END/.exec(text)?.[1];
  if (body === undefined) throw unreadable();
  const der = Buffer.from(body, 'base64');
  let info: Asn1;
  let signature: Buffer;
  let digest: string;
  try {
    const parts = children(asn1.fromDer(bytesOf(der)));
    info = part(parts, 0);
    const algorithm = asn1.derToOid(part(children(part(parts, 1)), 0).value as string);
    digest = digestOf(algorithm);
    // Asked for without decoding, a bit string begins with its count of unused bits.
    signature = bitsOf(part(parts, 2));
  } catch (cause) {
    if (cause instanceof PkiError) throw cause;
    throw unreadable(cause);
  }
  const fields = children(info);
  const spki = Buffer.from(asn1.toDer(part(fields, 2)).getBytes(), 'binary');
  const publicKey = importKey(spki);
  const signed = Buffer.from(asn1.toDer(info).getBytes(), 'binary');
  if (!verify(digest, signed, publicKey, signature)) {
    throw new PkiError('request-signature-wrong', 'the request is not signed with its own key');
  }
  return { commonName: commonName(part(fields, 1)), publicKey };
}

function digestOf(algorithm: string): string {
  const digests: Record<string, string> = {
    '1.2.840.113549.1.1.5': 'sha1',
    '1.2.840.113549.1.1.11': 'sha256',
    '1.2.840.113549.1.1.12': 'sha384',
    '1.2.840.113549.1.1.13': 'sha512',
    '1.2.840.10045.4.3.2': 'sha256',
    '1.2.840.10045.4.3.3': 'sha384',
    '1.2.840.10045.4.3.4': 'sha512',
  };
  const digest = digests[algorithm];
  if (digest === undefined) {
    throw new PkiError('key-unsupported', 'the request is signed with an unknown algorithm');
  }
  return digest;
}

function importKey(spki: Buffer): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch (cause) {
    throw new PkiError('key-unsupported', 'the request holds an unknown kind of key', { cause });
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'rsa' && (details?.modulusLength ?? 0) >= 2048) return key;
  if (type === 'rsa') throw new PkiError('key-too-weak', 'RSA keys need at least 2048 bits');
  if (type === 'ec' && /^(prime256v1|secp384r1|secp521r1)$/.test(details?.namedCurve ?? '')) {
    return key;
  }
  throw new PkiError('key-unsupported', 'only RSA and P-256, P-384, P-521 keys can be certified');
}

function commonName(subject: Asn1): string {
  for (const set of children(subject)) {
    const [type, value] = children(part(children(set), 0));
    if (type === undefined || value === undefined) continue;
    if (asn1.derToOid(type.value as string) === oid.commonName) {
      return Buffer.from(value.value as string, 'binary').toString('utf8');
    }
  }
  return '';
}

function extensions(content: CertificateContent): Asn1[] {
  const constraints = content.authority
    ? sequence(boolean(true), integer(Buffer.from([0])))
    : sequence();
  const list = [
    extension(oid.basicConstraints, true, constraints),
    extension(oid.keyUsage, true, usage(content.keyUsage)),
    extension(oid.subjectKeyIdentifier, false, octets(content.subjectKeyIdentifier)),
  ];
  if (content.issuerKeyIdentifier !== undefined) {
    const identifier = tagged(0, content.issuerKeyIdentifier);
    list.push(extension(oid.authorityKeyIdentifier, false, sequence(identifier)));
  }
  if (content.purposes.length > 0) {
    const purposes = sequence(...content.purposes.map((purpose) => object(oid[purpose])));
    list.push(extension(oid.extendedKeyUsage, false, purposes));
  }
  if (content.names.length > 0) {
    const names = content.names.map((each) =>
      isIP(each) === 0 ? tagged(2, Buffer.from(each)) : tagged(7, addressBytes(each)),
    );
    list.push(extension(oid.subjectAltName, false, sequence(...names)));
  }
  return list;
}

/** An IP address as its 4 or 16 bytes (RFC 5280 §4.2.1.6). */
function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const middle = Array.from({ length: 8 - left.length - right.length }, () => '0');
  const words = [...left, ...middle, ...right].map((word) => Number.parseInt(word, 16));
  return Buffer.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}

function signatureAlgorithm(key: KeyObject): Asn1 {
  if (key.asymmetricKeyType === 'rsa') {
    return sequence(object(oid.sha256WithRsa), make(asn1.Type.NULL, false, ''));
  }
  return sequence(object(oid.ecdsaWithSha256));
}

function make(type: forge.asn1.Type, constructed: boolean, value: string | Asn1[]): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, type, constructed, value);
}

function sequence(...items: Asn1[]): Asn1 {
  return make(asn1.Type.SEQUENCE, true, items);
}

function integer(bytes: Buffer): Asn1 {
  return make(asn1.Type.INTEGER, false, bytesOf(bytes));
}

function boolean(value: boolean): Asn1 {
  return make(asn1.Type.BOOLEAN, false, value ? '\xff' : '\0');
}

function object(id: string): Asn1 {
  return make(asn1.Type.OID, false, asn1.oidToDer(id).getBytes());
}

function octets(bytes: Buffer): Asn1 {
  return make(asn1.Type.OCTETSTRING, false, bytesOf(bytes));
}

function bitString(bytes: Buffer): Asn1 {
  return make(asn1.Type.BITSTRING, false, `\0${bytesOf(bytes)}`);
}

/** A named bit list without its trailing zeros, as DER wants it. */
function usage(bits: number): Asn1 {
  const unused = Math.clz32(bits & -bits) ^ 31;
  return make(asn1.Type.BITSTRING, false, String.fromCharCode(unused, bits));
}

function explicit(tag: number, content: Asn1): Asn1 {
  return asn1.create(asn1.Class.CONTEXT_SPECIFIC, tag, true, [content]);
}

function tagged(tag: number, bytes: Buffer): Asn1 {
  return asn1.create(asn1.Class.CONTEXT_SPECIFIC, tag, false, bytesOf(bytes));
}

function extension(id: string, critical: boolean, content: Asn1): Asn1 {
  const value = make(asn1.Type.OCTETSTRING, false, asn1.toDer(content).getBytes());
  return sequence(object(id), ...(critical ? [boolean(true)] : []), value);
}

function name(text: string): Asn1 {
  const value = make(asn1.Type.UTF8, false, bytesOf(Buffer.from(text)));
  const attribute = sequence(object(oid.commonName), value);
  return sequence(make(asn1.Type.SET, true, [attribute]));
}

/** UTCTime until 2049, GeneralizedTime after it (RFC 5280 §4.1.2.5). */
function time(seconds: number): Asn1 {
  const digits = new Date(seconds * 1000).toISOString().replace(/[-:T]|\.\d+/g, '');
  return digits < '2050'
    ? make(asn1.Type.UTCTIME, false, digits.slice(2))
    : make(asn1.Type.GENERALIZEDTIME, false, digits);
}

function bytesOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('binary');
}

function children(node: Asn1): Asn1[] {
  if (!Array.isArray(node.value)) throw unreadable();
  return node.value;
}

function part(nodes: readonly Asn1[], index: number): Asn1 {
  const node = nodes[index];
  if (node === undefined) throw unreadable();
  return node;
}

function bitsOf(node: Asn1): Buffer {
  // forge decodes a bit string that happens to hold DER, as an ECDSA signature does.
  if (Array.isArray(node.value)) {
    return Buffer.concat(
      node.value.map((child) => Buffer.from(asn1.toDer(child).getBytes(), 'binary')),
    );
  }
  return Buffer.from(node.value, 'binary').subarray(1);
}

function unreadable(cause?: unknown): PkiError {
  return new PkiError('request-unreadable', 'not a PEM certificate request', { cause });
}

export function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
