import type { Value } from '../ttlv/item.ts';
import { anyItem, enumeration } from '../ttlv/structure.ts';
import type { Codec } from '../ttlv/structure.ts';
import { TtlvError } from '../ttlv/error.ts';
import * as shape from './attribute-structure.ts';
import {
  CertificateType,
  CryptographicAlgorithm,
  DigitalSignatureAlgorithm,
  KeyFormatType,
  NISTKeyType,
  ProtectionLevel,
} from './enumeration.ts';
import { ObjectType, ResultReason, State } from './enumeration.ts';
import { KmipError } from './error.ts';
import { Tag } from './tag.ts';

/**
 * The rules of one attribute, from the table that stands beside its definition in KMIP 1.4 §3
 * ("Initially set by", "Modifiable by client", "Deletable by client", "Multiple instances").
 */
export interface AttributeRule {
  /** The tag under which the value travels by itself (2.x, and inside the key value). */
  readonly tag: number;
  readonly type: Value['type'];
  readonly multiple: boolean;
  readonly setBy: 'server' | 'client' | 'either';
  /** `early`: while Pre-Active; `late`: while Pre-Active or Active (dates, §3.23 to §3.27). */
  readonly modifiable: 'no' | 'yes' | 'early' | 'late';
  readonly deletable: boolean;
  readonly since: number;
  /** The last version that has it. */
  readonly until?: number;
  readonly codec?: Codec<unknown>;
}

type Row = Partial<AttributeRule> & Pick<AttributeRule, 'tag' | 'type'>;

function rule(row: Row): AttributeRule {
  return {
    multiple: false,
    setBy: 'server',
    modifiable: 'no',
    deletable: false,
    since: 100,
    ...row,
  };
}

const free = { setBy: 'client', modifiable: 'yes', deletable: true } as const;

function table(rows: Record<string, Row>): Readonly<Record<string, AttributeRule>> {
  const rules = Object.entries(rows).map(([name, row]) => [name, rule(row)] as const);
  return Object.assign(Object.create(null) as object, Object.fromEntries(rules));
}

/**
 * Every attribute of KMIP 1.0 to 2.1 by the name 1.x gives it, or would: 2.x knows it by its tag.
 */
export const attributeRules = table({
  'Unique Identifier': { tag: Tag.UniqueIdentifier, type: 'TextString' },
  Name: { tag: Tag.Name, type: 'Structure', codec: shape.name, multiple: true, ...free },
  'Object Type': { tag: Tag.ObjectType, type: 'Enumeration', codec: enumeration(ObjectType) },
  'Cryptographic Algorithm': {
    tag: Tag.CryptographicAlgorithm,
    type: 'Enumeration',
    codec: enumeration(CryptographicAlgorithm),
    setBy: 'either',
  },
  'Cryptographic Length': { tag: Tag.CryptographicLength, type: 'Integer', setBy: 'either' },
  'Cryptographic Parameters': {
    tag: Tag.CryptographicParameters,
    type: 'Structure',
    codec: shape.cryptographicParameters,
    multiple: true,
    ...free,
  },
  'Cryptographic Domain Parameters': {
    tag: Tag.CryptographicDomainParameters,
    type: 'Structure',
    codec: shape.cryptographicDomainParameters,
    setBy: 'client',
  },
  'Certificate Type': {
    tag: Tag.CertificateType,
    type: 'Enumeration',
    codec: enumeration(CertificateType),
  },
  'Certificate Length': { tag: Tag.CertificateLength, type: 'Integer', since: 101 },
  'X.509 Certificate Identifier': {
    tag: Tag.X_509CertificateIdentifier,
    type: 'Structure',
    codec: shape.x509CertificateIdentifier,
    since: 101,
  },
  'X.509 Certificate Subject': {
    tag: Tag.X_509CertificateSubject,
    type: 'Structure',
    codec: shape.x509CertificateSubject,
    since: 101,
  },
  'X.509 Certificate Issuer': {
    tag: Tag.X_509CertificateIssuer,
    type: 'Structure',
    codec: shape.x509CertificateIssuer,
    since: 101,
  },
  'Certificate Identifier': {
    tag: Tag.CertificateIdentifier,
    type: 'Structure',
    codec: anyItem,
    until: 104,
  },
  'Certificate Subject': {
    tag: Tag.CertificateSubject,
    type: 'Structure',
    codec: anyItem,
    until: 104,
  },
  'Certificate Issuer': {
    tag: Tag.CertificateIssuer,
    type: 'Structure',
    codec: anyItem,
    until: 104,
  },
  'Digital Signature Algorithm': {
    tag: Tag.DigitalSignatureAlgorithm,
    type: 'Enumeration',
    codec: enumeration(DigitalSignatureAlgorithm),
    multiple: true,
    since: 101,
  },
  Digest: { tag: Tag.Digest, type: 'Structure', codec: shape.digest, multiple: true },
  'Operation Policy Name': {
    tag: Tag.OperationPolicyName,
    type: 'TextString',
    setBy: 'either',
    until: 104,
  },
  'Cryptographic Usage Mask': { tag: Tag.CryptographicUsageMask, type: 'Integer', setBy: 'either' },
  'Lease Time': { tag: Tag.LeaseTime, type: 'Interval' },
  'Usage Limits': {
    tag: Tag.UsageLimits,
    type: 'Structure',
    codec: shape.usageLimits,
    ...free,
    setBy: 'either',
  },
  State: { tag: Tag.State, type: 'Enumeration', codec: enumeration(State) },
  'Initial Date': { tag: Tag.InitialDate, type: 'DateTime' },
  'Activation Date': {
    tag: Tag.ActivationDate,
    type: 'DateTime',
    setBy: 'either',
    modifiable: 'early',
  },
  'Process Start Date': {
    tag: Tag.ProcessStartDate,
    type: 'DateTime',
    setBy: 'either',
    modifiable: 'early',
  },
  'Protect Stop Date': {
    tag: Tag.ProtectStopDate,
    type: 'DateTime',
    setBy: 'either',
    modifiable: 'late',
  },
  'Deactivation Date': {
    tag: Tag.DeactivationDate,
    type: 'DateTime',
    setBy: 'either',
    modifiable: 'late',
  },
  'Destroy Date': { tag: Tag.DestroyDate, type: 'DateTime' },
  'Compromise Occurrence Date': { tag: Tag.CompromiseOccurrenceDate, type: 'DateTime' },
  'Compromise Date': { tag: Tag.CompromiseDate, type: 'DateTime' },
  'Revocation Reason': {
    tag: Tag.RevocationReason,
    type: 'Structure',
    codec: shape.revocationReason,
  },
  'Archive Date': { tag: Tag.ArchiveDate, type: 'DateTime' },
  'Object Group': { tag: Tag.ObjectGroup, type: 'TextString', setBy: 'either', multiple: true },
  Fresh: { tag: Tag.Fresh, type: 'Boolean', setBy: 'either', since: 101 },
  Link: { tag: Tag.Link, type: 'Structure', codec: shape.link, multiple: true, ...free },
  'Application Specific Information': {
    tag: Tag.ApplicationSpecificInformation,
    type: 'Structure',
    codec: shape.applicationSpecificInformation,
    multiple: true,
    ...free,
  },
  'Contact Information': { tag: Tag.ContactInformation, type: 'TextString', ...free },
  'Last Change Date': { tag: Tag.LastChangeDate, type: 'DateTime' },
  'Alternative Name': {
    tag: Tag.AlternativeName,
    type: 'Structure',
    codec: shape.alternativeName,
    multiple: true,
    since: 102,
    ...free,
  },
  'Key Value Present': { tag: Tag.KeyValuePresent, type: 'Boolean', since: 102 },
  'Key Value Location': {
    tag: Tag.KeyValueLocation,
    type: 'Structure',
    codec: shape.keyValueLocation,
    multiple: true,
    since: 102,
    ...free,
  },
  'Original Creation Date': {
    tag: Tag.OriginalCreationDate,
    type: 'DateTime',
    setBy: 'either',
    since: 102,
  },
  'Random Number Generator': {
    tag: Tag.RandomNumberGenerator,
    type: 'Structure',
    codec: shape.randomNumberGenerator,
    setBy: 'either',
    since: 103,
  },
  'PKCS#12 Friendly Name': {
    tag: Tag.PKCS_12FriendlyName,
    type: 'TextString',
    since: 104,
    ...free,
  },
  Description: { tag: Tag.Description, type: 'TextString', since: 104, ...free },
  Comment: { tag: Tag.Comment, type: 'TextString', since: 104, ...free },
  Sensitive: {
    tag: Tag.Sensitive,
    type: 'Boolean',
    setBy: 'either',
    modifiable: 'yes',
    since: 104,
  },
  'Always Sensitive': { tag: Tag.AlwaysSensitive, type: 'Boolean', since: 104 },
  Extractable: {
    tag: Tag.Extractable,
    type: 'Boolean',
    setBy: 'either',
    modifiable: 'yes',
    since: 104,
  },
  'Never Extractable': { tag: Tag.NeverExtractable, type: 'Boolean', since: 104 },
  'Key Format Type': {
    tag: Tag.KeyFormatType,
    type: 'Enumeration',
    codec: enumeration(KeyFormatType),
    setBy: 'either',
    since: 200,
  },
  'NIST Key Type': {
    tag: Tag.NISTKeyType,
    type: 'Enumeration',
    codec: enumeration(NISTKeyType),
    since: 200,
    ...free,
  },
  'Opaque Data Type': {
    tag: Tag.OpaqueDataType,
    type: 'Enumeration',
    setBy: 'either',
    since: 200,
  },
  'Protection Level': {
    tag: Tag.ProtectionLevel,
    type: 'Enumeration',
    codec: enumeration(ProtectionLevel),
    since: 200,
    ...free,
  },
  'Protection Period': { tag: Tag.ProtectionPeriod, type: 'Interval', since: 200, ...free },
  'Protection Storage Masks': {
    tag: Tag.ProtectionStorageMasks,
    type: 'Structure',
    codec: anyItem,
    setBy: 'either',
    since: 200,
  },
  'Quantum Safe': {
    tag: Tag.QuantumSafe,
    type: 'Boolean',
    setBy: 'either',
    modifiable: 'yes',
    deletable: true,
    since: 200,
  },
  'Short Unique Identifier': { tag: Tag.ShortUniqueIdentifier, type: 'ByteString', since: 200 },
});

const nameByTag: ReadonlyMap<number, string> = new Map(
  Object.entries(attributeRules).map(([name, { tag }]) => [tag, name]),
);

/** The name of the attribute that 2.x knows by a tag; undefined where there is none. */
export function attributeNameOf(tag: number): string | undefined {
  return nameByTag.get(tag);
}

/**
 * A vendor's attribute as 2.x names it. What 1.x calls "x-Product" is "Product" of the vendor "x"
 * (KMIP 2.1 §4.64); another vendor's attribute is "@vendor/Product" here and unknown to 1.x.
 */
export interface VendorName {
  readonly vendor: string;
  readonly name: string;
}

export function vendorNameOf(name: string): VendorName | undefined {
  if (/^[xy]-/.test(name)) return { vendor: name.slice(0, 1), name: name.slice(2) };
  const found = /^@([\w.]+)\/(.*)$/s.exec(name);
  return found === null ? undefined : { vendor: found[1] ?? '', name: found[2] ?? '' };
}

/** The name under which a vendor's attribute is kept. Throws KmipError Invalid Field. */
export function nameOfVendor({ vendor, name }: VendorName): string {
  if (vendor === 'x' || vendor === 'y') return `${vendor}-${name}`;
  if (!/^[\w.]+$/.test(vendor)) {
    throw new KmipError(ResultReason.InvalidField, 'Not a vendor’s identification');
  }
  return `@${vendor}/${name}`;
}

/** Names that a client ("x-") or a server ("y-") may invent (KMIP 1.4 §3.39). */
export function isCustom(name: string): boolean {
  return name.startsWith('x-') || name.startsWith('y-') || name.startsWith('@');
}

const customRules = {
  'x-': rule({ tag: Tag.CustomAttribute, type: 'TextString', multiple: true, ...free }),
  'y-': rule({ tag: Tag.CustomAttribute, type: 'TextString', multiple: true }),
  '@': rule({ tag: Tag.CustomAttribute, type: 'TextString', multiple: true, since: 200, ...free }),
};

function customRule(name: string): AttributeRule {
  if (name.startsWith('@')) return customRules['@'];
  return customRules[name.startsWith('x-') ? 'x-' : 'y-'];
}

/** The rule of an attribute in a version, 1.4 being 104; undefined when there is none. */
export function attributeRule(name: string, version: number): AttributeRule | undefined {
  const found = isCustom(name) ? customRule(name) : attributeRules[name];
  if (found === undefined || found.since > version) return undefined;
  return version <= (found.until ?? Infinity) ? found : undefined;
}

/**
 * Checks a value that came from a client against its attribute's table.
 * Throws KmipError Invalid Field for an unknown attribute or a value that does not fit it.
 */
export function checkAttribute(name: string, value: Value, version: number): AttributeRule {
  const found = attributeRule(name, version);
  if (found === undefined || name.length > 1024) {
    throw new KmipError(ResultReason.InvalidAttribute, 'No such attribute in this version');
  }
  if (isCustom(name)) return found;
  try {
    if (value.type !== found.type) throw new TtlvError('bad-type', found.tag);
    found.codec?.read({ tag: found.tag, ...value }, version);
  } catch (cause) {
    if (!(cause instanceof TtlvError)) throw cause;
    const message = `The value does not fit the attribute ${name}`;
    throw new KmipError(ResultReason.InvalidAttributeValue, message, { cause });
  }
  return found;
}
