import type { Value } from '../ttlv/item.ts';
import { anyItem, enumeration } from '../ttlv/structure.ts';
import type { Codec } from '../ttlv/structure.ts';
import * as shape from './attribute-structure.ts';
import {
  CertificateType,
  CryptographicAlgorithm,
  DigitalSignatureAlgorithm,
  KeyFormatType,
  NISTKeyType,
  ProtectionLevel,
} from './enumeration.ts';
import { ObjectType, Operation, State } from './enumeration.ts';
import { Tag } from './tag.ts';

/**
 * The rules of one attribute, from the table that stands beside its definition (KMIP 1.0 to 1.4 §3,
 * KMIP 2.0 and 2.1 §4), row by row.
 */
export interface AttributeRule {
  /** The tag under which the value travels by itself (2.x, and inside the key value). */
  readonly tag: number;
  readonly type: Value['type'];
  readonly codec?: Codec<unknown>;
  /** "Initially set by". */
  readonly setBy: 'server' | 'client' | 'either';
  /** Set by the server, as the request that makes the object asks for it. */
  readonly asked: boolean;
  /**
   * "Modifiable by client". `early`: while Pre-Active; `late`: while Pre-Active or Active;
   * `unreached`: so, and while the date lies ahead; `unspent`: while nothing is taken from it.
   */
  readonly modifiable: 'no' | 'yes' | 'early' | 'late' | 'unreached' | 'unspent';
  /** "Deletable by client". */
  readonly deletable: boolean | 'unspent';
  /** "Multiple instances permitted". */
  readonly multiple: boolean;
  /** "SHALL always have a value", where it can be said; a number: from that version on. */
  readonly always: boolean | number;
  /** "When implicitly set". */
  readonly implicitly: readonly Operation[];
  /** "Applies to Object Types", in 1.x and in 2.x. */
  readonly in1: ReadonlySet<ObjectType>;
  readonly in2: ReadonlySet<ObjectType>;
  readonly since: number;
  /** The last version that has it. */
  readonly until?: number;
}

type Row = Partial<AttributeRule> & Pick<AttributeRule, 'tag' | 'type'>;

const O = Operation;
const T = ObjectType;
const types = (...all: readonly ObjectType[]): ReadonlySet<ObjectType> => new Set(all);

const key = [T.SymmetricKey, T.PublicKey, T.PrivateKey, T.SplitKey, T.PGPKey] as const;
const cryptographicObjects = [...key, T.Certificate, T.SecretData] as const;

/** Which objects the tables name. Templates are of 1.x alone. */
const on = {
  all: types(...Object.values(ObjectType)),
  cryptographic: types(...cryptographicObjects),
  cryptographicOrTemplate: types(...cryptographicObjects, T.Template),
  valued: types(...cryptographicObjects, T.OpaqueObject),
  keys: types(...key, T.Template),
  keyed: types(...key, T.Certificate, T.Template),
  asymmetric: types(T.PublicKey, T.PrivateKey, T.Template),
  pair: types(T.PublicKey, T.PrivateKey),
  certificates: types(T.Certificate),
  signed: types(T.Certificate, T.PGPKey),
  secret: types(T.SymmetricKey, T.PrivateKey, T.SplitKey, T.SecretData),
  opaque: types(T.OpaqueObject),
};

const renewing = [O.ReKey, O.ReKeyKeyPair, O.ReCertify];
const certifying = [O.Register, O.Certify, O.ReCertify];
const making = [O.Create, O.CreateKeyPair, O.DeriveKey, ...certifying, O.ReKey, O.ReKeyKeyPair];

export function rule(row: Row): AttributeRule {
  return {
    setBy: 'server',
    asked: false,
    modifiable: 'no',
    deletable: false,
    multiple: false,
    always: false,
    implicitly: [],
    in1: on.all,
    in2: on.all,
    since: 100,
    ...row,
  };
}

/** The parts of a certificate's names (KMIP 2.1 §4.6). */
const nameParts = {
  ...{ CN: 'CN', O: 'O', OU: 'OU', Email: 'Email', C: 'C', ST: 'ST', L: 'L', UID: 'UID' },
  ...{ SerialNumber: 'Serial Number', Title: 'Title', DC: 'DC', DNQualifier: 'DN Qualifier' },
} as const;

function certificateNames(of: 'Subject' | 'Issuer'): Record<string, Row> {
  const rows = Object.entries(nameParts).map(([part, name]): [string, Row] => [
    `Certificate ${of} ${name}`,
    {
      tag: Tag[`Certificate${of}${part as keyof typeof nameParts}`],
      type: 'TextString',
      multiple: true,
      implicitly: certifying,
      in1: on.certificates,
      in2: on.certificates,
      since: 200,
    },
  ]);
  return Object.fromEntries(rows);
}

function table(rows: Record<string, Row>): Readonly<Record<string, AttributeRule>> {
  const rules = Object.entries(rows).map(([name, row]) => [name, rule(row)] as const);
  return Object.assign(Object.create(null) as object, Object.fromEntries(rules));
}

/**
 * Every attribute of KMIP 1.0 to 2.1 by the name 1.x gives it, or would: 2.x knows it by its tag.
 */
export const attributeRules = table({
  'Unique Identifier': {
    tag: Tag.UniqueIdentifier,
    type: 'TextString',
    always: true,
    implicitly: making,
  },
  Name: {
    tag: Tag.Name,
    type: 'Structure',
    codec: shape.name,
    setBy: 'client',
    modifiable: 'yes',
    deletable: true,
    multiple: true,
    implicitly: renewing,
  },
  'Object Type': {
    tag: Tag.ObjectType,
    type: 'Enumeration',
    codec: enumeration(ObjectType),
    always: true,
    implicitly: making,
  },
  'Cryptographic Algorithm': {
    tag: Tag.CryptographicAlgorithm,
    type: 'Enumeration',
    codec: enumeration(CryptographicAlgorithm),
    asked: true,
    always: true,
    implicitly: making,
    in1: on.keyed,
  },
  'Cryptographic Length': {
    tag: Tag.CryptographicLength,
    type: 'Integer',
    asked: true,
    always: true,
    implicitly: making,
    in1: on.keyed,
  },
  'Cryptographic Parameters': {
    tag: Tag.CryptographicParameters,
    type: 'Structure',
    codec: shape.cryptographicParameters,
    setBy: 'client',
    modifiable: 'yes',
    deletable: true,
    multiple: true,
    implicitly: renewing,
    in1: on.keyed,
  },
  'Cryptographic Domain Parameters': {
    tag: Tag.CryptographicDomainParameters,
    type: 'Structure',
    codec: shape.cryptographicDomainParameters,
    setBy: 'client',
    implicitly: [O.ReKey, O.ReKeyKeyPair],
    in1: on.asymmetric,
    in2: on.pair,
  },
  'Certificate Type': {
    tag: Tag.CertificateType,
    type: 'Enumeration',
    codec: enumeration(CertificateType),
    always: true,
    implicitly: certifying,
    in1: on.certificates,
    in2: on.certificates,
  },
  'Certificate Length': {
    tag: Tag.CertificateLength,
    type: 'Integer',
    always: true,
    implicitly: certifying,
    in1: on.certificates,
    in2: on.certificates,
    since: 101,
  },
  'X.509 Certificate Identifier': {
    tag: Tag.X_509CertificateIdentifier,
    type: 'Structure',
    codec: shape.x509CertificateIdentifier,
    always: true,
    implicitly: certifying,
    in1: on.certificates,
    in2: on.certificates,
    since: 101,
  },
  'X.509 Certificate Subject': {
    tag: Tag.X_509CertificateSubject,
    type: 'Structure',
    codec: shape.x509CertificateSubject,
    always: true,
    implicitly: certifying,
    in1: on.certificates,
    in2: on.certificates,
    since: 101,
  },
  'X.509 Certificate Issuer': {
    tag: Tag.X_509CertificateIssuer,
    type: 'Structure',
    codec: shape.x509CertificateIssuer,
    always: true,
    implicitly: certifying,
    in1: on.certificates,
    in2: on.certificates,
    since: 101,
  },
  'Certificate Identifier': {
    tag: Tag.CertificateIdentifier,
    type: 'Structure',
    codec: anyItem,
    always: true,
    implicitly: certifying,
    in1: on.certificates,
    until: 104,
  },
  'Certificate Subject': {
    tag: Tag.CertificateSubject,
    type: 'Structure',
    codec: anyItem,
    always: true,
    implicitly: certifying,
    in1: on.certificates,
    until: 104,
  },
  'Certificate Issuer': {
    tag: Tag.CertificateIssuer,
    type: 'Structure',
    codec: anyItem,
    always: true,
    implicitly: certifying,
    in1: on.certificates,
    until: 104,
  },
  'Digital Signature Algorithm': {
    tag: Tag.DigitalSignatureAlgorithm,
    type: 'Enumeration',
    codec: enumeration(DigitalSignatureAlgorithm),
    multiple: true,
    always: true,
    implicitly: certifying,
    in1: on.signed,
    in2: on.signed,
    since: 101,
  },
  Digest: {
    tag: Tag.Digest,
    type: 'Structure',
    codec: shape.digest,
    multiple: true,
    always: true,
    implicitly: making,
    in1: on.valued,
  },
  'Operation Policy Name': {
    tag: Tag.OperationPolicyName,
    type: 'TextString',
    setBy: 'either',
    implicitly: making,
    until: 104,
  },
  'Cryptographic Usage Mask': {
    tag: Tag.CryptographicUsageMask,
    type: 'Integer',
    setBy: 'either',
    always: true,
    implicitly: making,
    in1: on.cryptographicOrTemplate,
  },
  'Lease Time': { tag: Tag.LeaseTime, type: 'Interval', implicitly: making, in1: on.cryptographic },
  'Usage Limits': {
    tag: Tag.UsageLimits,
    type: 'Structure',
    codec: shape.usageLimits,
    setBy: 'either',
    modifiable: 'unspent',
    deletable: 'unspent',
    implicitly: [
      O.Create,
      O.CreateKeyPair,
      O.Register,
      O.DeriveKey,
      O.ReKey,
      O.ReKeyKeyPair,
      O.GetUsageAllocation,
    ],
    in1: on.keys,
  },
  State: {
    tag: Tag.State,
    type: 'Enumeration',
    codec: enumeration(State),
    always: true,
    implicitly: [
      O.Create,
      O.CreateKeyPair,
      O.Register,
      O.DeriveKey,
      O.Activate,
      O.Revoke,
      O.Destroy,
      O.Certify,
      O.ReCertify,
      O.ReKey,
      O.ReKeyKeyPair,
    ],
    in1: on.cryptographic,
  },
  'Initial Date': { tag: Tag.InitialDate, type: 'DateTime', always: true, implicitly: making },
  'Activation Date': {
    tag: Tag.ActivationDate,
    type: 'DateTime',
    setBy: 'either',
    modifiable: 'early',
    implicitly: [
      O.Create,
      O.CreateKeyPair,
      O.Register,
      O.DeriveKey,
      O.Activate,
      O.Certify,
      O.ReCertify,
      O.ReKey,
      O.ReKeyKeyPair,
    ],
    in1: on.cryptographicOrTemplate,
  },
  'Process Start Date': {
    tag: Tag.ProcessStartDate,
    type: 'DateTime',
    setBy: 'either',
    modifiable: 'unreached',
    implicitly: [O.Create, O.Register, O.DeriveKey, O.ReKey],
    in1: on.keys,
  },
  'Protect Stop Date': {
    tag: Tag.ProtectStopDate,
    type: 'DateTime',
    setBy: 'either',
    modifiable: 'unreached',
    implicitly: [O.Create, O.Register, O.DeriveKey, O.ReKey],
    in1: on.keys,
  },
  'Deactivation Date': {
    tag: Tag.DeactivationDate,
    type: 'DateTime',
    setBy: 'either',
    modifiable: 'late',
    implicitly: [
      O.Create,
      O.CreateKeyPair,
      O.Register,
      O.DeriveKey,
      O.Revoke,
      O.Certify,
      O.ReCertify,
      O.ReKey,
      O.ReKeyKeyPair,
    ],
    in1: on.cryptographicOrTemplate,
  },
  'Destroy Date': {
    tag: Tag.DestroyDate,
    type: 'DateTime',
    implicitly: [O.Destroy],
    in1: on.valued,
  },
  'Compromise Occurrence Date': {
    tag: Tag.CompromiseOccurrenceDate,
    type: 'DateTime',
    implicitly: [O.Revoke],
    in1: on.valued,
  },
  'Compromise Date': {
    tag: Tag.CompromiseDate,
    type: 'DateTime',
    implicitly: [O.Revoke],
    in1: on.valued,
  },
  'Revocation Reason': {
    tag: Tag.RevocationReason,
    type: 'Structure',
    codec: shape.revocationReason,
    implicitly: [O.Revoke],
    in1: on.valued,
  },
  'Archive Date': { tag: Tag.ArchiveDate, type: 'DateTime', implicitly: [O.Archive] },
  'Object Group': {
    tag: Tag.ObjectGroup,
    type: 'TextString',
    setBy: 'either',
    modifiable: 'yes',
    deletable: true,
    multiple: true,
    implicitly: making,
  },
  Fresh: {
    tag: Tag.Fresh,
    type: 'Boolean',
    setBy: 'either',
    always: 200,
    implicitly: making,
    in1: on.cryptographic,
    since: 101,
  },
  Link: {
    tag: Tag.Link,
    type: 'Structure',
    codec: shape.link,
    setBy: 'either',
    modifiable: 'yes',
    deletable: true,
    multiple: true,
    implicitly: [
      O.CreateKeyPair,
      O.DeriveKey,
      O.Certify,
      O.ReCertify,
      O.ReKey,
      O.ReKeyKeyPair,
      O.Register,
    ],
    in1: on.cryptographic,
  },
  'Application Specific Information': {
    tag: Tag.ApplicationSpecificInformation,
    type: 'Structure',
    codec: shape.applicationSpecificInformation,
    setBy: 'either',
    modifiable: 'yes',
    deletable: true,
    multiple: true,
    implicitly: renewing,
  },
  'Contact Information': {
    tag: Tag.ContactInformation,
    type: 'TextString',
    setBy: 'either',
    modifiable: 'yes',
    deletable: true,
    implicitly: making,
  },
  'Last Change Date': {
    tag: Tag.LastChangeDate,
    type: 'DateTime',
    always: true,
    implicitly: [
      O.Create,
      O.CreateKeyPair,
      O.Register,
      O.DeriveKey,
      O.Activate,
      O.Revoke,
      O.Destroy,
      O.Archive,
      O.Recover,
      O.Certify,
      O.ReCertify,
      O.ReKey,
      O.ReKeyKeyPair,
      O.AddAttribute,
      O.ModifyAttribute,
      O.DeleteAttribute,
      O.GetUsageAllocation,
    ],
  },
  'Alternative Name': {
    tag: Tag.AlternativeName,
    type: 'Structure',
    codec: shape.alternativeName,
    setBy: 'client',
    modifiable: 'yes',
    deletable: true,
    multiple: true,
    since: 102,
  },
  'Key Value Present': {
    tag: Tag.KeyValuePresent,
    type: 'Boolean',
    implicitly: [O.Register],
    in1: on.secret,
    since: 102,
  },
  'Key Value Location': {
    tag: Tag.KeyValueLocation,
    type: 'Structure',
    codec: shape.keyValueLocation,
    setBy: 'client',
    modifiable: 'yes',
    deletable: true,
    multiple: true,
    in1: on.secret,
    since: 102,
  },
  'Original Creation Date': {
    tag: Tag.OriginalCreationDate,
    type: 'DateTime',
    setBy: 'either',
    implicitly: [O.Create, O.CreateKeyPair, O.DeriveKey, O.ReKey, O.ReKeyKeyPair],
    since: 102,
  },
  'Random Number Generator': {
    tag: Tag.RandomNumberGenerator,
    type: 'Structure',
    codec: shape.randomNumberGenerator,
    setBy: 'either',
    implicitly: [O.Create, O.CreateKeyPair, O.DeriveKey, O.ReKey, O.ReKeyKeyPair],
    in1: on.cryptographic,
    since: 103,
  },
  'PKCS#12 Friendly Name': {
    tag: Tag.PKCS_12FriendlyName,
    type: 'TextString',
    setBy: 'either',
    modifiable: 'yes',
    deletable: true,
    in1: on.cryptographic,
    since: 104,
  },
  Description: {
    tag: Tag.Description,
    type: 'TextString',
    setBy: 'either',
    modifiable: 'yes',
    deletable: true,
    since: 104,
  },
  Comment: {
    tag: Tag.Comment,
    type: 'TextString',
    setBy: 'either',
    modifiable: 'yes',
    deletable: true,
    since: 104,
  },
  Sensitive: {
    tag: Tag.Sensitive,
    type: 'Boolean',
    setBy: 'either',
    modifiable: 'yes',
    always: true,
    implicitly: making,
    since: 104,
  },
  'Always Sensitive': {
    tag: Tag.AlwaysSensitive,
    type: 'Boolean',
    always: true,
    implicitly: making,
    since: 104,
  },
  Extractable: {
    tag: Tag.Extractable,
    type: 'Boolean',
    setBy: 'either',
    modifiable: 'yes',
    always: true,
    implicitly: making,
    since: 104,
  },
  'Never Extractable': {
    tag: Tag.NeverExtractable,
    type: 'Boolean',
    always: true,
    implicitly: making,
    since: 104,
  },
  'Key Format Type': {
    tag: Tag.KeyFormatType,
    type: 'Enumeration',
    codec: enumeration(KeyFormatType),
    asked: true,
    always: true,
    since: 200,
  },
  'NIST Key Type': {
    tag: Tag.NISTKeyType,
    type: 'Enumeration',
    codec: enumeration(NISTKeyType),
    setBy: 'client',
    multiple: true,
    since: 200,
  },
  'Opaque Data Type': {
    tag: Tag.OpaqueDataType,
    type: 'Enumeration',
    asked: true,
    always: true,
    implicitly: [O.Register],
    in2: on.opaque,
    since: 200,
  },
  'Protection Level': {
    tag: Tag.ProtectionLevel,
    type: 'Enumeration',
    codec: enumeration(ProtectionLevel),
    setBy: 'client',
    modifiable: 'yes',
    deletable: true,
    since: 200,
  },
  'Protection Period': {
    tag: Tag.ProtectionPeriod,
    type: 'Interval',
    setBy: 'client',
    modifiable: 'yes',
    deletable: true,
    since: 200,
  },
  'Quantum Safe': {
    tag: Tag.QuantumSafe,
    type: 'Boolean',
    setBy: 'client',
    modifiable: 'yes',
    deletable: true,
    since: 200,
  },
  'Protection Storage Mask': {
    tag: Tag.ProtectionStorageMask,
    type: 'Integer',
    always: true,
    implicitly: making,
    since: 200,
  },
  'Rotate Automatic': { tag: Tag.RotateAutomatic, type: 'Boolean', setBy: 'either', since: 201 },
  'Rotate Date': { tag: Tag.RotateDate, type: 'DateTime', implicitly: renewing, since: 201 },
  'Rotate Generation': {
    tag: Tag.RotateGeneration,
    type: 'Integer',
    implicitly: renewing,
    since: 201,
  },
  'Rotate Interval': {
    tag: Tag.RotateInterval,
    type: 'Interval',
    setBy: 'either',
    implicitly: making,
    since: 201,
  },
  'Rotate Latest': { tag: Tag.RotateLatest, type: 'Boolean', implicitly: renewing, since: 201 },
  'Rotate Name': {
    tag: Tag.RotateName,
    type: 'Structure',
    codec: shape.rotateName,
    setBy: 'client',
    modifiable: 'yes',
    deletable: true,
    since: 201,
  },
  'Rotate Offset': {
    tag: Tag.RotateOffset,
    type: 'Interval',
    setBy: 'either',
    implicitly: making,
    since: 201,
  },
  'Short Unique Identifier': {
    tag: Tag.ShortUniqueIdentifier,
    type: 'ByteString',
    always: true,
    implicitly: making,
    since: 200,
  },
  ...certificateNames('Subject'),
  ...certificateNames('Issuer'),
});
