import { Operation, ResultReason } from './enumeration.ts';

type At = Readonly<Partial<Record<Operation, ResultReason>>>;

interface Since {
  /** The first protocol version that has the reason; 2.0 is 200. */
  readonly since: number;
  /** What the error tables of the versions before say in its place. */
  readonly before: ResultReason;
  /** What the tables of 1.x say at one operation, where that is something else. */
  readonly at?: At;
}

const R = ResultReason;
const O = Operation;
const from200 = (before: ResultReason, at: At = {}): Since => ({ since: 200, before, at });

const each = (reason: ResultReason, ...operations: readonly Operation[]): At =>
  Object.fromEntries(operations.map((operation) => [operation, reason]));

/** What computes with a key, or makes another in its place: to 1.x the wrong key is a denial. */
const ofKeys = [O.Encrypt, O.Decrypt, O.Sign, O.SignatureVerify, O.MAC, O.MACVerify] as const;
/** What makes objects: to 1.x a value that cannot be set is one that does not fit. */
const making = [O.Create, O.CreateKeyPair, O.Register, O.DeriveKey, O.JoinSplitKey] as const;
const renewing = [O.ReKey, O.ReKeyKeyPair, O.Certify, O.ReCertify] as const;

/**
 * The Result Reasons that came after 1.0, and the coarser ones that the error tables of earlier
 * versions give in the same place (KMIP 1.4 §11, KMIP 2.1 §11.46). Whoever refuses names the most
 * exact reason there is; what a client reads depends on the version of its request. This table is
 * the one place where the versions differ.
 */
const laterReasons: ReadonlyMap<ResultReason, Since> = new Map<ResultReason, Since>([
  [R.EncodingOptionError, { since: 101, before: R.InvalidField }],
  [
    R.KeyValueNotPresent,
    { since: 102, before: R.ItemNotFound, at: each(R.IllegalOperation, O.Get, O.Export) },
  ],
  [R.AttestationRequired, { since: 102, before: R.PermissionDenied }],
  [R.AttestationFailed, { since: 102, before: R.PermissionDenied }],
  [R.Sensitive, { since: 104, before: R.PermissionDenied }],
  [R.NotExtractable, { since: 104, before: R.PermissionDenied }],
  [R.ObjectAlreadyExists, { since: 104, before: R.InvalidField }],
  [R.InvalidTicket, from200(R.AuthenticationNotSuccessful)],
  [R.UsageLimitExceeded, from200(R.PermissionDenied)],
  [R.NumericRange, from200(R.InvalidField)],
  [R.InvalidDataType, from200(R.InvalidField)],
  [R.ReadOnlyAttribute, from200(R.PermissionDenied)],
  [R.MultiValuedAttribute, from200(R.InvalidField)],
  [R.UnsupportedAttribute, from200(R.InvalidField)],
  [R.AttributeInstanceNotFound, from200(R.ItemNotFound)],
  [
    R.AttributeNotFound,
    from200(R.ItemNotFound, {
      [O.ModifyAttribute]: R.InvalidField,
      [O.GetUsageAllocation]: R.IllegalOperation,
    }),
  ],
  [R.AttributeReadOnly, from200(R.PermissionDenied, each(R.InvalidField, ...making))],
  [R.AttributeSingleValued, from200(R.IndexOutOfBounds, each(R.IllegalOperation, O.AddAttribute))],
  // The cases of 1.4 answer a tag length that AES-GCM does not have with General Failure.
  [R.BadCryptographicParameters, from200(R.GeneralFailure, each(R.ItemNotFound, O.Get, O.Export))],
  [R.BadPassword, from200(R.PermissionDenied)],
  [R.CodecError, from200(R.InvalidMessage)],
  [R.IllegalObjectType, from200(R.IllegalOperation)],
  [
    R.IncompatibleCryptographicUsageMask,
    from200(R.PermissionDenied, each(R.InvalidField, O.DeriveKey)),
  ],
  [R.InternalServerError, from200(R.GeneralFailure)],
  [R.InvalidAsynchronousCorrelationValue, from200(R.ItemNotFound)],
  [
    R.InvalidAttribute,
    from200(R.InvalidField, {
      [O.AddAttribute]: R.PermissionDenied,
      [O.DeleteAttribute]: R.ItemNotFound,
    }),
  ],
  [R.InvalidAttributeValue, from200(R.InvalidField)],
  [R.InvalidCorrelationValue, from200(R.ItemNotFound)],
  [R.InvalidCSR, from200(R.InvalidField)],
  [
    R.InvalidObjectType,
    from200(R.InvalidField, {
      ...each(R.IllegalOperation, O.Activate, O.Revoke),
      ...each(R.PermissionDenied, ...ofKeys, ...renewing),
      [O.Validate]: R.InvalidMessage,
    }),
  ],
  [R.KeyWrapTypeNotSupported, from200(R.FeatureNotSupported)],
  [R.MissingInitializationVector, from200(R.InvalidMessage)],
  [
    R.NonUniqueNameAttribute,
    from200(R.InvalidField, each(R.IllegalOperation, O.AddAttribute, O.ModifyAttribute)),
  ],
  [R.ObjectDestroyed, from200(R.ItemNotFound, each(R.PermissionDenied, O.Destroy))],
  [R.ObjectNotFound, from200(R.ItemNotFound)],
  [R.NotAuthorised, from200(R.PermissionDenied)],
  [R.ServerLimitExceeded, from200(R.IndexOutOfBounds)],
  [R.UnknownEnumeration, from200(R.InvalidField)],
  [R.UnknownMessageExtension, from200(R.FeatureNotSupported)],
  [R.UnknownTag, from200(R.InvalidMessage)],
  [R.UnsupportedCryptographicParameters, from200(R.CryptographicFailure)],
  [R.UnsupportedProtocolVersion, from200(R.InvalidMessage)],
  [R.WrappingObjectArchived, from200(R.ObjectArchived)],
  [R.WrappingObjectDestroyed, from200(R.ItemNotFound)],
  [R.WrappingObjectNotFound, from200(R.ItemNotFound)],
  [R.WrongKeyLifecycleState, from200(R.PermissionDenied, each(R.InvalidField, O.DeriveKey))],
  [R.ProtectionStorageUnavailable, from200(R.FeatureNotSupported)],
  [R.UnknownObjectGroup, { since: 201, before: R.ItemNotFound }],
  [R.ConstraintViolation, { since: 201, before: R.PermissionDenied }],
]);

/** The reason as a protocol version knows it; 1.4 is 104. `operation`: the one that is refused. */
export function reasonIn(
  reason: ResultReason,
  version: number,
  operation?: Operation,
): ResultReason {
  const later = laterReasons.get(reason);
  if (later === undefined) return reason;
  const own = operation === undefined ? undefined : later.at?.[operation];
  if (version < 200 && own !== undefined) return own;
  return version >= later.since ? reason : reasonIn(later.before, version);
}
