import { X509Certificate } from 'node:crypto';
import { Operation, ResultReason, ValidityIndicator } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { Item } from '../ttlv/item.ts';
import { anyItem, dateTime, enumeration, optional, repeated } from '../ttlv/structure.ts';
import { required, structure } from '../ttlv/structure.ts';
import { certificateBytes } from './certificate.ts';
import { defineReading } from './operation.ts';

const certificatesMost = 32;

/**
 * Validate (KMIP 1.4 §4.24): whether certificates, given or named, are one chain whose every
 * signature and date is right at a moment. Whom to trust, the client says by the root it gives.
 */
export const validate = defineReading({
  operation: Operation.Validate,
  since: 100,
  policy: { target: 'object', right: 'get' },
  request: structure({
    certificates: repeated(Tag.Certificate, anyItem),
    uniqueIdentifiers: repeated(Tag.UniqueIdentifier, identifier),
    validityDate: optional(Tag.ValidityDate, dateTime),
  }),
  response: structure({
    validityIndicator: required(Tag.ValidityIndicator, enumeration(ValidityIndicator)),
  }),
  prepare: (request, context) => (view) => {
    const objects = request.uniqueIdentifiers.map((each) => context.target(view, each));
    const count = objects.length + request.certificates.length;
    if (count === 0 || count > certificatesMost) throw noList();
    const at = request.validityDate ?? context.now();
    return (async () => {
      const named = objects.map((object) => certificateBytes(object, context));
      const given = request.certificates.map(bytesIn);
      const all = [...given, ...(await Promise.all(named))].map(read);
      const { Valid, Invalid } = ValidityIndicator;
      return { validityIndicator: isChain(all, at) ? Valid : Invalid };
    })();
  },
});

function noList(): KmipError {
  return new KmipError(ResultReason.InvalidMessage, 'These are no certificates of one list');
}

function bytesIn(item: Item): Buffer {
  const items = item.type === 'Structure' ? item.value : [];
  const value = items.find(({ tag }) => tag === Tag.CertificateValue);
  if (value?.type !== 'ByteString') throw noList();
  return Buffer.from(value.value);
}

function read(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch {
    throw noList();
  }
}

/** Every certificate is in time, and each but one root is signed by another of them. */
function isChain(all: readonly X509Certificate[], seconds: number): boolean {
  const at = seconds * 1000;
  const inTime = ({ validFrom, validTo }: X509Certificate): boolean =>
    Date.parse(validFrom) <= at && at <= Date.parse(validTo);
  const signed = (certificate: X509Certificate): boolean =>
    all.some(
      (issuer) =>
        (issuer === certificate || issuer.ca) &&
        certificate.checkIssued(issuer) &&
        certificate.verify(issuer.publicKey),
    );
  const roots = all.filter((each) => each.checkIssued(each)).length;
  return roots <= 1 && all.every((each) => inTime(each) && signed(each));
}
