/**
 * The payloads that KMIP 1.0 to 2.1 print for each operation, field by field: request, response.
 * After a name: `?` it may be left out, `*` it may come many times or not at all, `+` many times
 * and once at least; then the versions that have it, as `1.3-`, `-1.4` or `1.1-1.4`. `object` is an
 * object under the tag of its type.
 */
export const operationFacts: Readonly<
  Record<string, readonly [request: string, response: string]>
> = {
  Create: [
    'ObjectType TemplateAttribute:-1.4 Attributes:2.0- ProtectionStorageMasks?:2.0-',
    'ObjectType UniqueIdentifier TemplateAttribute?:-1.4',
  ],
  CreateKeyPair: [
    'CommonTemplateAttribute?:-1.4 PrivateKeyTemplateAttribute?:-1.4 ' +
      'PublicKeyTemplateAttribute?:-1.4 CommonAttributes?:2.0- PrivateKeyAttributes?:2.0- ' +
      'PublicKeyAttributes?:2.0- CommonProtectionStorageMasks?:2.0- ' +
      'PrivateProtectionStorageMasks?:2.0- PublicProtectionStorageMasks?:2.0-',
    'PrivateKeyUniqueIdentifier PublicKeyUniqueIdentifier PrivateKeyTemplateAttribute?:-1.4 ' +
      'PublicKeyTemplateAttribute?:-1.4',
  ],
  Register: [
    'ObjectType TemplateAttribute:-1.4 Attributes:2.0- object ProtectionStorageMasks?:2.0-',
    'UniqueIdentifier TemplateAttribute?:-1.4',
  ],
  ReKey: [
    'UniqueIdentifier? Offset? TemplateAttribute?:-1.4 Attributes?:2.0- ' +
      'ProtectionStorageMasks?:2.0-',
    'UniqueIdentifier TemplateAttribute?:-1.4',
  ],
  ReKeyKeyPair: [
    'PrivateKeyUniqueIdentifier? Offset? CommonTemplateAttribute?:-1.4 ' +
      'PrivateKeyTemplateAttribute?:-1.4 PublicKeyTemplateAttribute?:-1.4 ' +
      'CommonAttributes?:2.0- PrivateKeyAttributes?:2.0- PublicKeyAttributes?:2.0- ' +
      'CommonProtectionStorageMasks?:2.0- PrivateProtectionStorageMasks?:2.0- ' +
      'PublicProtectionStorageMasks?:2.0-',
    'PrivateKeyUniqueIdentifier PublicKeyUniqueIdentifier PrivateKeyTemplateAttribute?:-1.4 ' +
      'PublicKeyTemplateAttribute?:-1.4',
  ],
  DeriveKey: [
    'ObjectType UniqueIdentifier+ DerivationMethod DerivationParameters ' +
      'TemplateAttribute:-1.4 Attributes:2.0-',
    'UniqueIdentifier TemplateAttribute?:-1.4',
  ],
  Certify: [
    'UniqueIdentifier? CertificateRequestType? CertificateRequest?:-1.4 ' +
      'CertificateRequestValue?:2.0- CertificateRequestUniqueIdentifier?:2.0- ' +
      'TemplateAttribute?:-1.4 Attributes?:2.0- ProtectionStorageMasks?:2.0-',
    'UniqueIdentifier TemplateAttribute?:-1.4',
  ],
  ReCertify: [
    'UniqueIdentifier? CertificateRequestType? CertificateRequest?:-1.4 ' +
      'CertificateRequestValue?:2.0- CertificateRequestUniqueIdentifier?:2.0- Offset? ' +
      'TemplateAttribute?:-1.4 Attributes?:2.0- ProtectionStorageMasks?:2.0-',
    'UniqueIdentifier TemplateAttribute?:-1.4',
  ],
  Locate: [
    'MaximumItems? OffsetItems?:1.3- StorageStatusMask? ObjectGroupMember?:1.1- ' +
      'Attribute*:-1.4 Attributes?:2.0-',
    'LocatedItems?:1.3- UniqueIdentifier*',
  ],
  Check: [
    'UniqueIdentifier? UsageLimitsCount? CryptographicUsageMask? LeaseTime?',
    'UniqueIdentifier UsageLimitsCount? CryptographicUsageMask? LeaseTime?',
  ],
  Get: [
    'UniqueIdentifier? KeyFormatType? KeyWrapType?:1.4- KeyCompressionType? ' +
      'KeyWrappingSpecification?',
    'ObjectType UniqueIdentifier object',
  ],
  GetAttributes: [
    'UniqueIdentifier? AttributeName*:-1.4 AttributeReference*:2.0-',
    'UniqueIdentifier Attribute*:-1.4 Attributes:2.0-',
  ],
  GetAttributeList: [
    'UniqueIdentifier?',
    'UniqueIdentifier AttributeName+:-1.4 AttributeReference+:2.0-',
  ],
  AddAttribute: [
    'UniqueIdentifier? Attribute:-1.4 NewAttribute:2.0-',
    'UniqueIdentifier Attribute:-1.4',
  ],
  ModifyAttribute: [
    'UniqueIdentifier? Attribute:-1.4 CurrentAttribute?:2.0- NewAttribute:2.0-',
    'UniqueIdentifier Attribute:-1.4',
  ],
  DeleteAttribute: [
    'UniqueIdentifier? AttributeName:-1.4 AttributeIndex?:-1.4 CurrentAttribute?:2.0- ' +
      'AttributeReference?:2.0-',
    'UniqueIdentifier Attribute:-1.4',
  ],
  SetAttribute: ['UniqueIdentifier? NewAttribute', 'UniqueIdentifier'],
  AdjustAttribute: [
    'UniqueIdentifier? AttributeReference AdjustmentType AdjustmentValue?',
    'UniqueIdentifier',
  ],
  ObtainLease: ['UniqueIdentifier?', 'UniqueIdentifier LeaseTime LastChangeDate'],
  GetUsageAllocation: ['UniqueIdentifier? UsageLimitsCount', 'UniqueIdentifier'],
  Activate: ['UniqueIdentifier?', 'UniqueIdentifier'],
  Revoke: ['UniqueIdentifier? RevocationReason CompromiseOccurrenceDate?', 'UniqueIdentifier'],
  Destroy: ['UniqueIdentifier?', 'UniqueIdentifier'],
  Archive: ['UniqueIdentifier?', 'UniqueIdentifier'],
  Recover: ['UniqueIdentifier?', 'UniqueIdentifier'],
  Validate: ['Certificate* UniqueIdentifier* ValidityDate?', 'ValidityIndicator'],
  Query: [
    'QueryFunction+ ObjectGroups?:2.1-',
    'Operation* ObjectType* VendorIdentification? ServerInformation? ApplicationNamespace* ' +
      'ExtensionInformation*:1.1- AttestationType*:1.2- RNGParameters*:1.3- ' +
      'ProfileInformation*:1.3- ValidationInformation*:1.3- CapabilityInformation*:1.3- ' +
      'ClientRegistrationMethod*:1.3- DefaultsInformation?:2.0- ' +
      'ProtectionStorageMask*:2.0- ObjectGroups?:2.1-',
  ],
  DiscoverVersions: ['ProtocolVersion*', 'ProtocolVersion*'],
  Cancel: ['AsynchronousCorrelationValue', 'AsynchronousCorrelationValue CancellationResult'],
  Poll: ['AsynchronousCorrelationValue', ''],
  Encrypt: [
    'UniqueIdentifier? CryptographicParameters? Data? IVCounterNonce? ' +
      'CorrelationValue?:1.3- InitIndicator?:1.3- FinalIndicator?:1.3- ' +
      'AuthenticatedEncryptionAdditionalData?:1.4-',
    'UniqueIdentifier Data? IVCounterNonce? CorrelationValue?:1.3- ' +
      'AuthenticatedEncryptionTag?:1.4-',
  ],
  Decrypt: [
    'UniqueIdentifier? CryptographicParameters? Data? IVCounterNonce? ' +
      'CorrelationValue?:1.3- InitIndicator?:1.3- FinalIndicator?:1.3- ' +
      'AuthenticatedEncryptionAdditionalData?:1.4- AuthenticatedEncryptionTag?:1.4-',
    'UniqueIdentifier Data? CorrelationValue?:1.3-',
  ],
  Sign: [
    'UniqueIdentifier? CryptographicParameters? Data? DigestedData?:1.4- ' +
      'CorrelationValue?:1.3- InitIndicator?:1.3- FinalIndicator?:1.3-',
    'UniqueIdentifier SignatureData? CorrelationValue?:1.3-',
  ],
  SignatureVerify: [
    'UniqueIdentifier? CryptographicParameters? Data? DigestedData?:1.4- SignatureData? ' +
      'CorrelationValue?:1.3- InitIndicator?:1.3- FinalIndicator?:1.3-',
    'UniqueIdentifier ValidityIndicator? Data? CorrelationValue?:1.3-',
  ],
  MAC: [
    'UniqueIdentifier? CryptographicParameters? Data? CorrelationValue?:1.3- ' +
      'InitIndicator?:1.3- FinalIndicator?:1.3-',
    'UniqueIdentifier MACData? CorrelationValue?:1.3-',
  ],
  MACVerify: [
    'UniqueIdentifier? CryptographicParameters? Data? MACData? CorrelationValue?:1.3- ' +
      'InitIndicator?:1.3- FinalIndicator?:1.3-',
    'UniqueIdentifier ValidityIndicator? CorrelationValue?:1.3-',
  ],
  RNGRetrieve: ['DataLength', 'Data'],
  RNGSeed: ['Data', 'DataLength'],
  Hash: [
    'CryptographicParameters Data? CorrelationValue?:1.3- InitIndicator?:1.3- ' +
      'FinalIndicator?:1.3-',
    'Data? CorrelationValue?:1.3-',
  ],
  CreateSplitKey: [
    'ObjectType UniqueIdentifier? SplitKeyParts SplitKeyThreshold SplitKeyMethod ' +
      'PrimeFieldSize? TemplateAttribute?:-1.4 Attributes?:2.0- ProtectionStorageMasks?:2.0-',
    'UniqueIdentifier+ TemplateAttribute?:-1.4',
  ],
  JoinSplitKey: [
    'ObjectType UniqueIdentifier+ SecretDataType? TemplateAttribute?:-1.4 Attributes?:2.0- ' +
      'ProtectionStorageMasks?:2.0-',
    'UniqueIdentifier TemplateAttribute?:-1.4',
  ],
  Export: [
    'UniqueIdentifier? KeyFormatType? KeyWrapType? KeyCompressionType? ' +
      'KeyWrappingSpecification?',
    'ObjectType UniqueIdentifier Attribute+:-1.4 Attributes:2.0- object',
  ],
  Import: [
    'UniqueIdentifier ObjectType? ReplaceExisting? KeyWrapType? Attribute*:-1.4 ' +
      'Attributes?:2.0- object',
    'UniqueIdentifier',
  ],
  Log: ['LogMessage', ''],
  Login: ['LeaseTime? RequestCount? UsageLimits?', 'Ticket'],
  DelegatedLogin: ['LeaseTime? RequestCount? UsageLimits? Rights', 'Ticket'],
  Logout: ['Ticket', ''],
  Interop: ['InteropFunction InteropIdentifier?', ''],
  SetEndpointRole: ['EndpointRole', 'EndpointRole'],
  Ping: ['', ''],
  Process: ['AsynchronousCorrelationValue', ''],
  QueryAsynchronousRequests: ['AsynchronousCorrelationValues? Operations?', 'AsynchronousRequest*'],
  SetDefaults: ['DefaultsInformation', ''],
  SetConstraints: ['Constraints', ''],
  GetConstraints: ['', 'Constraints?'],
};

export interface Field {
  readonly name: string;
  /** '' for one that has to come once. */
  readonly count: '' | '?' | '*' | '+';
}

function versionIn(text: string | undefined, otherwise: number): number {
  if (text === undefined || text === '') return otherwise;
  const [major = 0, minor = 0] = text.split('.').map(Number);
  return major * 100 + minor;
}

/** The fields that a version (1.4 is 104) has of an operation's request or response. */
export function printedFields(
  operation: string,
  of: 'request' | 'response',
  version: number,
): Field[] {
  const fact = operationFacts[operation]?.[of === 'request' ? 0 : 1];
  if (fact === undefined) throw new Error(`nothing is printed of ${operation}`);
  return fact.split(' ').flatMap((text) => {
    const [, name, count = '', since, until] =
      /^(\w+)([?*+]?)(?::([\d.]*)-([\d.]*))?$/.exec(text) ?? [];
    const has = versionIn(since, 0) <= version && version <= versionIn(until, Infinity);
    return name === undefined || !has ? [] : [{ name, count: count as Field['count'] }];
  });
}

const objectTags: readonly (readonly [name: string, since: number, until: number])[] = [
  ...['SymmetricKey', 'PublicKey', 'PrivateKey', 'SplitKey', 'Certificate', 'SecretData'].map(
    (name) => [name, 100, Infinity] as const,
  ),
  ['OpaqueObject', 100, Infinity],
  ['Template', 100, 104],
  ['PGPKey', 102, Infinity],
  ['CertificateRequest', 200, Infinity],
];

/** The tags under which a field may come in a version. */
export function tagsOf({ name }: Field, version: number): string[] {
  if (name !== 'object') return [name];
  const known = objectTags.filter(([, since, until]) => since <= version && version <= until);
  return known.map(([tag]) => tag);
}
