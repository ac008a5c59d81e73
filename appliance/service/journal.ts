import { readFile } from 'node:fs/promises';
import { Journal, journalsIn, readJournal } from '../backup/journal.ts';
import type { KeeperClient } from '../keeper-client/client.ts';
import { KeystoreError } from '../keystore/error.ts';
import type { Entry } from '../keystore/exchange.ts';
import type { SqliteKeystore } from '../keystore/store.ts';
import type { Surroundings } from '../replication/surroundings.ts';
import type { Configuration } from './configuration.ts';

interface JournalParts {
  readonly keystore: SqliteKeystore;
  readonly keeper: Pick<KeeperClient, 'open' | 'seal' | 'slots' | 'status' | 'derive' | 'close'>;
  readonly surroundings: Surroundings;
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
  void takeJournals(folder, parts)
    .catch((error: unknown) => {
      const text = error instanceof Error ? error.message : 'unknown';
      surroundings.log('warn', 'the journals were not read', { error: text });
    })
    .then(() => journal.start());
  return journal;
}

/**
 * Takes in what the cluster's journals in a folder have and this node has not. Own records among
 * that show that an old disk was put back: what came back begins a new epoch, and is recorded.
 */
export async function takeJournals(folder: string, parts: JournalParts): Promise<void> {
  const { keystore, keeper, surroundings } = parts;
  const { replica } = keystore;
  let regained: { readonly epoch: string; readonly seq: number } | undefined;
  let recovered = 0;
  /** What came before its predecessors: a journal may hold its newest records first. */
  let early: (readonly Entry[])[] = [];
  const take = async (entries: readonly Entry[]): Promise<void> => {
    try {
      const done = await replica.ingest(entries);
      recovered += done.added;
      regained ??= done.regained;
    } catch (error) {
      if (!(error instanceof KeystoreError) || error.code !== 'record-gap') throw error;
      early.push(entries);
    }
  };
  for (const { path, head } of await journalsIn(folder)) {
    if (head.cluster !== replica.cluster) continue;
    try {
      const read = await readJournal(await readFile(path), keeper, take);
      if (read !== undefined && read.damaged > 0) {
        surroundings.log('error', 'a journal is damaged', { path, frames: read.damaged });
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      surroundings.log('warn', 'a journal was not read to its end', { path, error: text });
    }
  }
  for (let left = Number.POSITIVE_INFINITY; early.length < left;) {
    left = early.length;
    const again = early;
    early = [];
    for (const entries of again) await take(entries);
  }
  if (early.length > 0) {
    const text = 'the journals hold records whose predecessors are not here: another node has them';
    surroundings.log('warn', text, { frames: early.length });
  }
  if (recovered > 0) surroundings.log('warn', 'records came from the journal', { recovered });
  if (regained === undefined) return;
  const { epoch, seq } = regained;
  surroundings.log('error', 'this node was put back to an older disk', { epoch, common: seq - 1 });
  const healing = { why: 'rollback', epoch, common: seq - 1, recovered } as const;
  await replica.endHealing(healing, surroundings.random(16).toString('hex'));
}
