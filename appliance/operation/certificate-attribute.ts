import { X509Certificate } from 'node:crypto';
import { derItem, derItems, derSequence, derTag } from '../cryptography/der.ts';
import type { DerItem } from '../cryptography/der.ts';
import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { attributeRules } from '../kmip/attribute-rule.ts';
import { CryptographicAlgorithm, DigitalSignatureAlgorithm } from '../kmip/enumeration.ts';
import { CryptographicUsageMask } from '../kmip/mask.ts';
import { Tag } from '../kmip/tag.ts';
import type { Item, Value } from '../ttlv/item.ts';

const one = (name: string, value: Value): AttributeInstance => ({ name, index: 0, value });
const bytes = (tag: number, value: Buffer): Item => ({ tag, type: 'ByteString', value });
const text = (tag: number, value: string): Item => ({ tag, type: 'TextString', value });
const structure = (...value: readonly Item[]): Value => ({ type: 'Structure', value });

/**
 * What the server says of an X.509 certificate that it made or was given (KMIP 1.4 §3.9 to §3.16,
 * KMIP 2.1 §4.6). Of bytes that are no certificate there is nothing to say.
 */
export function certificateAttributes(der: Buffer): AttributeInstance[] {
  try {
    return attributesIn(new X509Certificate(der), partsOf(der));
  } catch {
    return [];
  }
}

interface Parts {
  readonly serial: Buffer;
  /** DER of the names. */
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly signature: string;
  /** General names of the extensions, each DER. */
  readonly subjectNames: readonly Buffer[];
  readonly issuerNames: readonly Buffer[];
  readonly keyUsage: Buffer | undefined;
}

/** Takes a certificate apart (RFC 5280 §4.1). Throws RangeError where it is none. */
function partsOf(der: Buffer): Parts {
  const [tbs] = derSequence(der);
  const fields = derItems(tbs?.body ?? Buffer.alloc(0));
  // The version stands before the others, and not in version 1.
  const [serial, algorithm, issuer, , subject] = fields[0]?.tag === 0xa0 ? fields.slice(1) : fields;
  if (serial === undefined || issuer === undefined || subject === undefined) {
    throw new RangeError('not a certificate');
  }
  const [signature] = derItems(algorithm?.body ?? Buffer.alloc(0));
  const extensions = extensionsOf(fields.find(({ tag }) => tag === 0xa3));
  return {
    serial: serial.body,
    issuer: derItem(derTag.sequence, issuer.body),
    subject: derItem(derTag.sequence, subject.body),
    signature: signature?.body.toString('hex') ?? '',
    subjectNames: namesIn(extensions.get('551d11')),
    issuerNames: namesIn(extensions.get('551d12')),
    keyUsage: extensions.get('551d0f'),
  };
}

function extensionsOf(field: DerItem | undefined): ReadonlyMap<string, Buffer> {
  if (field === undefined) return new Map();
  return new Map(
    derSequence(field.body).map(({ body }) => {
      const parts = derItems(body);
      return [parts[0]?.body.toString('hex') ?? '', parts.at(-1)?.body ?? Buffer.alloc(0)];
    }),
  );
}

function namesIn(extension: Buffer | undefined): Buffer[] {
  if (extension === undefined) return [];
  return derSequence(extension).map(({ tag, body }) => derItem(tag, body));
}

function attributesIn(certificate: X509Certificate, parts: Parts): AttributeInstance[] {
  const { serial, issuer, subject, subjectNames, issuerNames } = parts;
  const line = (name: string): string => name.split('\n').toReversed().join(',');
  const alternative = certificate.subjectAltName?.split(', ') ?? [];
  const signature = signatures[parts.signature];
  return [
    ...keyAttributes(certificate),
    one('Certificate Length', { type: 'Integer', value: certificate.raw.length }),
    one(
      'X.509 Certificate Identifier',
      structure(
        bytes(Tag.IssuerDistinguishedName, issuer),
        bytes(Tag.CertificateSerialNumber, serial),
      ),
    ),
    one(
      'X.509 Certificate Subject',
      structure(
        bytes(Tag.SubjectDistinguishedName, subject),
        ...subjectNames.map((name) => bytes(Tag.SubjectAlternativeName, name)),
      ),
    ),
    one(
      'X.509 Certificate Issuer',
      structure(
        bytes(Tag.IssuerDistinguishedName, issuer),
        ...issuerNames.map((name) => bytes(Tag.IssuerAlternativeName, name)),
      ),
    ),
    one(
      'Certificate Identifier',
      structure(
        text(Tag.Issuer, line(certificate.issuer)),
        text(Tag.SerialNumber, certificate.serialNumber),
      ),
    ),
    one(
      'Certificate Subject',
      structure(
        text(Tag.CertificateSubjectDistinguishedName, line(certificate.subject)),
        ...alternative.map((name) => text(Tag.CertificateSubjectAlternativeName, name)),
      ),
    ),
    one(
      'Certificate Issuer',
      structure(text(Tag.CertificateIssuerDistinguishedName, line(certificate.issuer))),
    ),
    ...(signature === undefined
      ? []
      : [one('Digital Signature Algorithm', { type: 'Enumeration', value: signature })]),
    one('Cryptographic Usage Mask', { type: 'Integer', value: usageMask(parts.keyUsage) }),
    ...named('Certificate Subject', certificate.subject),
    ...named('Certificate Issuer', certificate.issuer),
  ];
}

const curveBits: Readonly<Record<string, number>> = {
  prime256v1: 256,
  secp256k1: 256,
  secp224r1: 224,
  secp384r1: 384,
  secp521r1: 521,
};

const A = CryptographicAlgorithm;
const algorithms: Readonly<Record<string, CryptographicAlgorithm>> = {
  ...{ rsa: A.RSA, 'rsa-pss': A.RSA, ec: A.ECDSA, ed25519: A.Ed25519, ed448: A.Ed448 },
};
const edwardsBits: Readonly<Record<string, number>> = { ed25519: 256, ed448: 456 };

function keyAttributes({ publicKey }: X509Certificate): AttributeInstance[] {
  const { asymmetricKeyType: type = '', asymmetricKeyDetails: details } = publicKey;
  const algorithm = algorithms[type];
  const curve = curveBits[details?.namedCurve ?? ''];
  const length = details?.modulusLength ?? curve ?? edwardsBits[type];
  if (algorithm === undefined || length === undefined) return [];
  return [
    one('Cryptographic Algorithm', { type: 'Enumeration', value: algorithm }),
    one('Cryptographic Length', { type: 'Integer', value: length }),
  ];
}

const D = DigitalSignatureAlgorithm;

/** By the bytes of their object identifiers (RFC 8017, RFC 5758). */
const signatures: Readonly<Record<string, DigitalSignatureAlgorithm>> = {
  '2a864886f70d010104': D.MD5WithRSAEncryptionPKCS_1V1_5,
  '2a864886f70d010105': D.SHA_1WithRSAEncryptionPKCS_1V1_5,
  '2a864886f70d01010a': D.RSASSA_PSSPKCS_1V2_1,
  '2a864886f70d01010b': D.SHA_256WithRSAEncryptionPKCS_1V1_5,
  '2a864886f70d01010c': D.SHA_384WithRSAEncryptionPKCS_1V1_5,
  '2a864886f70d01010d': D.SHA_512WithRSAEncryptionPKCS_1V1_5,
  '2a864886f70d01010e': D.SHA_224WithRSAEncryptionPKCS_1V1_5,
  '2a8648ce3d0401': D.ECDSAWithSHA_1,
  '2a8648ce3d040301': D.ECDSAWithSHA224,
  '2a8648ce3d040302': D.ECDSAWithSHA256,
  '2a8648ce3d040303': D.ECDSAWithSHA384,
  '2a8648ce3d040304': D.ECDSAWithSHA512,
};

const M = CryptographicUsageMask;

/** What each bit of Key Usage allows (RFC 5280 §4.2.1.3), the first bit first. */
const usages = [
  M.Verify,
  M.ContentCommitmentNonRepudiation,
  M.WrapKey,
  M.Encrypt,
  M.KeyAgreement,
  M.CertificateSign,
  M.CRLSign,
];

/** A certificate that does not say what its key is for is for whatever verifies. */
function usageMask(extension: Buffer | undefined): number {
  if (extension === undefined) return M.Verify;
  const [bits] = derItems(extension);
  const byte = bits?.body[1] ?? 0;
  return usages.reduce((mask, usage, i) => ((byte >> (7 - i)) & 1 ? mask | usage : mask), 0);
}

/** What Node calls the parts of a name, where KMIP does not. */
const parts: Readonly<Record<string, string>> = {
  emailAddress: 'Email',
  serialNumber: 'Serial Number',
  title: 'Title',
  dnQualifier: 'DN Qualifier',
};

/** The parts of a distinguished name, each an attribute of its own in 2.x. */
function named(prefix: string, name: string): AttributeInstance[] {
  const count = new Map<string, number>();
  return name.split('\n').flatMap((line) => {
    const at = line.indexOf('=');
    const part = line.slice(0, at);
    const attribute = `${prefix} ${parts[part] ?? part}`;
    if (attributeRules[attribute] === undefined) return [];
    const index = count.get(attribute) ?? 0;
    count.set(attribute, index + 1);
    return [{ name: attribute, index, value: { type: 'TextString', value: line.slice(at + 1) } }];
  });
}
