import { Journal, journalsIn, machineFiles, readJournal } from '../backup/journal.ts';
import type { JournalFiles } from '../backup/journal.ts';
import type { KeeperClient } from '../keeper-client/client.ts';
import { KeystoreError } from '../keystore/error.ts';
import type { Entry, Ingested } from '../keystore/exchange.ts';
import type { Replica } from '../keystore/replica.ts';
import type { SqliteKeystore } from '../keystore/store.ts';
import { pause } from '../replication/surroundings.ts';
import type { Surroundings } from '../replication/surroundings.ts';
import type { Configuration } from './configuration.ts';

/** What is still to be taken waits for this. */
type Left = 'nothing' | 'medium' | 'keeper' | 'records';

const retryMilliseconds = 5_000;

interface JournalParts {
  readonly keystore: SqliteKeystore;
  readonly keeper: Pick<KeeperClient, 'open' | 'seal' | 'slots' | 'status' | 'derive' | 'close'>;
  readonly surroundings: Surroundings;
  readonly files?: JournalFiles;
}

/**
 * Opens a journal in the configured folder and takes in what lies there. Nobody waits for either: a
 * medium that hangs must not keep a node from serving.
 */
export function openJournal(
  parts: JournalParts & { readonly configuration: Configuration },
): Journal | undefined {
  const { keystore, keeper, surroundings, configuration } = parts;
  const { journal: folder } = configuration.replication;
  if (folder === undefined) return undefined;
  const { replica } = keystore;
  const { cluster, node } = replica;
  const members = (): ReturnType<typeof replica.members> => replica.members();
  const { now, random, after } = surroundings;
  const log: ConstructorParameters<typeof Journal>[0]['log'] = surroundings.log;
  const journal = new Journal({ folder, keeper, cluster, node, members, now, random, after, log });
  void takeAllJournals(folder, parts);
  void journal.start();
  return journal;
}

/** Takes the journals in, and again what could not be taken yet. */
export async function takeAllJournals(folder: string, parts: JournalParts): Promise<void> {
  const { keystore, surroundings } = parts;
  try {
    for (;;) {
      const left = await takeJournals(folder, parts);
      if (left === 'nothing') return;
      const known = othersHeads(keystore.replica);
      do await pause(surroundings, retryMilliseconds);
      while (left === 'records' && othersHeads(keystore.replica) === known);
    }
  } catch (error) {
    const text = error instanceof Error ? error.message : 'unknown';
    surroundings.log('warn', 'the journals were not read', { error: text });
  }
}

/** What came from other nodes and earlier starts, in one text. */
function othersHeads(replica: Replica): string {
  return JSON.stringify({ ...replica.heads(), [replica.epoch]: undefined });
}

/**
 * Takes in what the cluster's journals in a folder have and this node has not. Own records among
 * that show that an old disk was put back: what came back begins a new epoch, and is recorded.
 * Says what more there is to take once the medium or the keeper is there, or the records before it.
 */
export async function takeJournals(folder: string, parts: JournalParts): Promise<Left> {
  const { keystore, surroundings, files = machineFiles } = parts;
  const { replica } = keystore;
  const course = new Course(replica);
  const there = await files.readdir(folder).then(
    () => true,
    () => false,
  );
  if (!there) return 'medium';
  const readAll = async (): Promise<Left> => {
    let left: Left = 'nothing';
    for (const { path, head } of await journalsIn(folder, files)) {
      if (head.cluster !== replica.cluster) continue;
      left = (await readOne(path, parts, (entries) => course.take(entries))) ?? left;
    }
    return left;
  };
  let left = await readAll();
  await course.takeEarly();
  // What was purged when its secret came by is not any more: it is to come by again.
  if (course.returned) left = await readAll();
  const { early, recovered, regained } = course;
  if (early.length > 0) {
    if (left === 'nothing') left = 'records';
    const text = 'the journals hold records whose predecessors are not here: another node has them';
    surroundings.log('warn', text, { frames: early.length });
  }
  if (recovered > 0) surroundings.log('warn', 'records came from the journal', { recovered });
  if (regained === undefined) return left;
  const { epoch, seq } = regained;
  surroundings.log('error', 'this node was put back to an older disk', { epoch, common: seq - 1 });
  const healing = { why: 'rollback', epoch, common: seq - 1, recovered } as const;
  await replica.endHealing(healing, surroundings.random(16).toString('hex'));
  return left;
}

/** What came of the frames that were taken so far. */
class Course {
  readonly #replica: Replica;
  recovered = 0;
  /** The first own record that this node had lost. */
  regained: Ingested['regained'];
  /** Whether anything that had been purged here is there again. */
  returned = false;
  /** What came before its predecessors: a journal may hold its newest records first. */
  early: (readonly Entry[])[] = [];

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  async take(entries: readonly Entry[]): Promise<void> {
    try {
      const { added, regained, returned } = await this.#replica.ingest(entries);
      this.recovered += added;
      this.regained ??= regained;
      this.returned ||= returned.length > 0;
    } catch (error) {
      if (!(error instanceof KeystoreError) || error.code !== 'record-gap') throw error;
      this.early.push(entries);
    }
  }

  async takeEarly(): Promise<void> {
    for (let before = Number.POSITIVE_INFINITY; this.early.length < before;) {
      before = this.early.length;
      const again = this.early;
      this.early = [];
      for (const entries of again) await this.take(entries);
    }
  }
}

/** Reads one journal; says what another try waits for. */
async function readOne(
  path: string,
  { keeper, surroundings, files = machineFiles }: JournalParts,
  take: (entries: readonly Entry[]) => Promise<void>,
): Promise<Left | undefined> {
  try {
    const read = await readJournal(await files.readFile(path), keeper, take);
    if (read !== undefined && read.damaged > 0) {
      surroundings.log('error', 'a journal is damaged', { path, frames: read.damaged });
    }
    return undefined;
  } catch (error) {
    const text = error instanceof Error ? error.message : 'unknown';
    surroundings.log('warn', 'a journal was not read to its end', { path, error: text });
    return leftBy(error);
  }
}

/** What another try waits for; undefined where it would end in the same way. */
function leftBy(error: unknown): Left | undefined {
  const { code } = error as { code?: unknown };
  if (error instanceof KeystoreError && code === 'record-gap') return 'records';
  const away = ['unavailable', 'sealed', 'keeper-unavailable'];
  return typeof code === 'string' && away.includes(code) ? 'keeper' : undefined;
}
