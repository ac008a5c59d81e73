/** Text that is not what the XML or JSON profile allows. */
export class EncodingError extends Error {
  override readonly name = 'EncodingError';
  readonly code = 'malformed';
}
