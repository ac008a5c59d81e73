/**
 * The enumerations of KMIP 1.0 to 2.1 (KMIP 2.1 §11, KMIP 1.4 §9.1.3.2). Names are spelt as the XML
 * profile spells them. A comment names the version that brought a value; those without one are
 * from 1.0. Values of 8XXXXXXX belong to vendors and stand in no table.
 */

/** The name of a value, or its eight hexadecimal digits where the table has none. */
export function nameOf(enumeration: Readonly<Record<string, number>>, value: number): string {
  for (const [name, number] of Object.entries(enumeration)) {
    if (number === value) return name;
  }
  return `0x${value.toString(16).padStart(8, '0')}`;
}

export const AdjustmentType = {
  Increment: 0x01, // 2.0
  Decrement: 0x02, // 2.0
  Negate: 0x03, // 2.0
} as const;

export type AdjustmentType = (typeof AdjustmentType)[keyof typeof AdjustmentType];

export const AlternativeNameType = {
  UninterpretedTextString: 0x01, // 1.2
  URI: 0x02, // 1.2
  ObjectSerialNumber: 0x03, // 1.2
  EmailAddress: 0x04, // 1.2
  DNSName: 0x05, // 1.2
  X_500DistinguishedName: 0x06, // 1.2
  IPAddress: 0x07, // 1.2
} as const;

export type AlternativeNameType = (typeof AlternativeNameType)[keyof typeof AlternativeNameType];

export const AsynchronousIndicator = {
  Mandatory: 0x01, // 2.0
  Optional: 0x02, // 2.0
  Prohibited: 0x03, // 2.0
} as const;

export type AsynchronousIndicator =
  (typeof AsynchronousIndicator)[keyof typeof AsynchronousIndicator];

export const AttestationType = {
  TPMQuote: 0x01, // 1.2
  TCGIntegrityReport: 0x02, // 1.2
  SAMLAssertion: 0x03, // 1.2
} as const;

export type AttestationType = (typeof AttestationType)[keyof typeof AttestationType];

export const BatchErrorContinuationOption = {
  Continue: 0x01,
  Stop: 0x02,
  Undo: 0x03,
} as const;

export type BatchErrorContinuationOption =
  (typeof BatchErrorContinuationOption)[keyof typeof BatchErrorContinuationOption];

export const BlockCipherMode = {
  CBC: 0x01,
  ECB: 0x02,
  PCBC: 0x03,
  CFB: 0x04,
  OFB: 0x05,
  CTR: 0x06,
  CMAC: 0x07,
  CCM: 0x08,
  GCM: 0x09,
  CBC_MAC: 0x0a,
  XTS: 0x0b,
  AESKeyWrapPadding: 0x0c,
  NISTKeyWrap: 0x0d,
  X9_102AESKW: 0x0e,
  X9_102TDKW: 0x0f,
  X9_102AKW1: 0x10,
  X9_102AKW2: 0x11,
  AEAD: 0x12, // 1.4
} as const;

export type BlockCipherMode = (typeof BlockCipherMode)[keyof typeof BlockCipherMode];

export const CancellationResult = {
  Canceled: 0x01,
  UnableToCancel: 0x02,
  Completed: 0x03,
  Failed: 0x04,
  Unavailable: 0x05,
} as const;

export type CancellationResult = (typeof CancellationResult)[keyof typeof CancellationResult];

export const CertificateRequestType = {
  CRMF: 0x01,
  PKCS_10: 0x02,
  PEM: 0x03,
  PGP: 0x04,
} as const;

export type CertificateRequestType =
  (typeof CertificateRequestType)[keyof typeof CertificateRequestType];

export const CertificateType = {
  X_509: 0x01,
  PGP: 0x02,
} as const;

export type CertificateType = (typeof CertificateType)[keyof typeof CertificateType];

export const ClientRegistrationMethod = {
  Unspecified: 0x01, // 1.3
  ServerPreGenerated: 0x02, // 1.3
  ServerOnDemand: 0x03, // 1.3
  ClientGenerated: 0x04, // 1.3
  ClientRegistered: 0x05, // 1.3
} as const;

export type ClientRegistrationMethod =
  (typeof ClientRegistrationMethod)[keyof typeof ClientRegistrationMethod];

export const CredentialType = {
  UsernameAndPassword: 0x01,
  Device: 0x02, // 1.1
  Attestation: 0x03, // 1.2
  OneTimePassword: 0x04, // 2.0
  HashedPassword: 0x05, // 2.0
  Ticket: 0x06, // 2.0
} as const;

export type CredentialType = (typeof CredentialType)[keyof typeof CredentialType];

export const CryptographicAlgorithm = {
  DES: 0x01,
  DES3: 0x02,
  AES: 0x03,
  RSA: 0x04,
  DSA: 0x05,
  ECDSA: 0x06,
  HMAC_SHA1: 0x07,
  HMAC_SHA224: 0x08,
  HMAC_SHA256: 0x09,
  HMAC_SHA384: 0x0a,
  HMAC_SHA512: 0x0b,
  HMAC_MD5: 0x0c,
  DH: 0x0d,
  ECDH: 0x0e,
  ECMQV: 0x0f,
  Blowfish: 0x10,
  Camellia: 0x11,
  CAST5: 0x12,
  IDEA: 0x13,
  MARS: 0x14,
  RC2: 0x15,
  RC4: 0x16,
  RC5: 0x17,
  SKIPJACK: 0x18,
  Twofish: 0x19,
  EC: 0x1a, // 1.2
  OneTimePad: 0x1b, // 1.3
  ChaCha20: 0x1c, // 1.4
  Poly1305: 0x1d, // 1.4
  ChaCha20Poly1305: 0x1e, // 1.4
  SHA3_224: 0x1f, // 1.4
  SHA3_256: 0x20, // 1.4
  SHA3_384: 0x21, // 1.4
  SHA3_512: 0x22, // 1.4
  HMAC_SHA3_224: 0x23, // 1.4
  HMAC_SHA3_256: 0x24, // 1.4
  HMAC_SHA3_384: 0x25, // 1.4
  HMAC_SHA3_512: 0x26, // 1.4
  SHAKE_128: 0x27, // 1.4
  SHAKE_256: 0x28, // 1.4
  ARIA: 0x29, // 2.0
  SEED: 0x2a, // 2.0
  SM2: 0x2b, // 2.0
  SM3: 0x2c, // 2.0
  SM4: 0x2d, // 2.0
  GOSTR34_10_2012: 0x2e, // 2.0
  GOSTR34_11_2012: 0x2f, // 2.0
  GOSTR34_13_2015: 0x30, // 2.0
  GOST28147_89: 0x31, // 2.0
  XMSS: 0x32, // 2.0
  SPHINCS_256: 0x33, // 2.0
  McEliece: 0x34, // 2.0
  McEliece_6960119: 0x35, // 2.0
  McEliece_8192128: 0x36, // 2.0
  Ed25519: 0x37, // 2.0
  Ed448: 0x38, // 2.0
} as const;

export type CryptographicAlgorithm =
  (typeof CryptographicAlgorithm)[keyof typeof CryptographicAlgorithm];

export const DRBGAlgorithm = {
  Unspecified: 0x01, // 1.3
  DualEC: 0x02, // 1.3
  Hash: 0x03, // 1.3
  HMAC: 0x04, // 1.3
  CTR: 0x05, // 1.3
} as const;

export type DRBGAlgorithm = (typeof DRBGAlgorithm)[keyof typeof DRBGAlgorithm];

export const DataEnumeration = {
  Decrypt: 0x01, // 2.0
  Encrypt: 0x02, // 2.0
  Hash: 0x03, // 2.0
  MACMACData: 0x04, // 2.0
  RNGRetrieve: 0x05, // 2.0
  SignSignatureData: 0x06, // 2.0
  SignatureVerify: 0x07, // 2.0
} as const;

export type DataEnumeration = (typeof DataEnumeration)[keyof typeof DataEnumeration];

export const DerivationMethod = {
  PBKDF2: 0x01,
  HASH: 0x02,
  HMAC: 0x03,
  ENCRYPT: 0x04,
  NIST800_108_C: 0x05,
  NIST800_108_F: 0x06,
  NIST800_108_DPI: 0x07,
  AsymmetricKey: 0x08, // 1.4
  AWSSignatureVersion4: 0x09, // 2.0
  HKDF: 0x0a, // 2.0
} as const;

export type DerivationMethod = (typeof DerivationMethod)[keyof typeof DerivationMethod];

export const DestroyAction = {
  Unspecified: 0x01, // 1.3
  KeyMaterialDeleted: 0x02, // 1.3
  KeyMaterialShredded: 0x03, // 1.3
  MetaDataDeleted: 0x04, // 1.3
  MetaDataShredded: 0x05, // 1.3
  Deleted: 0x06, // 1.3
  Shredded: 0x07, // 1.3
} as const;

export type DestroyAction = (typeof DestroyAction)[keyof typeof DestroyAction];

export const DigitalSignatureAlgorithm = {
  MD2WithRSAEncryptionPKCS_1V1_5: 0x01, // 1.1
  MD5WithRSAEncryptionPKCS_1V1_5: 0x02, // 1.1
  SHA_1WithRSAEncryptionPKCS_1V1_5: 0x03, // 1.1
  SHA_224WithRSAEncryptionPKCS_1V1_5: 0x04, // 1.1
  SHA_256WithRSAEncryptionPKCS_1V1_5: 0x05, // 1.1
  SHA_384WithRSAEncryptionPKCS_1V1_5: 0x06, // 1.1
  SHA_512WithRSAEncryptionPKCS_1V1_5: 0x07, // 1.1
  RSASSA_PSSPKCS_1V2_1: 0x08, // 1.1
  DSAWithSHA_1: 0x09, // 1.1
  DSAWithSHA224: 0x0a, // 1.1
  DSAWithSHA256: 0x0b, // 1.1
  ECDSAWithSHA_1: 0x0c, // 1.1
  ECDSAWithSHA224: 0x0d, // 1.1
  ECDSAWithSHA256: 0x0e, // 1.1
  ECDSAWithSHA384: 0x0f, // 1.1
  ECDSAWithSHA512: 0x10, // 1.1
  SHA3_256WithRSAEncryption: 0x11, // 1.4
  SHA3_384WithRSAEncryption: 0x12, // 1.4
  SHA3_512WithRSAEncryption: 0x13, // 1.4
} as const;

export type DigitalSignatureAlgorithm =
  (typeof DigitalSignatureAlgorithm)[keyof typeof DigitalSignatureAlgorithm];

export const EncodingOption = {
  NoEncoding: 0x01, // 1.1
  TTLVEncoding: 0x02, // 1.1
} as const;

export type EncodingOption = (typeof EncodingOption)[keyof typeof EncodingOption];

export const EndpointRole = {
  Client: 0x01, // 2.0
  Server: 0x02, // 2.0
} as const;

export type EndpointRole = (typeof EndpointRole)[keyof typeof EndpointRole];

export const FIPS186Variation = {
  Unspecified: 0x01, // 1.3
  GPXOriginal: 0x02, // 1.3
  GPXChangeNotice: 0x03, // 1.3
  xOriginal: 0x04, // 1.3
  xChangeNotice: 0x05, // 1.3
  kOriginal: 0x06, // 1.3
  kChangeNotice: 0x07, // 1.3
} as const;

export type FIPS186Variation = (typeof FIPS186Variation)[keyof typeof FIPS186Variation];

export const HashingAlgorithm = {
  MD2: 0x01,
  MD4: 0x02,
  MD5: 0x03,
  SHA_1: 0x04,
  SHA_224: 0x05,
  SHA_256: 0x06,
  SHA_384: 0x07,
  SHA_512: 0x08,
  RIPEMD_160: 0x09,
  Tiger: 0x0a,
  Whirlpool: 0x0b,
  SHA_512_224: 0x0c, // 1.2
  SHA_512_256: 0x0d, // 1.2
  SHA_3_224: 0x0e, // 1.4
  SHA_3_256: 0x0f, // 1.4
  SHA_3_384: 0x10, // 1.4
  SHA_3_512: 0x11, // 1.4
} as const;

export type HashingAlgorithm = (typeof HashingAlgorithm)[keyof typeof HashingAlgorithm];

export const InteropFunction = {
  Begin: 0x01, // 2.0
  End: 0x02, // 2.0
  Reset: 0x03, // 2.0
} as const;

export type InteropFunction = (typeof InteropFunction)[keyof typeof InteropFunction];

export const ItemType = {
  Structure: 0x01, // 2.0
  Integer: 0x02, // 2.0
  LongInteger: 0x03, // 2.0
  BigInteger: 0x04, // 2.0
  Enumeration: 0x05, // 2.0
  Boolean: 0x06, // 2.0
  TextString: 0x07, // 2.0
  ByteString: 0x08, // 2.0
  DateTime: 0x09, // 2.0
  Interval: 0x0a, // 2.0
  DateTimeExtended: 0x0b, // 2.0
} as const;

export type ItemType = (typeof ItemType)[keyof typeof ItemType];

export const KeyCompressionType = {
  ECPublicKeyTypeUncompressed: 0x01,
  ECPublicKeyTypeX9_62CompressedPrime: 0x02,
  ECPublicKeyTypeX9_62CompressedChar2: 0x03,
  ECPublicKeyTypeX9_62Hybrid: 0x04,
} as const;

export type KeyCompressionType = (typeof KeyCompressionType)[keyof typeof KeyCompressionType];

export const KeyFormatType = {
  Raw: 0x01,
  Opaque: 0x02,
  PKCS_1: 0x03,
  PKCS_8: 0x04,
  X_509: 0x05,
  ECPrivateKey: 0x06,
  TransparentSymmetricKey: 0x07,
  TransparentDSAPrivateKey: 0x08,
  TransparentDSAPublicKey: 0x09,
  TransparentRSAPrivateKey: 0x0a,
  TransparentRSAPublicKey: 0x0b,
  TransparentDHPrivateKey: 0x0c,
  TransparentDHPublicKey: 0x0d,
  TransparentECDSAPrivateKey: 0x0e,
  TransparentECDSAPublicKey: 0x0f,
  TransparentECDHPrivateKey: 0x10,
  TransparentECDHPublicKey: 0x11,
  TransparentECMQVPrivateKey: 0x12,
  TransparentECMQVPublicKey: 0x13,
  TransparentECPrivateKey: 0x14, // 1.3
  TransparentECPublicKey: 0x15, // 1.3
  PKCS_12: 0x16, // 1.4
  PKCS_10: 0x17, // 2.0
} as const;

export type KeyFormatType = (typeof KeyFormatType)[keyof typeof KeyFormatType];

export const KeyRoleType = {
  BDK: 0x01,
  CVK: 0x02,
  DEK: 0x03,
  MKAC: 0x04,
  MKSMC: 0x05,
  MKSMI: 0x06,
  MKDAC: 0x07,
  MKDN: 0x08,
  MKCP: 0x09,
  MKOTH: 0x0a,
  KEK: 0x0b,
  MAC16609: 0x0c,
  MAC97971: 0x0d,
  MAC97972: 0x0e,
  MAC97973: 0x0f,
  MAC97974: 0x10,
  MAC97975: 0x11,
  ZPK: 0x12,
  PVKIBM: 0x13,
  PVKPVV: 0x14,
  PVKOTH: 0x15,
  DUKPT: 0x16, // 1.4
  IV: 0x17, // 1.4
  TRKBK: 0x18, // 1.4
} as const;

export type KeyRoleType = (typeof KeyRoleType)[keyof typeof KeyRoleType];

export const KeyValueLocationType = {
  UninterpretedTextString: 0x01, // 1.2
  URI: 0x02, // 1.2
} as const;

export type KeyValueLocationType = (typeof KeyValueLocationType)[keyof typeof KeyValueLocationType];

export const KeyWrapType = {
  NotWrapped: 0x01, // 1.4
  AsRegistered: 0x02, // 1.4
} as const;

export type KeyWrapType = (typeof KeyWrapType)[keyof typeof KeyWrapType];

export const LinkType = {
  CertificateLink: 0x101,
  PublicKeyLink: 0x102,
  PrivateKeyLink: 0x103,
  DerivationBaseObjectLink: 0x104,
  DerivedKeyLink: 0x105,
  ReplacementObjectLink: 0x106,
  ReplacedObjectLink: 0x107,
  ParentLink: 0x108, // 1.2
  ChildLink: 0x109, // 1.2
  PreviousLink: 0x10a, // 1.2
  NextLink: 0x10b, // 1.2
  PKCS_12CertificateLink: 0x10c, // 1.4
  PKCS_12PasswordLink: 0x10d, // 1.4
  WrappingKeyLink: 0x10e, // 2.0
} as const;

export type LinkType = (typeof LinkType)[keyof typeof LinkType];

export const MaskGenerator = {
  MGF1: 0x01, // 1.4
} as const;

export type MaskGenerator = (typeof MaskGenerator)[keyof typeof MaskGenerator];

export const NISTKeyType = {
  PrivateSignatureKey: 0x01, // 2.0
  PublicSignatureVerificationKey: 0x02, // 2.0
  SymmetricAuthenticationKey: 0x03, // 2.0
  PrivateAuthenticationKey: 0x04, // 2.0
  PublicAuthenticationKey: 0x05, // 2.0
  SymmetricDataEncryptionKey: 0x06, // 2.0
  SymmetricKeyWrappingKey: 0x07, // 2.0
  SymmetricRandomNumberGenerationKey: 0x08, // 2.0
  SymmetricMasterKey: 0x09, // 2.0
  PrivateKeyTransportKey: 0x0a, // 2.0
  PublicKeyTransportKey: 0x0b, // 2.0
  SymmetricKeyAgreementKey: 0x0c, // 2.0
  PrivateStaticKeyAgreementKey: 0x0d, // 2.0
  PublicStaticKeyAgreementKey: 0x0e, // 2.0
  PrivateEphemeralKeyAgreementKey: 0x0f, // 2.0
  PublicEphemeralKeyAgreementKey: 0x10, // 2.0
  SymmetricAuthorizationKey: 0x11, // 2.0
  PrivateAuthorizationKey: 0x12, // 2.0
  PublicAuthorizationKey: 0x13, // 2.0
} as const;

export type NISTKeyType = (typeof NISTKeyType)[keyof typeof NISTKeyType];

export const NameType = {
  UninterpretedTextString: 0x01,
  URI: 0x02,
} as const;

export type NameType = (typeof NameType)[keyof typeof NameType];

export const ObjectGroupMember = {
  GroupMemberFresh: 0x01, // 1.1
  GroupMemberDefault: 0x02, // 1.1
} as const;

export type ObjectGroupMember = (typeof ObjectGroupMember)[keyof typeof ObjectGroupMember];

export const ObjectType = {
  Certificate: 0x01,
  SymmetricKey: 0x02,
  PublicKey: 0x03,
  PrivateKey: 0x04,
  SplitKey: 0x05,
  Template: 0x06,
  SecretData: 0x07,
  OpaqueObject: 0x08,
  PGPKey: 0x09, // 1.2
  CertificateRequest: 0x0a, // 2.0
} as const;

export type ObjectType = (typeof ObjectType)[keyof typeof ObjectType];

export const Operation = {
  Create: 0x01,
  CreateKeyPair: 0x02,
  Register: 0x03,
  ReKey: 0x04,
  DeriveKey: 0x05,
  Certify: 0x06,
  ReCertify: 0x07,
  Locate: 0x08,
  Check: 0x09,
  Get: 0x0a,
  GetAttributes: 0x0b,
  GetAttributeList: 0x0c,
  AddAttribute: 0x0d,
  ModifyAttribute: 0x0e,
  DeleteAttribute: 0x0f,
  ObtainLease: 0x10,
  GetUsageAllocation: 0x11,
  Activate: 0x12,
  Revoke: 0x13,
  Destroy: 0x14,
  Archive: 0x15,
  Recover: 0x16,
  Validate: 0x17,
  Query: 0x18,
  Cancel: 0x19,
  Poll: 0x1a,
  Notify: 0x1b,
  Put: 0x1c,
  ReKeyKeyPair: 0x1d, // 1.1
  DiscoverVersions: 0x1e, // 1.1
  Encrypt: 0x1f, // 1.2
  Decrypt: 0x20, // 1.2
  Sign: 0x21, // 1.2
  SignatureVerify: 0x22, // 1.2
  MAC: 0x23, // 1.2
  MACVerify: 0x24, // 1.2
  RNGRetrieve: 0x25, // 1.2
  RNGSeed: 0x26, // 1.2
  Hash: 0x27, // 1.2
  CreateSplitKey: 0x28, // 1.2
  JoinSplitKey: 0x29, // 1.2
  Import: 0x2a, // 1.4
  Export: 0x2b, // 1.4
  Log: 0x2c, // 2.0
  Login: 0x2d, // 2.0
  Logout: 0x2e, // 2.0
  DelegatedLogin: 0x2f, // 2.0
  AdjustAttribute: 0x30, // 2.0
  SetAttribute: 0x31, // 2.0
  SetEndpointRole: 0x32, // 2.0
  PKCS_11: 0x33, // 2.0
  Interop: 0x34, // 2.0
  ReProvision: 0x35, // 2.0
  SetDefaults: 0x36, // 2.1
  SetConstraints: 0x37, // 2.1
  GetConstraints: 0x38, // 2.1
  QueryAsynchronousRequests: 0x39, // 2.1
  Process: 0x3a, // 2.1
  Ping: 0x3b, // 2.1
} as const;

export type Operation = (typeof Operation)[keyof typeof Operation];

export const PaddingMethod = {
  None: 0x01,
  OAEP: 0x02,
  PKCS5: 0x03,
  SSL3: 0x04,
  Zeros: 0x05,
  ANSIX9_23: 0x06,
  ISO10126: 0x07,
  PKCS1V1_5: 0x08,
  X9_31: 0x09,
  PSS: 0x0a,
} as const;

export type PaddingMethod = (typeof PaddingMethod)[keyof typeof PaddingMethod];

export const ProcessingStage = {
  Submitted: 0x01, // 2.1
  InProcess: 0x02, // 2.1
  Completed: 0x03, // 2.1
} as const;

export type ProcessingStage = (typeof ProcessingStage)[keyof typeof ProcessingStage];

export const ProfileName = {
  BaselineServerBasicKMIPV1_2: 0x01, // 1.3
  BaselineServerTLSV1_2KMIPV1_2: 0x02, // 1.3
  BaselineClientBasicKMIPV1_2: 0x03, // 1.3
  BaselineClientTLSV1_2KMIPV1_2: 0x04, // 1.3
  CompleteServerBasicKMIPV1_2: 0x05, // 1.3
  CompleteServerTLSV1_2KMIPV1_2: 0x06, // 1.3
  TapeLibraryClientKMIPV1_0: 0x07, // 1.3
  TapeLibraryClientKMIPV1_1: 0x08, // 1.3
  TapeLibraryClientKMIPV1_2: 0x09, // 1.3
  TapeLibraryServerKMIPV1_0: 0x0a, // 1.3
  TapeLibraryServerKMIPV1_1: 0x0b, // 1.3
  TapeLibraryServerKMIPV1_2: 0x0c, // 1.3
  SymmetricKeyLifecycleClientKMIPV1_0: 0x0d, // 1.3
  SymmetricKeyLifecycleClientKMIPV1_1: 0x0e, // 1.3
  SymmetricKeyLifecycleClientKMIPV1_2: 0x0f, // 1.3
  SymmetricKeyLifecycleServerKMIPV1_0: 0x10, // 1.3
  SymmetricKeyLifecycleServerKMIPV1_1: 0x11, // 1.3
  SymmetricKeyLifecycleServerKMIPV1_2: 0x12, // 1.3
  AsymmetricKeyLifecycleClientKMIPV1_0: 0x13, // 1.3
  AsymmetricKeyLifecycleClientKMIPV1_1: 0x14, // 1.3
  AsymmetricKeyLifecycleClientKMIPV1_2: 0x15, // 1.3
  AsymmetricKeyLifecycleServerKMIPV1_0: 0x16, // 1.3
  AsymmetricKeyLifecycleServerKMIPV1_1: 0x17, // 1.3
  AsymmetricKeyLifecycleServerKMIPV1_2: 0x18, // 1.3
  BasicCryptographicClientKMIPV1_2: 0x19, // 1.3
  BasicCryptographicServerKMIPV1_2: 0x1a, // 1.3
  AdvancedCryptographicClientKMIPV1_2: 0x1b, // 1.3
  AdvancedCryptographicServerKMIPV1_2: 0x1c, // 1.3
  RNGCryptographicClientKMIPV1_2: 0x1d, // 1.3
  RNGCryptographicServerKMIPV1_2: 0x1e, // 1.3
  BasicSymmetricKeyFoundryClientKMIPV1_0: 0x1f, // 1.3
  IntermediateSymmetricKeyFoundryClientKMIPV1_0: 0x20, // 1.3
  AdvancedSymmetricKeyFoundryClientKMIPV1_0: 0x21, // 1.3
  BasicSymmetricKeyFoundryClientKMIPV1_1: 0x22, // 1.3
  IntermediateSymmetricKeyFoundryClientKMIPV1_1: 0x23, // 1.3
  AdvancedSymmetricKeyFoundryClientKMIPV1_1: 0x24, // 1.3
  BasicSymmetricKeyFoundryClientKMIPV1_2: 0x25, // 1.3
  IntermediateSymmetricKeyFoundryClientKMIPV1_2: 0x26, // 1.3
  AdvancedSymmetricKeyFoundryClientKMIPV1_2: 0x27, // 1.3
  SymmetricKeyFoundryServerKMIPV1_0: 0x28, // 1.3
  SymmetricKeyFoundryServerKMIPV1_1: 0x29, // 1.3
  SymmetricKeyFoundryServerKMIPV1_2: 0x2a, // 1.3
  OpaqueManagedObjectStoreClientKMIPV1_0: 0x2b, // 1.3
  OpaqueManagedObjectStoreClientKMIPV1_1: 0x2c, // 1.3
  OpaqueManagedObjectStoreClientKMIPV1_2: 0x2d, // 1.3
  OpaqueManagedObjectStoreServerKMIPV1_0: 0x2e, // 1.3
  OpaqueManagedObjectStoreServerKMIPV1_1: 0x2f, // 1.3
  OpaqueManagedObjectStoreServerKMIPV1_2: 0x30, // 1.3
  SuiteBMinLOS_128ClientKMIPV1_0: 0x31, // 1.3
  SuiteBMinLOS_128ClientKMIPV1_1: 0x32, // 1.3
  SuiteBMinLOS_128ClientKMIPV1_2: 0x33, // 1.3
  SuiteBMinLOS_128ServerKMIPV1_0: 0x34, // 1.3
  SuiteBMinLOS_128ServerKMIPV1_1: 0x35, // 1.3
  SuiteBMinLOS_128ServerKMIPV1_2: 0x36, // 1.3
  SuiteBMinLOS_192ClientKMIPV1_0: 0x37, // 1.3
  SuiteBMinLOS_192ClientKMIPV1_1: 0x38, // 1.3
  SuiteBMinLOS_192ClientKMIPV1_2: 0x39, // 1.3
  SuiteBMinLOS_192ServerKMIPV1_0: 0x3a, // 1.3
  SuiteBMinLOS_192ServerKMIPV1_1: 0x3b, // 1.3
  SuiteBMinLOS_192ServerKMIPV1_2: 0x3c, // 1.3
  StorageArrayWithSelfEncryptingDriveClientKMIPV1_0: 0x3d, // 1.3
  StorageArrayWithSelfEncryptingDriveClientKMIPV1_1: 0x3e, // 1.3
  StorageArrayWithSelfEncryptingDriveClientKMIPV1_2: 0x3f, // 1.3
  StorageArrayWithSelfEncryptingDriveServerKMIPV1_0: 0x40, // 1.3
  StorageArrayWithSelfEncryptingDriveServerKMIPV1_1: 0x41, // 1.3
  StorageArrayWithSelfEncryptingDriveServerKMIPV1_2: 0x42, // 1.3
  HTTPSClientKMIPV1_0: 0x43, // 1.3
  HTTPSClientKMIPV1_1: 0x44, // 1.3
  HTTPSClientKMIPV1_2: 0x45, // 1.3
  HTTPSServerKMIPV1_0: 0x46, // 1.3
  HTTPSServerKMIPV1_1: 0x47, // 1.3
  HTTPSServerKMIPV1_2: 0x48, // 1.3
  JSONClientKMIPV1_0: 0x49, // 1.3
  JSONClientKMIPV1_1: 0x4a, // 1.3
  JSONClientKMIPV1_2: 0x4b, // 1.3
  JSONServerKMIPV1_0: 0x4c, // 1.3
  JSONServerKMIPV1_1: 0x4d, // 1.3
  JSONServerKMIPV1_2: 0x4e, // 1.3
  XMLClientKMIPV1_0: 0x4f, // 1.3
  XMLClientKMIPV1_1: 0x50, // 1.3
  XMLClientKMIPV1_2: 0x51, // 1.3
  XMLServerKMIPV1_0: 0x52, // 1.3
  XMLServerKMIPV1_1: 0x53, // 1.3
  XMLServerKMIPV1_2: 0x54, // 1.3
  BaselineServerBasicKMIPV1_3: 0x55, // 1.3
  BaselineServerTLSV1_2KMIPV1_3: 0x56, // 1.3
  BaselineClientBasicKMIPV1_3: 0x57, // 1.3
  BaselineClientTLSV1_2KMIPV1_3: 0x58, // 1.3
  CompleteServerBasicKMIPV1_3: 0x59, // 1.3
  CompleteServerTLSV1_2KMIPV1_3: 0x5a, // 1.3
  TapeLibraryClientKMIPV1_3: 0x5b, // 1.3
  TapeLibraryServerKMIPV1_3: 0x5c, // 1.3
  SymmetricKeyLifecycleClientKMIPV1_3: 0x5d, // 1.3
  SymmetricKeyLifecycleServerKMIPV1_3: 0x5e, // 1.3
  AsymmetricKeyLifecycleClientKMIPV1_3: 0x5f, // 1.3
  AsymmetricKeyLifecycleServerKMIPV1_3: 0x60, // 1.3
  BasicCryptographicClientKMIPV1_3: 0x61, // 1.3
  BasicCryptographicServerKMIPV1_3: 0x62, // 1.3
  AdvancedCryptographicClientKMIPV1_3: 0x63, // 1.3
  AdvancedCryptographicServerKMIPV1_3: 0x64, // 1.3
  RNGCryptographicClientKMIPV1_3: 0x65, // 1.3
  RNGCryptographicServerKMIPV1_3: 0x66, // 1.3
  BasicSymmetricKeyFoundryClientKMIPV1_3: 0x67, // 1.3
  IntermediateSymmetricKeyFoundryClientKMIPV1_3: 0x68, // 1.3
  AdvancedSymmetricKeyFoundryClientKMIPV1_3: 0x69, // 1.3
  SymmetricKeyFoundryServerKMIPV1_3: 0x6a, // 1.3
  OpaqueManagedObjectStoreClientKMIPV1_3: 0x6b, // 1.3
  OpaqueManagedObjectStoreServerKMIPV1_3: 0x6c, // 1.3
  SuiteBMinLOS_128ClientKMIPV1_3: 0x6d, // 1.3
  SuiteBMinLOS_128ServerKMIPV1_3: 0x6e, // 1.3
  SuiteBMinLOS_192ClientKMIPV1_3: 0x6f, // 1.3
  SuiteBMinLOS_192ServerKMIPV1_3: 0x70, // 1.3
  StorageArrayWithSelfEncryptingDriveClientKMIPV1_3: 0x71, // 1.3
  StorageArrayWithSelfEncryptingDriveServerKMIPV1_3: 0x72, // 1.3
  HTTPSClientKMIPV1_3: 0x73, // 1.3
  HTTPSServerKMIPV1_3: 0x74, // 1.3
  JSONClientKMIPV1_3: 0x75, // 1.3
  JSONServerKMIPV1_3: 0x76, // 1.3
  XMLClientKMIPV1_3: 0x77, // 1.3
  XMLServerKMIPV1_3: 0x78, // 1.3
  BaselineServerBasicKMIPV1_4: 0x79, // 1.4
  BaselineServerTLSV1_2KMIPV1_4: 0x7a, // 1.4
  BaselineClientBasicKMIPV1_4: 0x7b, // 1.4
  BaselineClientTLSV1_2KMIPV1_4: 0x7c, // 1.4
  CompleteServerBasicKMIPV1_4: 0x7d, // 1.4
  CompleteServerTLSV1_2KMIPV1_4: 0x7e, // 1.4
  TapeLibraryClientKMIPV1_4: 0x7f, // 1.4
  TapeLibraryServerKMIPV1_4: 0x80, // 1.4
  SymmetricKeyLifecycleClientKMIPV1_4: 0x81, // 1.4
  SymmetricKeyLifecycleServerKMIPV1_4: 0x82, // 1.4
  AsymmetricKeyLifecycleClientKMIPV1_4: 0x83, // 1.4
  AsymmetricKeyLifecycleServerKMIPV1_4: 0x84, // 1.4
  BasicCryptographicClientKMIPV1_4: 0x85, // 1.4
  BasicCryptographicServerKMIPV1_4: 0x86, // 1.4
  AdvancedCryptographicClientKMIPV1_4: 0x87, // 1.4
  AdvancedCryptographicServerKMIPV1_4: 0x88, // 1.4
  RNGCryptographicClientKMIPV1_4: 0x89, // 1.4
  RNGCryptographicServerKMIPV1_4: 0x8a, // 1.4
  BasicSymmetricKeyFoundryClientKMIPV1_4: 0x8b, // 1.4
  IntermediateSymmetricKeyFoundryClientKMIPV1_4: 0x8c, // 1.4
  AdvancedSymmetricKeyFoundryClientKMIPV1_4: 0x8d, // 1.4
  SymmetricKeyFoundryServerKMIPV1_4: 0x8e, // 1.4
  OpaqueManagedObjectStoreClientKMIPV1_4: 0x8f, // 1.4
  OpaqueManagedObjectStoreServerKMIPV1_4: 0x90, // 1.4
  SuiteBMinLOS_128ClientKMIPV1_4: 0x91, // 1.4
  SuiteBMinLOS_128ServerKMIPV1_4: 0x92, // 1.4
  SuiteBMinLOS_192ClientKMIPV1_4: 0x93, // 1.4
  SuiteBMinLOS_192ServerKMIPV1_4: 0x94, // 1.4
  StorageArrayWithSelfEncryptingDriveClientKMIPV1_4: 0x95, // 1.4
  StorageArrayWithSelfEncryptingDriveServerKMIPV1_4: 0x96, // 1.4
  HTTPSClientKMIPV1_4: 0x97, // 1.4
  HTTPSServerKMIPV1_4: 0x98, // 1.4
  JSONClientKMIPV1_4: 0x99, // 1.4
  JSONServerKMIPV1_4: 0x9a, // 1.4
  XMLClientKMIPV1_4: 0x9b, // 1.4
  XMLServerKMIPV1_4: 0x9c, // 1.4
  CompleteServerBasic: 0x104, // 2.0
  CompleteServerTLSV1_2: 0x105, // 2.0
  TapeLibraryClient: 0x106, // 2.0
  TapeLibraryServer: 0x107, // 2.0
  SymmetricKeyLifecycleClient: 0x108, // 2.0
  SymmetricKeyLifecycleServer: 0x109, // 2.0
  AsymmetricKeyLifecycleClient: 0x10a, // 2.0
  AsymmetricKeyLifecycleServer: 0x10b, // 2.0
  BasicCryptographicClient: 0x10c, // 2.0
  BasicCryptographicServer: 0x10d, // 2.0
  AdvancedCryptographicClient: 0x10e, // 2.0
  AdvancedCryptographicServer: 0x10f, // 2.0
  RNGCryptographicClient: 0x110, // 2.0
  RNGCryptographicServer: 0x111, // 2.0
  BasicSymmetricKeyFoundryClient: 0x112, // 2.0
  IntermediateSymmetricKeyFoundryClient: 0x113, // 2.0
  AdvancedSymmetricKeyFoundryClient: 0x114, // 2.0
  SymmetricKeyFoundryServer: 0x115, // 2.0
  OpaqueManagedObjectStoreClient: 0x116, // 2.0
  OpaqueManagedObjectStoreServer: 0x117, // 2.0
  StorageArrayWithSelfEncryptingDriveClient: 0x11c, // 2.0
  StorageArrayWithSelfEncryptingDriveServer: 0x11d, // 2.0
  HTTPSClient: 0x11e, // 2.0
  HTTPSServer: 0x11f, // 2.0
  JSONClient: 0x120, // 2.0
  JSONServer: 0x121, // 2.0
  XMLClient: 0x122, // 2.0
  XMLServer: 0x123, // 2.0
  AESXTSClient: 0x124, // 2.0
  AESXTSServer: 0x125, // 2.0
  QuantumSafeClient: 0x126, // 2.0
  QuantumSafeServer: 0x127, // 2.0
  PKCS_11Client: 0x128, // 2.0
  PKCS_11Server: 0x129, // 2.0
  BaselineClient: 0x12a, // 2.0
  BaselineServer: 0x12b, // 2.0
  CompleteServer: 0x12c, // 2.0
} as const;

export type ProfileName = (typeof ProfileName)[keyof typeof ProfileName];

export const ProtectionLevel = {
  High: 0x01, // 2.0
  Low: 0x02, // 2.0
} as const;

export type ProtectionLevel = (typeof ProtectionLevel)[keyof typeof ProtectionLevel];

export const PutFunction = {
  New: 0x01,
  Replace: 0x02,
} as const;

export type PutFunction = (typeof PutFunction)[keyof typeof PutFunction];

export const QueryFunction = {
  QueryOperations: 0x01,
  QueryObjects: 0x02,
  QueryServerInformation: 0x03,
  QueryApplicationNamespaces: 0x04,
  QueryExtensionList: 0x05, // 1.1
  QueryExtensionMap: 0x06, // 1.1
  QueryAttestationTypes: 0x07, // 1.2
  QueryRNGs: 0x08, // 1.3
  QueryValidations: 0x09, // 1.3
  QueryProfiles: 0x0a, // 1.3
  QueryCapabilities: 0x0b, // 1.3
  QueryClientRegistrationMethods: 0x0c, // 1.3
  QueryDefaultsInformation: 0x0d, // 2.0
  QueryStorageProtectionMasks: 0x0e, // 2.0
} as const;

export type QueryFunction = (typeof QueryFunction)[keyof typeof QueryFunction];

export const RNGAlgorithm = {
  Unspecified: 0x01, // 1.3
  FIPS186_2: 0x02, // 1.3
  DRBG: 0x03, // 1.3
  NRBG: 0x04, // 1.3
  ANSIX9_31: 0x05, // 1.3
  ANSIX9_62: 0x06, // 1.3
} as const;

export type RNGAlgorithm = (typeof RNGAlgorithm)[keyof typeof RNGAlgorithm];

export const RNGMode = {
  Unspecified: 0x01, // 1.3
  SharedInstantiation: 0x02, // 1.3
  NonSharedInstantiation: 0x03, // 1.3
} as const;

export type RNGMode = (typeof RNGMode)[keyof typeof RNGMode];

export const RecommendedCurve = {
  P_192: 0x01,
  K_163: 0x02,
  B_163: 0x03,
  P_224: 0x04,
  K_233: 0x05,
  B_233: 0x06,
  P_256: 0x07,
  K_283: 0x08,
  B_283: 0x09,
  P_384: 0x0a,
  K_409: 0x0b,
  B_409: 0x0c,
  P_521: 0x0d,
  K_571: 0x0e,
  B_571: 0x0f,
  SECP112R1: 0x10, // 1.2
  SECP112R2: 0x11, // 1.2
  SECP128R1: 0x12, // 1.2
  SECP128R2: 0x13, // 1.2
  SECP160K1: 0x14, // 1.2
  SECP160R1: 0x15, // 1.2
  SECP160R2: 0x16, // 1.2
  SECP192K1: 0x17, // 1.2
  SECP224K1: 0x18, // 1.2
  SECP256K1: 0x19, // 1.2
  SECT113R1: 0x1a, // 1.2
  SECT113R2: 0x1b, // 1.2
  SECT131R1: 0x1c, // 1.2
  SECT131R2: 0x1d, // 1.2
  SECT163R1: 0x1e, // 1.2
  SECT193R1: 0x1f, // 1.2
  SECT193R2: 0x20, // 1.2
  SECT239K1: 0x21, // 1.2
  ANSIX9P192V2: 0x22, // 1.2
  ANSIX9P192V3: 0x23, // 1.2
  ANSIX9P239V1: 0x24, // 1.2
  ANSIX9P239V2: 0x25, // 1.2
  ANSIX9P239V3: 0x26, // 1.2
  ANSIX9C2PNB163V1: 0x27, // 1.2
  ANSIX9C2PNB163V2: 0x28, // 1.2
  ANSIX9C2PNB163V3: 0x29, // 1.2
  ANSIX9C2PNB176V1: 0x2a, // 1.2
  ANSIX9C2TNB191V1: 0x2b, // 1.2
  ANSIX9C2TNB191V2: 0x2c, // 1.2
  ANSIX9C2TNB191V3: 0x2d, // 1.2
  ANSIX9C2PNB208W1: 0x2e, // 1.2
  ANSIX9C2TNB239V1: 0x2f, // 1.2
  ANSIX9C2TNB239V2: 0x30, // 1.2
  ANSIX9C2TNB239V3: 0x31, // 1.2
  ANSIX9C2PNB272W1: 0x32, // 1.2
  ANSIX9C2PNB304W1: 0x33, // 1.2
  ANSIX9C2TNB359V1: 0x34, // 1.2
  ANSIX9C2PNB368W1: 0x35, // 1.2
  ANSIX9C2TNB431R1: 0x36, // 1.2
  BRAINPOOLP160R1: 0x37, // 1.2
  BRAINPOOLP160T1: 0x38, // 1.2
  BRAINPOOLP192R1: 0x39, // 1.2
  BRAINPOOLP192T1: 0x3a, // 1.2
  BRAINPOOLP224R1: 0x3b, // 1.2
  BRAINPOOLP224T1: 0x3c, // 1.2
  BRAINPOOLP256R1: 0x3d, // 1.2
  BRAINPOOLP256T1: 0x3e, // 1.2
  BRAINPOOLP320R1: 0x3f, // 1.2
  BRAINPOOLP320T1: 0x40, // 1.2
  BRAINPOOLP384R1: 0x41, // 1.2
  BRAINPOOLP384T1: 0x42, // 1.2
  BRAINPOOLP512R1: 0x43, // 1.2
  BRAINPOOLP512T1: 0x44, // 1.2
  CURVE25519: 0x45, // 2.0
  CURVE448: 0x46, // 2.0
} as const;

export type RecommendedCurve = (typeof RecommendedCurve)[keyof typeof RecommendedCurve];

export const ResultReason = {
  ItemNotFound: 0x01,
  ResponseTooLarge: 0x02,
  AuthenticationNotSuccessful: 0x03,
  InvalidMessage: 0x04,
  OperationNotSupported: 0x05,
  MissingData: 0x06,
  InvalidField: 0x07,
  FeatureNotSupported: 0x08,
  OperationCanceledByRequester: 0x09,
  CryptographicFailure: 0x0a,
  IllegalOperation: 0x0b,
  PermissionDenied: 0x0c,
  ObjectArchived: 0x0d,
  IndexOutOfBounds: 0x0e,
  ApplicationNamespaceNotSupported: 0x0f,
  KeyFormatTypeNotSupported: 0x10,
  KeyCompressionTypeNotSupported: 0x11,
  EncodingOptionError: 0x12, // 1.1
  KeyValueNotPresent: 0x13, // 1.2
  AttestationRequired: 0x14, // 1.2
  AttestationFailed: 0x15, // 1.2
  Sensitive: 0x16, // 1.4
  NotExtractable: 0x17, // 1.4
  ObjectAlreadyExists: 0x18, // 1.4
  InvalidTicket: 0x19, // 2.0
  UsageLimitExceeded: 0x1a, // 2.0
  NumericRange: 0x1b, // 2.0
  InvalidDataType: 0x1c, // 2.0
  ReadOnlyAttribute: 0x1d, // 2.0
  MultiValuedAttribute: 0x1e, // 2.0
  UnsupportedAttribute: 0x1f, // 2.0
  AttributeInstanceNotFound: 0x20, // 2.0
  AttributeNotFound: 0x21, // 2.0
  AttributeReadOnly: 0x22, // 2.0
  AttributeSingleValued: 0x23, // 2.0
  BadCryptographicParameters: 0x24, // 2.0
  BadPassword: 0x25, // 2.0
  CodecError: 0x26, // 2.0
  IllegalObjectType: 0x28, // 2.0
  IncompatibleCryptographicUsageMask: 0x29, // 2.0
  InternalServerError: 0x2a, // 2.0
  InvalidAsynchronousCorrelationValue: 0x2b, // 2.0
  InvalidAttribute: 0x2c, // 2.0
  InvalidAttributeValue: 0x2d, // 2.0
  InvalidCorrelationValue: 0x2e, // 2.0
  InvalidCSR: 0x2f, // 2.0
  InvalidObjectType: 0x30, // 2.0
  KeyWrapTypeNotSupported: 0x32, // 2.0
  MissingInitializationVector: 0x34, // 2.0
  NonUniqueNameAttribute: 0x35, // 2.0
  ObjectDestroyed: 0x36, // 2.0
  ObjectNotFound: 0x37, // 2.0
  NotAuthorised: 0x39, // 2.0
  ServerLimitExceeded: 0x3a, // 2.0
  UnknownEnumeration: 0x3b, // 2.0
  UnknownMessageExtension: 0x3c, // 2.0
  UnknownTag: 0x3d, // 2.0
  UnsupportedCryptographicParameters: 0x3e, // 2.0
  UnsupportedProtocolVersion: 0x3f, // 2.0
  WrappingObjectArchived: 0x40, // 2.0
  WrappingObjectDestroyed: 0x41, // 2.0
  WrappingObjectNotFound: 0x42, // 2.0
  WrongKeyLifecycleState: 0x43, // 2.0
  ProtectionStorageUnavailable: 0x44, // 2.0
  PKCS_11CodecError: 0x45, // 2.0
  PKCS_11InvalidFunction: 0x46, // 2.0
  PKCS_11InvalidInterface: 0x47, // 2.0
  PrivateProtectionStorageUnavailable: 0x48, // 2.0
  PublicProtectionStorageUnavailable: 0x49, // 2.0
  UnknownObjectGroup: 0x4a, // 2.1
  ConstraintViolation: 0x4b, // 2.1
  DuplicateProcessRequest: 0x4c, // 2.1
  GeneralFailure: 0x100,
} as const;

export type ResultReason = (typeof ResultReason)[keyof typeof ResultReason];

export const ResultStatus = {
  Success: 0x00,
  OperationFailed: 0x01,
  OperationPending: 0x02,
  OperationUndone: 0x03,
} as const;

export type ResultStatus = (typeof ResultStatus)[keyof typeof ResultStatus];

export const RevocationReasonCode = {
  Unspecified: 0x01,
  KeyCompromise: 0x02,
  CACompromise: 0x03,
  AffiliationChanged: 0x04,
  Superseded: 0x05,
  CessationOfOperation: 0x06,
  PrivilegeWithdrawn: 0x07,
} as const;

export type RevocationReasonCode = (typeof RevocationReasonCode)[keyof typeof RevocationReasonCode];

export const RotateNameType = {
  UninterpretedTextString: 0x01, // 2.1
  URI: 0x02, // 2.1
} as const;

export type RotateNameType = (typeof RotateNameType)[keyof typeof RotateNameType];

export const SecretDataType = {
  Password: 0x01,
  Seed: 0x02,
} as const;

export type SecretDataType = (typeof SecretDataType)[keyof typeof SecretDataType];

export const ShreddingAlgorithm = {
  Unspecified: 0x01, // 1.3
  Cryptographic: 0x02, // 1.3
  Unsupported: 0x03, // 1.3
} as const;

export type ShreddingAlgorithm = (typeof ShreddingAlgorithm)[keyof typeof ShreddingAlgorithm];

export const SplitKeyMethod = {
  XOR: 0x01,
  PolynomialSharingGF216: 0x02,
  PolynomialSharingPrimeField: 0x03,
  PolynomialSharingGF28: 0x04, // 1.2
} as const;

export type SplitKeyMethod = (typeof SplitKeyMethod)[keyof typeof SplitKeyMethod];

export const State = {
  PreActive: 0x01,
  Active: 0x02,
  Deactivated: 0x03,
  Compromised: 0x04,
  Destroyed: 0x05,
  DestroyedCompromised: 0x06,
} as const;

export type State = (typeof State)[keyof typeof State];

export const TicketType = {
  Login: 0x01, // 2.0
} as const;

export type TicketType = (typeof TicketType)[keyof typeof TicketType];

export const UniqueIdentifierEnumeration = {
  IDPlaceholder: 0x01, // 2.0
  Certify: 0x02, // 2.0
  Create: 0x03, // 2.0
  CreateKeyPair: 0x04, // 2.0
  CreateKeyPairPrivateKey: 0x05, // 2.0
  CreateKeyPairPublicKey: 0x06, // 2.0
  CreateSplitKey: 0x07, // 2.0
  DeriveKey: 0x08, // 2.0
  Import: 0x09, // 2.0
  JoinSplitKey: 0x0a, // 2.0
  Locate: 0x0b, // 2.0
  Register: 0x0c, // 2.0
  ReKey: 0x0d, // 2.0
  ReCertify: 0x0e, // 2.0
  ReKeyKeyPair: 0x0f, // 2.0
  ReKeyKeyPairPrivateKey: 0x10, // 2.0
  ReKeyKeyPairPublicKey: 0x11, // 2.0
} as const;

export type UniqueIdentifierEnumeration =
  (typeof UniqueIdentifierEnumeration)[keyof typeof UniqueIdentifierEnumeration];

export const UnwrapMode = {
  Unspecified: 0x01, // 1.3
  Processed: 0x02, // 1.3
  NotProcessed: 0x03, // 1.3
} as const;

export type UnwrapMode = (typeof UnwrapMode)[keyof typeof UnwrapMode];

export const UsageLimitsUnit = {
  Byte: 0x01,
  Object: 0x02,
} as const;

export type UsageLimitsUnit = (typeof UsageLimitsUnit)[keyof typeof UsageLimitsUnit];

export const ValidationAuthorityType = {
  Unspecified: 0x01, // 1.3
  NISTCMVP: 0x02, // 1.3
  CommonCriteria: 0x03, // 1.3
} as const;

export type ValidationAuthorityType =
  (typeof ValidationAuthorityType)[keyof typeof ValidationAuthorityType];

export const ValidationType = {
  Unspecified: 0x01, // 1.3
  Hardware: 0x02, // 1.3
  Software: 0x03, // 1.3
  Firmware: 0x04, // 1.3
  Hybrid: 0x05, // 1.3
} as const;

export type ValidationType = (typeof ValidationType)[keyof typeof ValidationType];

export const ValidityIndicator = {
  Valid: 0x01,
  Invalid: 0x02,
  Unknown: 0x03,
} as const;

export type ValidityIndicator = (typeof ValidityIndicator)[keyof typeof ValidityIndicator];

export const WrappingMethod = {
  Encrypt: 0x01,
  MACSign: 0x02,
  EncryptThenMACSign: 0x03,
  MACSignThenEncrypt: 0x04,
  TR_31: 0x05,
} as const;

export type WrappingMethod = (typeof WrappingMethod)[keyof typeof WrappingMethod];
