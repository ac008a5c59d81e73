import type { ResultReason } from './enumeration.ts';

/**
 * A refusal that KMIP has a word for. Thrown by the message layer and by operations; the dispatcher
 * alone turns it into a Result Reason (KMIP 1.4 §11). The text is fixed prose for the client and
 * never carries an identifier, a key or an internal.
 */
export class KmipError extends Error {
  override readonly name = 'KmipError';
  readonly reason: ResultReason;

  constructor(reason: ResultReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
