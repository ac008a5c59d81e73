/** The bit masks of KMIP 1.0 to 2.1 (KMIP 2.1 §12, KMIP 1.4 §9.1.3.3). */

export const CryptographicUsageMask = {
  Sign: 0x01,
  Verify: 0x02,
  Encrypt: 0x04,
  Decrypt: 0x08,
  WrapKey: 0x10,
  UnwrapKey: 0x20,
  Export: 0x40,
  MACGenerate: 0x80,
  MACVerify: 0x100,
  DeriveKey: 0x200,
  ContentCommitmentNonRepudiation: 0x400,
  KeyAgreement: 0x800,
  CertificateSign: 0x1000,
  CRLSign: 0x2000,
  GenerateCryptogram: 0x4000,
  ValidateCryptogram: 0x8000,
  TranslateEncrypt: 0x10000,
  TranslateDecrypt: 0x20000,
  TranslateWrap: 0x40000,
  TranslateUnwrap: 0x80000,
  Authenticate: 0x100000, // 2.0
  Unrestricted: 0x200000, // 2.0
  FPEEncrypt: 0x400000, // 2.0
  FPEDecrypt: 0x800000, // 2.0
} as const;

export const ProtectionStorageMask = {
  Software: 0x01, // 2.0
  Hardware: 0x02, // 2.0
  OnProcessor: 0x04, // 2.0
  OnSystem: 0x08, // 2.0
  OffSystem: 0x10, // 2.0
  Hypervisor: 0x20, // 2.0
  OperatingSystem: 0x40, // 2.0
  Container: 0x80, // 2.0
  OnPremises: 0x100, // 2.0
  OffPremises: 0x200, // 2.0
  SelfManaged: 0x400, // 2.0
  Outsourced: 0x800, // 2.0
  Validated: 0x1000, // 2.0
  SameJurisdiction: 0x2000, // 2.0
} as const;

export const StorageStatusMask = {
  OnLineStorage: 0x01,
  ArchivalStorage: 0x02,
  DestroyedStorage: 0x04, // 2.0
} as const;
