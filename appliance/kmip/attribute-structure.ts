import {
  boolean,
  byteString,
  enumeration,
  integer,
  longInteger,
  optional,
  required,
  repeated,
  structure,
  textString,
} from '../ttlv/structure.ts';
import * as e from './enumeration.ts';
import { Tag } from './tag.ts';

/** The attributes whose value is a structure (KMIP 1.4 §3), each with the fields of its table. */

export const name = structure({
  nameValue: required(Tag.NameValue, textString),
  nameType: required(Tag.NameType, enumeration(e.NameType)),
});

export const rotateName = structure({
  value: required(Tag.RotateNameValue, textString),
  type: required(Tag.RotateNameType, enumeration(e.RotateNameType)),
});

export const alternativeName = structure({
  value: required(Tag.AlternativeNameValue, textString),
  type: required(Tag.AlternativeNameType, enumeration(e.AlternativeNameType)),
});

export const cryptographicParameters = structure({
  blockCipherMode: optional(Tag.BlockCipherMode, enumeration(e.BlockCipherMode)),
  paddingMethod: optional(Tag.PaddingMethod, enumeration(e.PaddingMethod)),
  hashingAlgorithm: optional(Tag.HashingAlgorithm, enumeration(e.HashingAlgorithm)),
  keyRoleType: optional(Tag.KeyRoleType, enumeration(e.KeyRoleType)),
  digitalSignatureAlgorithm: optional(
    Tag.DigitalSignatureAlgorithm,
    enumeration(e.DigitalSignatureAlgorithm),
    { since: 102 },
  ),
  cryptographicAlgorithm: optional(
    Tag.CryptographicAlgorithm,
    enumeration(e.CryptographicAlgorithm),
    { since: 102 },
  ),
  randomIV: optional(Tag.RandomIV, boolean, { since: 102 }),
  ivLength: optional(Tag.IVLength, integer, { since: 102 }),
  tagLength: optional(Tag.TagLength, integer, { since: 102 }),
  fixedFieldLength: optional(Tag.FixedFieldLength, integer, { since: 102 }),
  invocationFieldLength: optional(Tag.InvocationFieldLength, integer, { since: 102 }),
  counterLength: optional(Tag.CounterLength, integer, { since: 102 }),
  initialCounterValue: optional(Tag.InitialCounterValue, integer, { since: 102 }),
  saltLength: optional(Tag.SaltLength, integer, { since: 104 }),
  maskGenerator: optional(Tag.MaskGenerator, enumeration(e.MaskGenerator), { since: 104 }),
  maskGeneratorHashingAlgorithm: optional(
    Tag.MaskGeneratorHashingAlgorithm,
    enumeration(e.HashingAlgorithm),
    { since: 104 },
  ),
  pSource: optional(Tag.PSource, byteString, { since: 104 }),
  trailerField: optional(Tag.TrailerField, integer, { since: 104 }),
});

export const cryptographicDomainParameters = structure({
  qLength: optional(Tag.Qlength, integer),
  recommendedCurve: optional(Tag.RecommendedCurve, enumeration(e.RecommendedCurve)),
});

export const digest = structure({
  hashingAlgorithm: required(Tag.HashingAlgorithm, enumeration(e.HashingAlgorithm)),
  digestValue: optional(Tag.DigestValue, byteString),
  keyFormatType: optional(Tag.KeyFormatType, enumeration(e.KeyFormatType), { since: 101 }),
});

export const usageLimits = structure({
  total: required(Tag.UsageLimitsTotal, longInteger),
  count: optional(Tag.UsageLimitsCount, longInteger),
  unit: required(Tag.UsageLimitsUnit, enumeration(e.UsageLimitsUnit)),
});

export const revocationReason = structure({
  code: required(Tag.RevocationReasonCode, enumeration(e.RevocationReasonCode)),
  message: optional(Tag.RevocationMessage, textString),
});

export const link = structure({
  linkType: required(Tag.LinkType, enumeration(e.LinkType)),
  linkedObjectIdentifier: required(Tag.LinkedObjectIdentifier, textString),
});

export const applicationSpecificInformation = structure({
  namespace: required(Tag.ApplicationNamespace, textString),
  data: optional(Tag.ApplicationData, textString),
});

export const keyValueLocation = structure({
  value: required(Tag.KeyValueLocationValue, textString),
  type: required(Tag.KeyValueLocationType, enumeration(e.KeyValueLocationType)),
});

export const randomNumberGenerator = structure({
  algorithm: required(Tag.RNGAlgorithm, enumeration(e.RNGAlgorithm)),
  cryptographicAlgorithm: optional(
    Tag.CryptographicAlgorithm,
    enumeration(e.CryptographicAlgorithm),
  ),
  cryptographicLength: optional(Tag.CryptographicLength, integer),
  hashingAlgorithm: optional(Tag.HashingAlgorithm, enumeration(e.HashingAlgorithm)),
  drbgAlgorithm: optional(Tag.DRBGAlgorithm, enumeration(e.DRBGAlgorithm)),
  recommendedCurve: optional(Tag.RecommendedCurve, enumeration(e.RecommendedCurve)),
  fips186Variation: optional(Tag.FIPS186Variation, enumeration(e.FIPS186Variation)),
  predictionResistance: optional(Tag.PredictionResistance, boolean),
});

export const x509CertificateIdentifier = structure({
  issuer: required(Tag.IssuerDistinguishedName, byteString),
  serialNumber: required(Tag.CertificateSerialNumber, byteString),
});

export const x509CertificateSubject = structure({
  subject: required(Tag.SubjectDistinguishedName, byteString),
  alternativeNames: repeated(Tag.SubjectAlternativeName, byteString),
});

export const x509CertificateIssuer = structure({
  issuer: required(Tag.IssuerDistinguishedName, byteString),
  alternativeNames: repeated(Tag.IssuerAlternativeName, byteString),
});
