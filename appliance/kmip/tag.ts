/**
 * The tags of KMIP 1.0 to 2.1 (KMIP 2.1 §11.56 and the tag tables of 1.x), in numeric order.
 * A comment names the version that brought a tag; those without one are from 1.0.
 */
export const Tag = {
  ActivationDate: 0x420001,
  ApplicationData: 0x420002,
  ApplicationNamespace: 0x420003,
  ApplicationSpecificInformation: 0x420004,
  ArchiveDate: 0x420005,
  AsynchronousCorrelationValue: 0x420006,
  AsynchronousIndicator: 0x420007,
  Attribute: 0x420008,
  AttributeIndex: 0x420009,
  AttributeName: 0x42000a,
  AttributeValue: 0x42000b,
  Authentication: 0x42000c,
  BatchCount: 0x42000d,
  BatchErrorContinuationOption: 0x42000e,
  BatchItem: 0x42000f,
  BatchOrderOption: 0x420010,
  BlockCipherMode: 0x420011,
  CancellationResult: 0x420012,
  Certificate: 0x420013,
  CertificateIdentifier: 0x420014,
  CertificateIssuer: 0x420015,
  CertificateIssuerAlternativeName: 0x420016,
  CertificateIssuerDistinguishedName: 0x420017,
  CertificateRequest: 0x420018,
  CertificateRequestType: 0x420019,
  CertificateSubject: 0x42001a,
  CertificateSubjectAlternativeName: 0x42001b,
  CertificateSubjectDistinguishedName: 0x42001c,
  CertificateType: 0x42001d,
  CertificateValue: 0x42001e,
  CommonTemplateAttribute: 0x42001f,
  CompromiseDate: 0x420020,
  CompromiseOccurrenceDate: 0x420021,
  ContactInformation: 0x420022,
  Credential: 0x420023,
  CredentialType: 0x420024,
  CredentialValue: 0x420025,
  CriticalityIndicator: 0x420026,
  CRTCoefficient: 0x420027,
  CryptographicAlgorithm: 0x420028,
  CryptographicDomainParameters: 0x420029,
  CryptographicLength: 0x42002a,
  CryptographicParameters: 0x42002b,
  CryptographicUsageMask: 0x42002c,
  CustomAttribute: 0x42002d,
  D: 0x42002e,
  DeactivationDate: 0x42002f,
  DerivationData: 0x420030,
  DerivationMethod: 0x420031,
  DerivationParameters: 0x420032,
  DestroyDate: 0x420033,
  Digest: 0x420034,
  DigestValue: 0x420035,
  EncryptionKeyInformation: 0x420036,
  G: 0x420037,
  HashingAlgorithm: 0x420038,
  InitialDate: 0x420039,
  InitializationVector: 0x42003a,
  Issuer: 0x42003b,
  IterationCount: 0x42003c,
  IVCounterNonce: 0x42003d,
  J: 0x42003e,
  Key: 0x42003f,
  KeyBlock: 0x420040,
  KeyCompressionType: 0x420041,
  KeyFormatType: 0x420042,
  KeyMaterial: 0x420043,
  KeyPartIdentifier: 0x420044,
  KeyValue: 0x420045,
  KeyWrappingData: 0x420046,
  KeyWrappingSpecification: 0x420047,
  LastChangeDate: 0x420048,
  LeaseTime: 0x420049,
  Link: 0x42004a,
  LinkType: 0x42004b,
  LinkedObjectIdentifier: 0x42004c,
  MAC_Signature: 0x42004d,
  MAC_SignatureKeyInformation: 0x42004e,
  MaximumItems: 0x42004f,
  MaximumResponseSize: 0x420050,
  MessageExtension: 0x420051,
  Modulus: 0x420052,
  Name: 0x420053,
  NameType: 0x420054,
  NameValue: 0x420055,
  ObjectGroup: 0x420056,
  ObjectType: 0x420057,
  Offset: 0x420058,
  OpaqueDataType: 0x420059,
  OpaqueDataValue: 0x42005a,
  OpaqueObject: 0x42005b,
  Operation: 0x42005c,
  OperationPolicyName: 0x42005d,
  P: 0x42005e,
  PaddingMethod: 0x42005f,
  PrimeExponentP: 0x420060,
  PrimeExponentQ: 0x420061,
  PrimeFieldSize: 0x420062,
  PrivateExponent: 0x420063,
  PrivateKey: 0x420064,
  PrivateKeyTemplateAttribute: 0x420065,
  PrivateKeyUniqueIdentifier: 0x420066,
  ProcessStartDate: 0x420067,
  ProtectStopDate: 0x420068,
  ProtocolVersion: 0x420069,
  ProtocolVersionMajor: 0x42006a,
  ProtocolVersionMinor: 0x42006b,
  PublicExponent: 0x42006c,
  PublicKey: 0x42006d,
  PublicKeyTemplateAttribute: 0x42006e,
  PublicKeyUniqueIdentifier: 0x42006f,
  PutFunction: 0x420070,
  Q: 0x420071,
  QString: 0x420072,
  Qlength: 0x420073,
  QueryFunction: 0x420074,
  RecommendedCurve: 0x420075,
  ReplacedUniqueIdentifier: 0x420076,
  RequestHeader: 0x420077,
  RequestMessage: 0x420078,
  RequestPayload: 0x420079,
  ResponseHeader: 0x42007a,
  ResponseMessage: 0x42007b,
  ResponsePayload: 0x42007c,
  ResultMessage: 0x42007d,
  ResultReason: 0x42007e,
  ResultStatus: 0x42007f,
  RevocationMessage: 0x420080,
  RevocationReason: 0x420081,
  RevocationReasonCode: 0x420082,
  KeyRoleType: 0x420083,
  Salt: 0x420084,
  SecretData: 0x420085,
  SecretDataType: 0x420086,
  SerialNumber: 0x420087,
  ServerInformation: 0x420088,
  SplitKey: 0x420089,
  SplitKeyMethod: 0x42008a,
  SplitKeyParts: 0x42008b,
  SplitKeyThreshold: 0x42008c,
  State: 0x42008d,
  StorageStatusMask: 0x42008e,
  SymmetricKey: 0x42008f,
  Template: 0x420090,
  TemplateAttribute: 0x420091,
  TimeStamp: 0x420092,
  UniqueBatchItemID: 0x420093,
  UniqueIdentifier: 0x420094,
  UsageLimits: 0x420095,
  UsageLimitsCount: 0x420096,
  UsageLimitsTotal: 0x420097,
  UsageLimitsUnit: 0x420098,
  Username: 0x420099,
  ValidityDate: 0x42009a,
  ValidityIndicator: 0x42009b,
  VendorExtension: 0x42009c,
  VendorIdentification: 0x42009d,
  WrappingMethod: 0x42009e,
  X: 0x42009f,
  Y: 0x4200a0,
  Password: 0x4200a1,
  DeviceIdentifier: 0x4200a2, // 1.1
  EncodingOption: 0x4200a3, // 1.1
  ExtensionInformation: 0x4200a4, // 1.1
  ExtensionName: 0x4200a5, // 1.1
  ExtensionTag: 0x4200a6, // 1.1
  ExtensionType: 0x4200a7, // 1.1
  Fresh: 0x4200a8, // 1.1
  MachineIdentifier: 0x4200a9, // 1.1
  MediaIdentifier: 0x4200aa, // 1.1
  NetworkIdentifier: 0x4200ab, // 1.1
  ObjectGroupMember: 0x4200ac, // 1.1
  CertificateLength: 0x4200ad, // 1.1
  DigitalSignatureAlgorithm: 0x4200ae, // 1.1
  CertificateSerialNumber: 0x4200af, // 1.1
  DeviceSerialNumber: 0x4200b0, // 1.1
  IssuerAlternativeName: 0x4200b1, // 1.1
  IssuerDistinguishedName: 0x4200b2, // 1.1
  SubjectAlternativeName: 0x4200b3, // 1.1
  SubjectDistinguishedName: 0x4200b4, // 1.1
  X_509CertificateIdentifier: 0x4200b5, // 1.1
  X_509CertificateIssuer: 0x4200b6, // 1.1
  X_509CertificateSubject: 0x4200b7, // 1.1
  KeyValueLocation: 0x4200b8, // 1.2
  KeyValueLocationValue: 0x4200b9, // 1.2
  KeyValueLocationType: 0x4200ba, // 1.2
  KeyValuePresent: 0x4200bb, // 1.2
  OriginalCreationDate: 0x4200bc, // 1.2
  PGPKey: 0x4200bd, // 1.2
  PGPKeyVersion: 0x4200be, // 1.2
  AlternativeName: 0x4200bf, // 1.2
  AlternativeNameValue: 0x4200c0, // 1.2
  AlternativeNameType: 0x4200c1, // 1.2
  Data: 0x4200c2, // 1.2
  SignatureData: 0x4200c3, // 1.2
  DataLength: 0x4200c4, // 1.2
  RandomIV: 0x4200c5, // 1.2
  MACData: 0x4200c6, // 1.2
  AttestationType: 0x4200c7, // 1.2
  Nonce: 0x4200c8, // 1.2
  NonceID: 0x4200c9, // 1.2
  NonceValue: 0x4200ca, // 1.2
  AttestationMeasurement: 0x4200cb, // 1.2
  AttestationAssertion: 0x4200cc, // 1.2
  IVLength: 0x4200cd, // 1.2
  TagLength: 0x4200ce, // 1.2
  FixedFieldLength: 0x4200cf, // 1.2
  CounterLength: 0x4200d0, // 1.2
  InitialCounterValue: 0x4200d1, // 1.2
  InvocationFieldLength: 0x4200d2, // 1.2
  AttestationCapableIndicator: 0x4200d3, // 1.2
  OffsetItems: 0x4200d4, // 1.3
  LocatedItems: 0x4200d5, // 1.3
  CorrelationValue: 0x4200d6, // 1.3
  InitIndicator: 0x4200d7, // 1.3
  FinalIndicator: 0x4200d8, // 1.3
  RNGParameters: 0x4200d9, // 1.3
  RNGAlgorithm: 0x4200da, // 1.3
  DRBGAlgorithm: 0x4200db, // 1.3
  FIPS186Variation: 0x4200dc, // 1.3
  PredictionResistance: 0x4200dd, // 1.3
  RandomNumberGenerator: 0x4200de, // 1.3
  ValidationInformation: 0x4200df, // 1.3
  ValidationAuthorityType: 0x4200e0, // 1.3
  ValidationAuthorityCountry: 0x4200e1, // 1.3
  ValidationAuthorityURI: 0x4200e2, // 1.3
  ValidationVersionMajor: 0x4200e3, // 1.3
  ValidationVersionMinor: 0x4200e4, // 1.3
  ValidationType: 0x4200e5, // 1.3
  ValidationLevel: 0x4200e6, // 1.3
  ValidationCertificateIdentifier: 0x4200e7, // 1.3
  ValidationCertificateURI: 0x4200e8, // 1.3
  ValidationVendorURI: 0x4200e9, // 1.3
  ValidationProfile: 0x4200ea, // 1.3
  ProfileInformation: 0x4200eb, // 1.3
  ProfileName: 0x4200ec, // 1.3
  ServerURI: 0x4200ed, // 1.3
  ServerPort: 0x4200ee, // 1.3
  StreamingCapability: 0x4200ef, // 1.3
  AsynchronousCapability: 0x4200f0, // 1.3
  AttestationCapability: 0x4200f1, // 1.3
  UnwrapMode: 0x4200f2, // 1.3
  DestroyAction: 0x4200f3, // 1.3
  ShreddingAlgorithm: 0x4200f4, // 1.3
  RNGMode: 0x4200f5, // 1.3
  ClientRegistrationMethod: 0x4200f6, // 1.3
  CapabilityInformation: 0x4200f7, // 1.3
  KeyWrapType: 0x4200f8, // 1.4
  BatchUndoCapability: 0x4200f9, // 1.4
  BatchContinueCapability: 0x4200fa, // 1.4
  PKCS_12FriendlyName: 0x4200fb, // 1.4
  Description: 0x4200fc, // 1.4
  Comment: 0x4200fd, // 1.4
  AuthenticatedEncryptionAdditionalData: 0x4200fe, // 1.4
  AuthenticatedEncryptionTag: 0x4200ff, // 1.4
  SaltLength: 0x420100, // 1.4
  MaskGenerator: 0x420101, // 1.4
  MaskGeneratorHashingAlgorithm: 0x420102, // 1.4
  PSource: 0x420103, // 1.4
  TrailerField: 0x420104, // 1.4
  ClientCorrelationValue: 0x420105, // 1.4
  ServerCorrelationValue: 0x420106, // 1.4
  DigestedData: 0x420107, // 1.4
  CertificateSubjectCN: 0x420108, // 1.4
  CertificateSubjectO: 0x420109, // 1.4
  CertificateSubjectOU: 0x42010a, // 1.4
  CertificateSubjectEmail: 0x42010b, // 1.4
  CertificateSubjectC: 0x42010c, // 1.4
  CertificateSubjectST: 0x42010d, // 1.4
  CertificateSubjectL: 0x42010e, // 1.4
  CertificateSubjectUID: 0x42010f, // 1.4
  CertificateSubjectSerialNumber: 0x420110, // 1.4
  CertificateSubjectTitle: 0x420111, // 1.4
  CertificateSubjectDC: 0x420112, // 1.4
  CertificateSubjectDNQualifier: 0x420113, // 1.4
  CertificateIssuerCN: 0x420114, // 1.4
  CertificateIssuerO: 0x420115, // 1.4
  CertificateIssuerOU: 0x420116, // 1.4
  CertificateIssuerEmail: 0x420117, // 1.4
  CertificateIssuerC: 0x420118, // 1.4
  CertificateIssuerST: 0x420119, // 1.4
  CertificateIssuerL: 0x42011a, // 1.4
  CertificateIssuerUID: 0x42011b, // 1.4
  CertificateIssuerSerialNumber: 0x42011c, // 1.4
  CertificateIssuerTitle: 0x42011d, // 1.4
  CertificateIssuerDC: 0x42011e, // 1.4
  CertificateIssuerDNQualifier: 0x42011f, // 1.4
  Sensitive: 0x420120, // 1.4
  AlwaysSensitive: 0x420121, // 1.4
  Extractable: 0x420122, // 1.4
  NeverExtractable: 0x420123, // 1.4
  ReplaceExisting: 0x420124, // 1.4
  Attributes: 0x420125, // 2.0
  CommonAttributes: 0x420126, // 2.0
  PrivateKeyAttributes: 0x420127, // 2.0
  PublicKeyAttributes: 0x420128, // 2.0
  ExtensionEnumeration: 0x420129, // 2.0
  ExtensionAttribute: 0x42012a, // 2.0
  ExtensionParentStructureTag: 0x42012b, // 2.0
  ExtensionDescription: 0x42012c, // 2.0
  ServerName: 0x42012d, // 2.0
  ServerSerialNumber: 0x42012e, // 2.0
  ServerVersion: 0x42012f, // 2.0
  ServerLoad: 0x420130, // 2.0
  ProductName: 0x420131, // 2.0
  BuildLevel: 0x420132, // 2.0
  BuildDate: 0x420133, // 2.0
  ClusterInfo: 0x420134, // 2.0
  AlternateFailoverEndpoints: 0x420135, // 2.0
  ShortUniqueIdentifier: 0x420136, // 2.0
  Tag: 0x420138, // 2.0
  CertificateRequestUniqueIdentifier: 0x420139, // 2.0
  NISTKeyType: 0x42013a, // 2.0
  AttributeReference: 0x42013b, // 2.0
  CurrentAttribute: 0x42013c, // 2.0
  NewAttribute: 0x42013d, // 2.0
  CertificateRequestValue: 0x420140, // 2.0
  LogMessage: 0x420141, // 2.0
  ProfileVersion: 0x420142, // 2.0
  ProfileVersionMajor: 0x420143, // 2.0
  ProfileVersionMinor: 0x420144, // 2.0
  ProtectionLevel: 0x420145, // 2.0
  ProtectionPeriod: 0x420146, // 2.0
  QuantumSafe: 0x420147, // 2.0
  QuantumSafeCapability: 0x420148, // 2.0
  Ticket: 0x420149, // 2.0
  TicketType: 0x42014a, // 2.0
  TicketValue: 0x42014b, // 2.0
  RequestCount: 0x42014c, // 2.0
  Rights: 0x42014d, // 2.0
  Objects: 0x42014e, // 2.0
  Operations: 0x42014f, // 2.0
  Right: 0x420150, // 2.0
  EndpointRole: 0x420151, // 2.0
  DefaultsInformation: 0x420152, // 2.0
  ObjectDefaults: 0x420153, // 2.0
  Ephemeral: 0x420154, // 2.0
  ServerHashedPassword: 0x420155, // 2.0
  OneTimePassword: 0x420156, // 2.0
  HashedPassword: 0x420157, // 2.0
  AdjustmentType: 0x420158, // 2.0
  PKCS_11Interface: 0x420159, // 2.0
  PKCS_11Function: 0x42015a, // 2.0
  PKCS_11InputParameters: 0x42015b, // 2.0
  PKCS_11OutputParameters: 0x42015c, // 2.0
  PKCS_11ReturnCode: 0x42015d, // 2.0
  ProtectionStorageMask: 0x42015e, // 2.0
  ProtectionStorageMasks: 0x42015f, // 2.0
  InteropFunction: 0x420160, // 2.0
  InteropIdentifier: 0x420161, // 2.0
  AdjustmentValue: 0x420162, // 2.0
  CommonProtectionStorageMasks: 0x420163, // 2.0
  PrivateProtectionStorageMasks: 0x420164, // 2.0
  PublicProtectionStorageMasks: 0x420165, // 2.0
  ObjectGroups: 0x420166, // 2.1
  ObjectTypes: 0x420167, // 2.1
  Constraints: 0x420168, // 2.1
  Constraint: 0x420169, // 2.1
  RotateInterval: 0x42016a, // 2.1
  RotateAutomatic: 0x42016b, // 2.1
  RotateOffset: 0x42016c, // 2.1
  RotateDate: 0x42016d, // 2.1
  RotateGeneration: 0x42016e, // 2.1
  RotateName: 0x42016f, // 2.1
  RotateNameValue: 0x420170, // 2.1
  RotateNameType: 0x420171, // 2.1
  RotateLatest: 0x420172, // 2.1
  AsynchronousRequest: 0x420173, // 2.1
  SubmissionDate: 0x420174, // 2.1
  ProcessingStage: 0x420175, // 2.1
  AsynchronousCorrelationValues: 0x420176, // 2.1
} as const;

export type Tag = (typeof Tag)[keyof typeof Tag];
