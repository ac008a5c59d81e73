import { ResultReason } from '../kmip/enumeration.ts';
import type { Operation } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { reasonIn } from '../kmip/reason.ts';
import { KeystoreError } from '../keystore/error.ts';
import { TtlvError } from '../ttlv/error.ts';

export interface Refusal {
  readonly reason: ResultReason;
  /** What the client reads: fixed prose, no internals. */
  readonly message: string;
}

/**
 * The only place where an error becomes a Result Reason (KMIP 1.4 §11). What it does not know is a
 * General Failure without a word of why; the log has the rest under the request's id.
 * `version`: that of the request (1.4 is 104), in whose words the reason is put; `operation`: the
 * one that is refused.
 */
export function refusalOf(error: unknown, version: number, operation?: Operation): Refusal {
  const { reason, message } = refusal(error);
  return { reason: reasonIn(reason, version, operation), message };
}

function refusal(error: unknown): Refusal {
  if (error instanceof KmipError) return { reason: error.reason, message: error.message };
  if (error instanceof TtlvError) {
    return error.code === 'unexpected-item' || error.code === 'bad-value'
      ? { reason: ResultReason.InvalidField, message: 'A field is not allowed here' }
      : { reason: ResultReason.InvalidMessage, message: 'The payload could not be read' };
  }
  if (error instanceof KeystoreError && error.code === 'material-missing') {
    return { reason: ResultReason.KeyValueNotPresent, message: 'The object has no key material' };
  }
  if (error instanceof KeystoreError && error.code === 'recovery-missing') {
    const message = 'No key is made before the recovery set is proven';
    return { reason: ResultReason.PermissionDenied, message };
  }
  if (error instanceof KeystoreError && error.code === 'copies-missing') {
    const message = 'No second node would hold the key, so none is made: use the other node';
    return { reason: ResultReason.GeneralFailure, message };
  }
  if (error instanceof KeystoreError && error.code === 'read-only') {
    const message = 'This node only reads until its peer has healed it: use the other node';
    return { reason: ResultReason.GeneralFailure, message };
  }
  return { reason: ResultReason.GeneralFailure, message: 'The server could not do this' };
}

/** A refusal that the cluster's policy demands, once for each request while the peer is away. */
export function isPromised(error: unknown): error is KeystoreError {
  if (!(error instanceof KeystoreError)) return false;
  return error.code === 'copies-missing' || error.code === 'read-only';
}
