import { createCipheriv, createDecipheriv, createHash, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { JournalHead } from '../keeper-client/journal-head.ts';
import type { Keeper } from '../keeper-client/keeper.ts';
import type { Entry } from '../keystore/exchange.ts';

/** The longest frame: a page of records, or one with the largest secret. */
const frameMost = 32 << 20;
const tagBytes = 16;

function contextOf({
  cluster,
  node,
  journal,
}: Pick<JournalHead, 'cluster' | 'node' | 'journal'>): Buffer {
  return Buffer.from(JSON.stringify(['twinlock journal key 1', cluster, node, journal]));
}

/** Makes a journal's own key: bytes to encrypt with, and how the keeper sealed them. */
export async function makeJournalKey(
  keeper: Keeper,
  head: Pick<JournalHead, 'cluster' | 'node' | 'journal'>,
  random: (bytes: number) => Buffer,
): Promise<{ readonly key: KeyObject; readonly sealed: string }> {
  const bytes = random(32);
  const sealed = await keeper.seal(contextOf(head), bytes);
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return { key, sealed: sealed.toString('base64') };
}

/** Throws what the keeper throws, `generation-unknown` where shares are needed. */
export async function openJournalKey(keeper: Keeper, head: JournalHead): Promise<KeyObject> {
  const bytes = await keeper.open(contextOf(head), Buffer.from(head.key, 'base64'));
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

/** Binds frames to the head before them: with another head, none opens. */
export function headDigest(head: Uint8Array): Buffer {
  return createHash('sha256').update(head).digest();
}

function nonceOf(index: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(index), 4);
  return nonce;
}

/** One frame: its length (4 bytes), and records under AES-256-GCM; its number is the nonce. */
export function sealFrame(
  key: KeyObject,
  head: Buffer,
  index: number,
  entries: readonly Entry[],
): Buffer {
  const plaintext = encodeEntries(entries);
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(index)).setAAD(head);
  const sealed = [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
  const length = Buffer.alloc(4);
  length.writeUInt32BE(plaintext.length + tagBytes);
  return Buffer.concat([length, ...sealed]);
}

export type Frame =
  /** A whole frame. */
  | { readonly is: 'entries'; readonly entries: readonly Entry[]; readonly end: number }
  /** A frame that was changed; what stands behind it may be whole. */
  | { readonly is: 'damaged'; readonly end: number }
  /** The end, or one that a power cut tore off: it was never answered for. */
  | { readonly is: 'end'; readonly torn: boolean };

/** The frame at this place. */
export function openFrame(
  bytes: Buffer,
  offset: number,
  index: number,
  { key, head }: { readonly key: KeyObject; readonly head: Buffer },
): Frame {
  if (bytes.length < offset + 4) return { is: 'end', torn: bytes.length > offset };
  const end = offset + 4 + bytes.readUInt32BE(offset);
  if (end - offset > frameMost || bytes.length < end || end < offset + 4 + tagBytes) {
    return { is: 'end', torn: true };
  }
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(index)).setAAD(head);
  decipher.setAuthTag(bytes.subarray(end - tagBytes, end));
  try {
    const middle = bytes.subarray(offset + 4, end - tagBytes);
    const plaintext = Buffer.concat([decipher.update(middle), decipher.final()]);
    return { is: 'entries', entries: decodeEntries(plaintext), end };
  } catch {
    return { is: 'damaged', end };
  }
}

/** How many frames in a row may be unreadable and the next one still be looked for. */
const lostMost = 64;

/**
 * The next whole frame behind one that does not open: where a length was changed nothing else says
 * where it begins. Its number is one of the next `lostMost`. Undefined where there is none.
 */
export function nextFrame(
  bytes: Buffer,
  from: number,
  index: number,
  keys: { readonly key: KeyObject; readonly head: Buffer },
): { readonly offset: number; readonly index: number } | undefined {
  const begins = Array.from({ length: lostMost }, (_, i) =>
    createCipheriv('aes-256-gcm', keys.key, nonceOf(index + i)).update(Buffer.alloc(4)),
  ).map((stream) => stream.readUInt32BE(0));
  for (let offset = from; offset + 4 + tagBytes + 4 <= bytes.length; offset++) {
    const length = bytes.readUInt32BE(offset);
    if (length > frameMost || offset + 4 + length > bytes.length) continue;
    const begin = bytes.readUInt32BE(offset + 4);
    for (const [i, stream] of begins.entries()) {
      // The first four bytes are the length of a record's body: most places are ruled out so.
      if ((begin ^ stream) >>> 0 > length) continue;
      const found = { offset, index: index + i };
      if (openFrame(bytes, offset, found.index, keys).is === 'entries') return found;
    }
  }
  return undefined;
}

function encodeEntries(entries: readonly Entry[]): Buffer {
  const parts = entries.flatMap(({ body, signature, sealed }) => [
    body,
    signature,
    sealed ?? new Uint8Array(0),
  ]);
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      return [length, part];
    }),
  );
}

function decodeEntries(plaintext: Buffer): Entry[] {
  const parts: Buffer[] = [];
  for (let offset = 0; offset < plaintext.length;) {
    const end = offset + 4 + plaintext.readUInt32BE(offset);
    if (end > plaintext.length) throw new RangeError('a part beyond its frame');
    parts.push(plaintext.subarray(offset + 4, end));
    offset = end;
  }
  const entries: Entry[] = [];
  for (let i = 0; i + 2 < parts.length; i += 3) {
    const [body, signature, sealed] = parts.slice(i, i + 3);
    if (body === undefined || signature === undefined || sealed === undefined) break;
    entries.push(sealed.length === 0 ? { body, signature } : { body, signature, sealed });
  }
  return entries;
}
