import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { damaged } from './error.ts';

/**
 * Chunks of AES-256-GCM as in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015):
 * the nonce is the chunk's number and whether it is the last, so that none can be left out, moved,
 * doubled or come from elsewhere, and the end cannot be cut off. One key for one stream.
 */
export const chunkBytes = 64 * 1024;
const tagBytes = 16;
const sealedBytes = chunkBytes + tagBytes;

function nonceOf(index: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(index), 3);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

function seal(key: KeyObject, index: number, plaintext: Buffer, last: boolean): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(index, last));
  const sealed = [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
  plaintext.fill(0);
  return Buffer.concat(sealed);
}

function open(key: KeyObject, index: number, sealed: Buffer, last: boolean): Buffer {
  if (sealed.length < tagBytes) throw damaged('its end is missing');
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(index, last));
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  const plaintext = decipher.update(sealed.subarray(0, -tagBytes));
  try {
    decipher.final();
  } catch (cause) {
    plaintext.fill(0);
    throw damaged(last ? 'its end is missing or changed' : `chunk ${index}`, { cause });
  }
  return plaintext;
}

/** Seals a stream of bytes into chunks; every chunk but the last is of the same size. */
export async function* sealChunks(
  source: AsyncIterable<Buffer>,
  key: KeyObject,
): AsyncGenerator<Buffer> {
  let index = 0;
  let waiting: Buffer = Buffer.alloc(0);
  for await (const bytes of source) {
    waiting = Buffer.concat([waiting, bytes]);
    // A full chunk waits until there is more: it may be the last.
    while (waiting.length > chunkBytes) {
      const plaintext = Buffer.from(waiting.subarray(0, chunkBytes));
      waiting = waiting.subarray(chunkBytes);
      yield seal(key, index++, plaintext, false);
    }
  }
  yield seal(key, index, waiting, true);
}

/** Opens what `sealChunks` made. Throws BackupError `damaged`. */
export async function* openChunks(
  source: AsyncIterable<Buffer>,
  key: KeyObject,
): AsyncGenerator<Buffer> {
  let index = 0;
  let waiting: Buffer = Buffer.alloc(0);
  for await (const bytes of source) {
    waiting = waiting.length === 0 ? bytes : Buffer.concat([waiting, bytes]);
    while (waiting.length > sealedBytes) {
      yield open(key, index++, waiting.subarray(0, sealedBytes), false);
      waiting = waiting.subarray(sealedBytes);
    }
  }
  yield open(key, index, waiting, true);
}
