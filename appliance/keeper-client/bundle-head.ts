/**
 * What stands in clear before a backup's chunks: enough to find the keys that open it, and nothing
 * that tells of a key, a name or a client. The command line reads it too, because a node that is
 * new has no keystore to ask: its keeper needs the slot table.
 */
export interface BundleHead {
  /** 16 random bytes in hexadecimal that name this backup. */
  readonly bundle: string;
  /** Identifiers of 16 bytes in hexadecimal. */
  readonly cluster: string;
  readonly node: string;
  /** Seconds since 1970. */
  readonly made: number;
  /** The version of the software that wrote it. */
  readonly software: string;
  /** The backup's own key as the keeper sealed it; base64. */
  readonly key: string;
  /** The slot table as it lay on the disk: whatever opens it opens the backup. */
  readonly slots: string;
}

const magic = Buffer.from('TWLKBKP');
const formatVersion = 1;
const lengthAt = magic.length + 1;
const textAt = lengthAt + 4;

/** The longest text of a head, in bytes. */
export const headBytesMost = 4 << 20;

/** The head's bytes: magic, version (1 byte), length of the text (4), JSON. */
export function encodeBundleHead(head: BundleHead): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const start = Buffer.alloc(textAt);
  magic.copy(start);
  start[magic.length] = formatVersion;
  start.writeUInt32BE(text.length, lengthAt);
  return Buffer.concat([start, text]);
}

/**
 * Reads the head at the start of a backup, without knowing yet whether it is authentic. `more`: so
 * many bytes are needed at the least; `newer`: a later version wrote it; `foreign`: not a backup.
 */
export function parseBundleHead(
  bytes: Buffer,
):
  | { readonly is: 'head'; readonly head: BundleHead; readonly end: number }
  | { readonly is: 'more'; readonly bytes: number }
  | { readonly is: 'newer' | 'foreign' } {
  const start = bytes.subarray(0, magic.length);
  if (!start.equals(magic.subarray(0, start.length))) return { is: 'foreign' };
  if (bytes.length < textAt) return { is: 'more', bytes: textAt };
  if (bytes.readUInt8(magic.length) !== formatVersion) return { is: 'newer' };
  const length = bytes.readUInt32BE(lengthAt);
  if (length > headBytesMost) return { is: 'foreign' };
  const end = textAt + length;
  if (bytes.length < end) return { is: 'more', bytes: end };
  const head = read(bytes.subarray(textAt, end));
  return head === undefined ? { is: 'foreign' } : { is: 'head', head, end };
}

function read(text: Buffer): BundleHead | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text.toString());
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const head = value as Record<keyof BundleHead, unknown>;
  const texts = [head.bundle, head.cluster, head.node, head.software, head.key, head.slots];
  const whole = texts.every((each) => typeof each === 'string') && Number.isSafeInteger(head.made);
  return whole ? (value as BundleHead) : undefined;
}
