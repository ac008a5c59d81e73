import { KmipError } from '../kmip/error.ts';
import { ResultReason } from '../kmip/enumeration.ts';
import { failed } from './parameters.ts';
import type { Transformation } from './parameters.ts';

/** The most bytes that wait for the end of what can only be worked on as a whole. */
const gatheredMost = 8 * 1024 * 1024;

/**
 * Gathers all pieces and works on the whole at the end. Pieces and whole are wiped. What the work
 * throws, unless KMIP has a word for it, is a Cryptographic Failure.
 */
export function gathering(work: (data: Buffer) => Buffer): Transformation {
  const pieces: Buffer[] = [];
  let length = 0;
  return {
    update(data) {
      length += data.length;
      if (length > gatheredMost) {
        const message = 'This is more data than can be worked on as a whole';
        throw new KmipError(ResultReason.ServerLimitExceeded, message);
      }
      pieces.push(Buffer.from(data));
      return Buffer.alloc(0);
    },
    final() {
      const data = Buffer.concat(pieces);
      for (const piece of pieces) piece.fill(0);
      try {
        return attempt(() => work(data));
      } finally {
        data.fill(0);
      }
    },
  };
}

/** Runs OpenSSL; what it throws is a Cryptographic Failure that says no more. */
export function attempt<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof KmipError) throw error;
    throw failed(error);
  }
}
