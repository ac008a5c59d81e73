import { createSecretKey } from 'node:crypto';
import { BackupError } from '../../../appliance/backup/error.ts';
import { openChunks } from '../../../appliance/backup/chunk.ts';
import { decodeFile, decodeRecord, encodeItem, itemKind } from '../../../appliance/backup/item.ts';
import { readItems } from '../../../appliance/backup/item.ts';
import { decodeTotals } from '../../../appliance/backup/manifest.ts';
import { openFrame } from '../../../appliance/backup/journal-format.ts';
import { openBundle } from '../../../appliance/backup/read.ts';
import { parseBundleHead } from '../../../appliance/keeper-client/bundle-head.ts';
import { parseJournalHead } from '../../../appliance/keeper-client/journal-head.ts';
import { NearKeeper } from '../../harness/keeper.ts';

const keeper = new NearKeeper();
const key = createSecretKey(Buffer.alloc(32, 1));

async function* inPieces(bytes: Buffer, step: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += step) {
    yield await Promise.resolve(bytes.subarray(at, at + step));
  }
}

/** What is behind encryption is read as if somebody with the key had written it. */
async function items(bytes: Buffer): Promise<void> {
  let length = 0;
  for await (const { kind, payload } of readItems(inPieces(bytes, 1 + (bytes[0] ?? 0)))) {
    length += encodeItem(kind, payload).length;
    if (kind === itemKind.record) decodeRecord(payload);
    if (kind === itemKind.file) decodeFile(payload);
    if (kind === itemKind.seal) decodeTotals(payload, Buffer.alloc(32), { mac: key, record: key });
  }
  if (length !== bytes.length) throw new Error('bytes that belong to no item');
}

const readers: readonly ((bytes: Buffer) => unknown)[] = [
  parseBundleHead,
  parseJournalHead,
  items,
  (bytes) => openFrame(bytes, 0, 0, { key, head: Buffer.alloc(32) }),
  async (bytes) => {
    for await (const chunk of openChunks(inPieces(bytes, 4096), key)) chunk.fill(0);
  },
  async (bytes) => {
    const cluster = '00'.repeat(16);
    const { content } = await openBundle(inPieces(bytes, 100), { keeper, cluster });
    for await (const part of content) if (part.is === 'file') part.content.fill(0);
  },
];

/** Backups and journals that somebody made up: the first byte says which reader. */
export async function fuzz(data: Buffer): Promise<void> {
  const [which = 0] = data;
  try {
    await readers[which % readers.length]?.(data.subarray(1));
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
  }
}
