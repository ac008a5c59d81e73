/**
 * The items of a TTLV message: a tag, a type and a value (KMIP 1.4 §9.1, KMIP 2.1 TTLV encoding).
 * This folder knows the ten types and no KMIP tag.
 */

/** A value as it stands behind a tag. Sizes on the wire are those of KMIP 1.4 §9.1.1.3. */
export type Value =
  | { readonly type: 'Structure'; readonly value: readonly Item[] }
  | { readonly type: 'Integer'; readonly value: number }
  | { readonly type: 'LongInteger'; readonly value: bigint }
  /** Two's complement, most significant byte first, padded by sign to a multiple of 8 bytes. */
  | { readonly type: 'BigInteger'; readonly value: Uint8Array }
  | { readonly type: 'Enumeration'; readonly value: number }
  | { readonly type: 'Boolean'; readonly value: boolean }
  | { readonly type: 'TextString'; readonly value: string }
  | { readonly type: 'ByteString'; readonly value: Uint8Array }
  /** Seconds since 1970-01-01T00:00:00Z. */
  | { readonly type: 'DateTime'; readonly value: bigint }
  /** Seconds. */
  | { readonly type: 'Interval'; readonly value: number }
  /** Microseconds since 1970-01-01T00:00:00Z (KMIP 2.0 and later). */
  | { readonly type: 'DateTimeExtended'; readonly value: bigint };

/** A value with its tag: a number of 3 bytes, 0x42xxxx for the standard's, 0x54xxxx for others'. */
export type Item = { readonly tag: number } & Value;
