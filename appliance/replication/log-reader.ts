import { KeystoreError } from '../keystore/error.ts';
import type { Entry } from '../keystore/exchange.ts';
import { databaseHolder, lackingMost } from '../keystore/receipt.ts';
import { decodeHead, hashOf } from '../keystore/record.ts';
import type { Replica } from '../keystore/replica.ts';
import { namedEpochs } from './greeting.ts';
import type { History } from './history.ts';
import { decodeEntries } from './message.ts';
import type { RowSeal } from './row-seal.ts';
import { logStart } from './shared-log.ts';
import type { LogPlace, PlacedRow, SharedLog } from './shared-log.ts';
import { pause } from './surroundings.ts';
import type { Surroundings } from './surroundings.ts';

/** Few, because nobody is served while they are stored. */
const pageRows = 64;
const placeName = 'database place';
const lifeName = 'database life';
const saveMilliseconds = 1_000;
const keeperMilliseconds = 1_000;
/** So often a row of an unknown wrapping key is tried: its generation may be on its way. */
const generationTries = 5;
/** What was refused is read again once more is known; whoever forges makes nobody busy by that. */
const firstAgain = 1_000;
const longestAgain = 600_000;
const shownFaults = 1_000;

export interface LogReaderParts {
  readonly replica: Replica;
  readonly history: History;
  readonly surroundings: Surroundings;
  readonly seal: RowSeal;
  readonly stopped: () => boolean;
}

/** What was found in the database that no node of the cluster can have put there rightly. */
export interface LogFaults {
  /** Rows that nothing here opens. */
  readonly unreadable: number;
  /** Records that are not taken: nobody known signed them, or one before them did not come. */
  readonly refused: number;
  /** How often a row that was read was not there any more. */
  readonly restored: number;
}

interface Read {
  readonly entry: Entry;
  readonly place: LogPlace;
}

/** Follows the log by position into the keystore; what it says is believed in nothing. */
export class LogReader {
  readonly #unreadable = new Set<string>();
  readonly #refused = new Set<string>();
  #restored = 0;
  /** Whether records were taken since the refused ones were tried, and when they may be again. */
  #more = false;
  #due = 0;
  #delay = firstAgain;
  readonly #parts: LogReaderParts;
  #place: LogPlace;
  /** Where a restart begins: before the first row that may be opened later. */
  #kept: LogPlace | undefined;
  #saved = 0;

  constructor(parts: LogReaderParts) {
    this.#parts = parts;
    this.#place = readPlace(parts.replica.recall(placeName));
  }

  /** The names of the newest rows that were there: what this node gave it need not be read yet. */
  #newest(): Buffer[] {
    const { replica, seal } = this.#parts;
    const held = replica.receipts.heads(databaseHolder);
    return replica.newestEpochs(namedEpochs).flatMap((epoch) => {
      const head = held[epoch];
      return head === undefined ? [] : [seal.name('record', head[1])];
    });
  }

  get faults(): LogFaults {
    const { size: unreadable } = this.#unreadable;
    return { unreadable, refused: this.#refused.size, restored: this.#restored };
  }

  /** Reads a log from its beginning that is not a later state of the one that was read before. */
  async meet(log: SharedLog): Promise<void> {
    const { surroundings, replica } = this.#parts;
    const life = await log.life();
    const known = replica.recall(lifeName) ?? life;
    const wasRead = this.#place.id === '' || (await log.holds(this.#place));
    const isThere = wasRead && (await log.has(this.#newest()));
    if (!isThere) {
      this.#restored++;
      surroundings.log('error', 'rows that were there are not in the database any more');
    }
    if (!isThere || known !== life) {
      surroundings.log('warn', 'the database is compared from its beginning', { life });
      this.#restart();
      await this.#save(true);
    }
    if (replica.recall(lifeName) !== life) await replica.remember(lifeName, life);
  }

  /** Takes all that is there now. Throws SharedLogError, and what the keystore and keeper throw. */
  async follow(log: SharedLog): Promise<void> {
    for (;;) {
      const rows = await log.after(this.#place, pageRows);
      const last = rows.at(-1);
      if (last === undefined || this.#parts.stopped()) break;
      const entries = await this.#open(rows);
      await this.#take(entries);
      this.#place = last.place;
      await this.#save(false);
      await pause(this.#parts.surroundings, 0);
    }
    this.#again();
  }

  /** A member's first records may stand before those that make it one. */
  #again(): void {
    const kept = this.#kept;
    const now = this.#parts.surroundings.elapsed();
    if (kept === undefined || !this.#more || now < this.#due) return;
    this.#due = now + this.#delay;
    this.#delay = Math.min(this.#delay * 2, longestAgain);
    this.#more = false;
    this.#kept = undefined;
    this.#place = kept;
  }

  /** Writes down how far it was read. */
  stop(): Promise<void> {
    return this.#save(true);
  }

  /** Everything is read once more, and what the log lacks is given to it again. */
  #restart(): void {
    this.#place = logStart;
    this.#kept = undefined;
    this.#parts.replica.receipts.replace(databaseHolder, {});
  }

  async #open(rows: readonly PlacedRow[]): Promise<Read[]> {
    const entries: Read[] = [];
    for (const row of rows) {
      const plaintext = await this.#unseal(row);
      if (plaintext === undefined) continue;
      const [entry] = decoded(plaintext);
      const { seal } = this.#parts;
      const right =
        entry !== undefined &&
        seal.name('record', hashOf(entry.body).toString('hex')).equals(row.id);
      if (right) entries.push({ entry, place: row.place });
      else this.#sayUnreadable(row.place);
    }
    return entries;
  }

  async #unseal(row: PlacedRow): Promise<Buffer | undefined> {
    const { seal, surroundings, stopped } = this.#parts;
    for (let tries = 1; ; tries++) {
      try {
        const plaintext = await seal.unseal(row);
        if (plaintext === undefined) this.#sayUnreadable(row.place);
        return plaintext;
      } catch (error) {
        const unknown = (error as { code?: string }).code === 'generation-unknown';
        if (stopped()) throw error;
        if (unknown && tries >= generationTries) {
          this.#keep();
          this.#sayUnreadable(row.place);
          return undefined;
        }
        // A keeper that is sealed or away is waited for: nothing is passed over meanwhile.
        await pause(surroundings, keeperMilliseconds);
      }
    }
  }

  async #take(read: readonly Read[]): Promise<void> {
    const wanted = read.filter(({ entry }) => this.#isNew(entry));
    if (wanted.length > 0) {
      try {
        await this.#ingest(wanted.map(({ entry }) => entry));
      } catch (error) {
        if (!isRefusal(error)) throw error;
        // One that is wrong keeps none of the others out.
        for (const each of wanted) await this.#takeAlone(each);
        return;
      }
    }
    for (const { place } of read) this.#refused.delete(place.position);
  }

  async #takeAlone({ entry, place }: Read): Promise<void> {
    const { surroundings } = this.#parts;
    try {
      await this.#ingest([entry]);
      this.#refused.delete(place.position);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#keep();
      if (this.#refused.has(place.position)) return;
      const fields = { error: error.message, position: place.position };
      surroundings.log('warn', 'a record of the database is not taken now', fields);
      if (this.#refused.size < shownFaults) this.#refused.add(place.position);
    }
  }

  /** It is read again from here, in this life or the next one. */
  #keep(): void {
    this.#kept ??= this.#place;
  }

  /** Whether it is to be stored; notes that the log has it, and what that says of this node. */
  #isNew({ body }: Entry): boolean {
    const { replica, history } = this.#parts;
    const head = decodeHead(body);
    if (head === undefined) return true;
    const { epoch, seq, node, object } = head;
    const hash = hashOf(body).toString('hex');
    const held = replica.receipts.heads(databaseHolder)[epoch]?.[0] ?? 0;
    const here = replica.hashAt(epoch, seq);
    if (here === undefined && node === replica.node) history.lost({ [epoch]: [seq, hash] });
    // What stands behind a gap is not counted: whoever has what is missing gives it again.
    if (seq === held + 1 && (here === undefined || here === hash)) {
      replica.receipts.note(databaseHolder, { [epoch]: [seq, hash] });
    }
    return here !== hash || replica.lacking(lackingMost).includes(object);
  }

  async #ingest(entries: readonly Entry[]): Promise<void> {
    const { replica, history, surroundings } = this.#parts;
    const { forks, added } = await replica.ingest(entries);
    if (added > 0) this.#more = true;
    if (forks.length > 0) {
      surroundings.log('error', 'the database has other records here', { count: forks.length });
    }
    history.look();
  }

  #sayUnreadable({ position }: LogPlace): void {
    if (this.#unreadable.has(position)) return;
    if (this.#unreadable.size < shownFaults) this.#unreadable.add(position);
    const text = 'a row of the database was put there by no node of this cluster';
    this.#parts.surroundings.log('error', text, { position });
  }

  /** First what the log is known to hold, then how far it was read: never the other way. */
  async #save(now: boolean): Promise<void> {
    const { replica, surroundings } = this.#parts;
    if (!now && surroundings.elapsed() - this.#saved < saveMilliseconds) return;
    this.#saved = surroundings.elapsed();
    await replica.saveReceipts();
    const text = JSON.stringify(this.#kept ?? this.#place);
    if (replica.recall(placeName) !== text) await replica.remember(placeName, text);
  }
}

function isRefusal(error: unknown): error is KeystoreError {
  return (
    error instanceof KeystoreError &&
    (error.code === 'record-refused' || error.code === 'record-gap')
  );
}

function decoded(plaintext: Buffer): Entry[] {
  try {
    return decodeEntries(plaintext);
  } catch {
    return [];
  }
}

function readPlace(text: string | undefined): LogPlace {
  return text === undefined ? logStart : (JSON.parse(text) as LogPlace);
}
