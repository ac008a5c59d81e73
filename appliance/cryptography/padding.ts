import { PaddingMethod } from '../kmip/enumeration.ts';
import { badParameters, failed } from './parameters.ts';

/**
 * The bytes that fill up the last block (KMIP 1.4 §9.1.3.2.16). `length`: of the data, in bytes.
 * Throws KmipError: Cryptographic Failure where the data needs padding and has none.
 */
export function paddingFor(
  method: PaddingMethod,
  length: number,
  block: number,
  random: (bytes: number) => Buffer,
): Buffer {
  const missing = block - (length % block);
  switch (method) {
    case PaddingMethod.None:
      if (missing !== block) throw failed();
      return Buffer.alloc(0);
    case PaddingMethod.PKCS5:
      return Buffer.alloc(missing, missing);
    case PaddingMethod.Zeros:
      return Buffer.alloc(missing % block);
    case PaddingMethod.ANSIX9_23:
      return ended(Buffer.alloc(missing), missing);
    case PaddingMethod.ISO10126:
      return ended(random(missing), missing);
    case PaddingMethod.SSL3:
      // RFC 6101 §5.2.3.2: the last byte counts those before it.
      return ended(random(missing), missing - 1);
    default:
      throw badParameters('This padding is not one of a block cipher');
  }
}

function ended(bytes: Buffer, last: number): Buffer {
  bytes[bytes.length - 1] = last;
  return bytes;
}

/** The data of a last block without its padding. Throws KmipError Cryptographic Failure. */
export function unpadded(method: PaddingMethod, block: Buffer): Buffer {
  const last = block.at(-1);
  switch (method) {
    case PaddingMethod.None:
      return block;
    case PaddingMethod.Zeros: {
      let end = block.length;
      while (end > 0 && block[end - 1] === 0) end--;
      return block.subarray(0, end);
    }
    case PaddingMethod.PKCS5: {
      if (last === undefined || last === 0 || last > block.length) throw failed();
      const wrong = block.subarray(-last).reduce((sum, byte) => sum | (byte ^ last), 0);
      if (wrong !== 0) throw failed();
      return block.subarray(0, -last);
    }
    case PaddingMethod.ANSIX9_23: {
      if (last === undefined || last === 0 || last > block.length) throw failed();
      if (block.subarray(-last, -1).some((byte) => byte !== 0)) throw failed();
      return block.subarray(0, -last);
    }
    case PaddingMethod.ISO10126:
      if (last === undefined || last === 0 || last > block.length) throw failed();
      return block.subarray(0, -last);
    case PaddingMethod.SSL3:
      if (last === undefined || last >= block.length) throw failed();
      return block.subarray(0, -last - 1);
    default:
      throw badParameters('This padding is not one of a block cipher');
  }
}
