/** What OpenSSL answers is not what the standard says; the message names the algorithm alone. */
export class KnownAnswerError extends Error {
  override readonly name = 'KnownAnswerError';
  readonly code = 'self-test-failed';
}
