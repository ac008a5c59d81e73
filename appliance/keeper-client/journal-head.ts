/**
 * What stands in clear before a journal's frames: enough to find the keys that open it. Whatever
 * opens the slot table, a token or the shares of the recovery set, opens the journal. The command
 * line reads it too, for a node that is new.
 */
export interface JournalHead {
  /** 16 random bytes in hexadecimal that name this journal. */
  readonly journal: string;
  readonly cluster: string;
  readonly node: string;
  /** Seconds since 1970. */
  readonly made: number;
  /** Whose records are in it: node to Ed25519 public key, SubjectPublicKeyInfo in base64. */
  readonly recordKeys: Readonly<Record<string, string>>;
  /** The journal's own key as the keeper sealed it; base64. */
  readonly key: string;
  /** The slot table as it lay on the disk. */
  readonly slots: string;
}

const magic = Buffer.from('TWLKJNL\x01');
const headMost = 4 << 20;

/** Magic and version (8 bytes), length of the text (4), JSON. */
export function encodeJournalHead(head: JournalHead): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([magic, length, text]);
}

/** The head at the start of these bytes, and where it ends; undefined for what is no journal. */
export function parseJournalHead(
  bytes: Buffer,
): { readonly head: JournalHead; readonly end: number } | undefined {
  const start = magic.length + 4;
  if (bytes.length < start || !bytes.subarray(0, magic.length).equals(magic)) return undefined;
  const end = start + bytes.readUInt32BE(magic.length);
  if (end - start > headMost || bytes.length < end) return undefined;
  try {
    const head = JSON.parse(bytes.subarray(start, end).toString()) as Partial<JournalHead> | null;
    const { journal, cluster, node, key, slots } = head ?? {};
    const texts = [journal, cluster, node, key, slots];
    if (!texts.every((each) => typeof each === 'string')) return undefined;
    return { head: head as JournalHead, end };
  } catch {
    return undefined;
  }
}
