import type { cryptographicParameters } from '../kmip/attribute-structure.ts';
import { ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import type { Decoded } from '../ttlv/structure.ts';

/** Cryptographic Parameters (KMIP 1.4 §3.6): how a key is to be used. */
export type Parameters = Decoded<typeof cryptographicParameters>;

/** Parameters that do not go together, or lack what the algorithm needs. */
export function badParameters(message: string): KmipError {
  return new KmipError(ResultReason.BadCryptographicParameters, message);
}

/** Parameters that have a meaning, which this server does not compute. */
export function unsupported(message: string): KmipError {
  return new KmipError(ResultReason.UnsupportedCryptographicParameters, message);
}

/** The computation failed: padding, tag or length are not right. Says no more to the client. */
export function failed(cause?: unknown): KmipError {
  const message = 'The data could not be processed with this key';
  return new KmipError(ResultReason.CryptographicFailure, message, { cause });
}

/**
 * What can be fed piece by piece. Buffers it gives are the caller's; `final` ends it, and so does
 * anything it throws.
 */
export interface Transformation {
  update(data: Uint8Array): Buffer;
  final(): Buffer;
}
