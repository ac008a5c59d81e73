import { damaged } from './error.ts';

/** What the chunks hold, one after the other: kind (1 byte), length (4), payload. */
export const itemKind = { manifest: 1, file: 2, record: 3, seal: 4 } as const;

export interface Item {
  readonly kind: number;
  readonly payload: Buffer;
}

const headBytes = 5;
/** The longest payload: a record with the largest secret that a keeper seals, and room to spare. */
const payloadMost = 32 << 20;
const signatureBytes = 64;

export function encodeItem(kind: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + payload.length);
  bytes[0] = kind;
  bytes.writeUInt32BE(payload.length, 1);
  bytes.set(payload, headBytes);
  return bytes;
}

/** Cuts opened chunks into items. Throws BackupError `damaged`. */
export async function* readItems(chunks: AsyncIterable<Buffer>): AsyncGenerator<Item> {
  let waiting: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
    while (waiting.length >= headBytes) {
      const length = waiting.readUInt32BE(1);
      if (length > payloadMost) throw damaged('an item of impossible length');
      const end = headBytes + length;
      if (waiting.length < end) break;
      yield { kind: waiting.readUInt8(0), payload: waiting.subarray(headBytes, end) };
      waiting = waiting.subarray(end);
    }
  }
  if (waiting.length > 0) throw damaged('an item that has no end');
}

/** A signed record, and beside it the sealed secret that it commits to. */
export interface BundledRecord {
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  readonly sealed?: Uint8Array;
}

/** Signature (64 bytes), length of the body (4), body, sealed secret or nothing. */
export function encodeRecord({ body, signature, sealed }: BundledRecord): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([signature, length, body, sealed ?? Buffer.alloc(0)]);
}

/** Reads what `encodeRecord` made. Throws BackupError `damaged`. */
export function decodeRecord(payload: Buffer): BundledRecord {
  const bodyAt = signatureBytes + 4;
  if (payload.length < bodyAt) throw damaged('a record that is too short');
  const end = bodyAt + payload.readUInt32BE(signatureBytes);
  if (payload.length < end) throw damaged('a record that has no end');
  const record = {
    signature: payload.subarray(0, signatureBytes),
    body: payload.subarray(bodyAt, end),
  };
  return payload.length === end ? record : { ...record, sealed: payload.subarray(end) };
}

/** A file of the node's: length of its name (1 byte), name, content. */
export function encodeFile(name: string, content: Uint8Array): Buffer {
  const text = Buffer.from(name);
  return Buffer.concat([Buffer.from([text.length]), text, content]);
}

export function decodeFile(payload: Buffer): { readonly name: string; readonly content: Buffer } {
  const end = 1 + (payload[0] ?? 0);
  if (payload.length < end) throw damaged('a file that is too short');
  return { name: payload.subarray(1, end).toString(), content: payload.subarray(end) };
}
