import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { parseJournalHead } from '../keeper-client/journal-head.ts';
import type { JournalHead } from '../keeper-client/journal-head.ts';
import { fromKeeper } from './bundle-key.ts';
import { BackupError } from './error.ts';
import type { BundledRecord } from './item.ts';
import { readJournal } from './journal.ts';
import { refuseShutOut, removeThoseGone, sealedAnew } from './restore.ts';
import type { RecordTarget, RestoreChoice, Restored, RestoreParts } from './restore.ts';

/** What a journal held, and what was taken of it. */
export interface RestoredJournal extends Pick<Restored, 'records' | 'secrets' | 'added'> {
  readonly head: JournalHead;
  /** Frames that were changed, and whether the end is torn: that was never answered for. */
  readonly damaged: number;
  readonly torn: boolean;
  /** Records that wait for those before them: these are in another journal, or in a backup. */
  readonly waiting: number;
}

/** More bytes than any journal's head has. */
const headMost = 5 << 20;

/** The head of a file that is a journal; undefined for any other. */
export function journalHeadOf(path: string): JournalHead | undefined {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(headMost);
    return parseJournalHead(bytes.subarray(0, readSync(file, bytes, 0, headMost, 0)))?.head;
  } finally {
    closeSync(file);
  }
}

/**
 * Takes a journal's records in that are not here yet: a union, as with a backup, and in any order
 * with others. A changed frame costs its own records and no other. Throws BackupError.
 */
export async function restoreJournal(
  path: string,
  parts: RestoreParts,
  choice: RestoreChoice,
): Promise<RestoredJournal> {
  const { target, keeper, cluster } = parts;
  const bytes = readFileSync(path);
  const head = parseJournalHead(bytes)?.head;
  if (head === undefined) throw new BackupError('not-a-backup', 'this is no journal');
  if (head.cluster !== cluster) {
    throw new BackupError('foreign', `the journal is of the cluster ${head.cluster}`);
  }
  refuseShutOut(head.node, true, target, choice);
  const counted = { records: 0, secrets: 0, added: 0, waiting: 0 };
  const course = { introduced: false, returned: false };
  const take = async (entries: readonly BundledRecord[]): Promise<void> => {
    // The head is only known to be of this cluster once a frame that it is bound to opens.
    if (!course.introduced) await target.introduce(head.recordKeys);
    course.introduced = true;
    counted.records += entries.length;
    counted.secrets += entries.filter(({ sealed }) => sealed !== undefined).length;
    const anew = await Promise.all(entries.map((entry) => sealedAnew(entry, parts)));
    const placed = await placedOf(anew, target);
    counted.added += placed.added;
    counted.waiting += placed.waiting;
    course.returned ||= placed.returned;
  };
  const readAll = (): ReturnType<typeof readJournal> =>
    readJournal(bytes, keeper, take).catch((cause: unknown) => {
      throw fromKeeper(cause);
    });
  const read = await readAll();
  const result = { head, ...counted, damaged: read?.damaged ?? 0, torn: read?.torn === true };
  // What was purged when its secret came by is not any more: it is to come by again.
  if (course.returned) await readAll();
  if (course.introduced) await removeThoseGone(Object.keys(head.recordKeys), target, choice);
  return result;
}

/** Takes a frame's records; where one has no predecessor here, those of the other chains. */
async function placedOf(
  entries: readonly BundledRecord[],
  target: RecordTarget,
): Promise<{ added: number; waiting: number; returned: boolean }> {
  try {
    const { added, returned } = await target.ingest(entries, target.node);
    return { added, waiting: 0, returned: returned.length > 0 };
  } catch (error) {
    if (!isGap(error)) throw error;
    if (entries.length === 1) return { added: 0, waiting: 1, returned: false };
  }
  const sum = { added: 0, waiting: 0, returned: false };
  for (const entry of entries) {
    const { added, waiting, returned } = await placedOf([entry], target);
    sum.added += added;
    sum.waiting += waiting;
    sum.returned ||= returned;
  }
  return sum;
}

function isGap(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'record-gap';
}
