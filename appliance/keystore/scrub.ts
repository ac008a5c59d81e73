import type { Statement } from './database.ts';
import type { Draft } from './keystore.ts';
import { contextBytes, creationOf, isCommitted } from './material.ts';
import type { ReplicaParts } from './replica.ts';
import { damageFound, placeName } from './unsound.ts';

/** What a pass over everything that is stored has found. */
export interface ScrubView {
  /** When everything had been looked at last, in seconds since 1970; absent before that. */
  readonly finished?: number;
  /** How many things the last whole pass and the one that goes on found damaged. */
  readonly found: number;
  /** Records that are damaged or gone and were not had from elsewhere yet. */
  readonly unsound: number;
  /** Whether the database itself could not be read in a place. */
  readonly unreadable: boolean;
}

type Phase = 'records' | 'rows' | 'secrets';

interface Course {
  begun: number;
  phase: Phase;
  /** Behind which record, row or secret it goes on. */
  at: readonly [string, number | string];
  found: number;
  unreadable: boolean;
  last?: { readonly finished: number; readonly found: number; readonly unreadable: boolean };
}

interface SecretRow {
  readonly object: string;
  readonly commitment: Buffer;
  readonly sealed: Buffer;
}

const courseName = 'scrub';
const daySeconds = 86_400;

/**
 * Looks at everything that is stored once a day, in small pieces: chain, hash and signature of each
 * record, each row against the fold of its records, each secret through the keeper against its
 * commitment. A row is written anew from its records, a secret or record is asked of others.
 */
export class Scrub {
  readonly #parts: ReplicaParts;
  readonly #lack: Statement;
  readonly #bare: Statement;
  #course: Course;

  constructor(parts: ReplicaParts) {
    this.#parts = parts;
    this.#lack = parts.database.prepare('INSERT OR IGNORE INTO lacking VALUES (?)');
    this.#bare = parts.database.prepare(`SELECT 1 FROM object o WHERE o.identifier = ?
      AND o.commitment IS NOT NULL AND o.identifier NOT IN (SELECT object FROM lacking)
      AND NOT EXISTS (SELECT 1 FROM material m
        WHERE m.object = o.identifier AND m.commitment = o.commitment)`);
    const find = parts.database.prepare('SELECT value FROM meta WHERE name = ?').pluck();
    const kept = find.get(courseName) as string | undefined;
    this.#course =
      kept === undefined
        ? { begun: 0, phase: 'records', at: ['', 0], found: 0, unreadable: false }
        : (JSON.parse(kept) as Course);
  }

  get view(): ScrubView {
    const { found, unreadable, last } = this.#course;
    return {
      ...(last === undefined ? {} : { finished: last.finished }),
      found: found + (last?.found ?? 0),
      unsound: this.#parts.records.unsound.size,
      unreadable: unreadable || last?.unreadable === true,
    };
  }

  /** How many things there are to look at, nearly. */
  get size(): number {
    const newest = (table: string): number =>
      Number(
        this.#parts.database.prepare(`SELECT coalesce(max(id), 0) FROM ${table}`).pluck().get(),
      );
    return newest('record') + 2 * newest('object');
  }

  /** Whether a pass goes on. */
  get running(): boolean {
    return !this.#isOver;
  }

  get #isOver(): boolean {
    return this.#course.begun === 0;
  }

  /**
   * Looks at the next so many things; false where this day's pass is over. Throws KeeperError while
   * the keeper opens nothing, KeystoreError while nothing can be written.
   */
  async step(limit: number): Promise<boolean> {
    const { now } = this.#parts;
    const course = this.#course;
    if (this.#isOver) {
      const age = now() - (course.last?.finished ?? 0);
      if (age >= 0 && age < daySeconds) return false;
      Object.assign(course, { begun: now(), phase: 'records', at: ['', 0], found: 0 });
      course.unreadable = false;
    }
    try {
      await { records: this.#records, rows: this.#rows, secrets: this.#secrets }[course.phase].call(
        this,
        limit,
      );
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#parts.log('error', 'the database cannot be read in a place', { phase: course.phase });
      course.unreadable = true;
      await this.#next();
    }
    return true;
  }

  async #records(limit: number): Promise<void> {
    const { records, projection } = this.#parts;
    const [epoch, seq] = this.#course.at;
    const { unsound } = records;
    const inspected = records.inspect({ epoch, seq: Number(seq) }, limit);
    const { last, ended, headless } = inspected;
    const broken = inspected.broken.filter((place) => !unsound.has(place));
    const lost = inspected.made.filter((object) => !projection.isThere(object));
    if (broken.length + headless.length + lost.length > 0) {
      await this.#parts.commit((draft) => {
        for (const place of broken) unsound.note(place);
        for (const each of headless) records.mendHead(each);
        for (const object of lost) projection.refold(object);
        this.#say(draft, 'record', [...broken.map(placeName), ...headless]);
        this.#say(draft, 'row', lost);
      });
    }
    this.#course.at = [last.epoch, last.seq];
    if (ended) await this.#next();
  }

  async #rows(limit: number): Promise<void> {
    const { projection, records } = this.#parts;
    const [after] = this.#course.at;
    const subjects = projection.subjects(after, limit);
    // While records are missing their fold is less than what stands there.
    const wrong =
      records.unsound.size > 0 ? [] : subjects.filter((subject) => !projection.isTrue(subject));
    const bare = subjects.filter((subject) => this.#bare.get(subject) !== undefined);
    if (wrong.length + bare.length > 0) {
      await this.#parts.commit((draft) => {
        for (const subject of wrong) projection.refold(subject);
        for (const subject of bare) this.#lack.run(subject);
        this.#say(draft, 'row', wrong);
        this.#say(draft, 'secret', bare);
      });
    }
    this.#course.at = [subjects.at(-1) ?? after, 0];
    if (subjects.length < limit) await this.#next();
  }

  async #secrets(limit: number): Promise<void> {
    const { database, commit } = this.#parts;
    const [object, commitment] = this.#course.at;
    const rows = database
      .prepare(
        `SELECT object, commitment, sealed FROM material WHERE (object, commitment) > (?, ?)
          ORDER BY object, commitment LIMIT ?`,
      )
      .all(object, Buffer.from(String(commitment), 'hex'), limit) as SecretRow[];
    const damaged: string[] = [];
    for (const row of rows) if (!(await this.#opens(row))) damaged.push(row.object);
    if (damaged.length > 0) {
      await commit((draft) => {
        const fresh = damaged.filter((each) => this.#lack.run(each).changes > 0);
        this.#say(draft, 'secret', fresh);
      });
    }
    const last = rows.at(-1);
    if (last !== undefined) this.#course.at = [last.object, last.commitment.toString('hex')];
    if (rows.length < limit) await this.#next();
  }

  async #opens({ object, commitment, sealed }: SecretRow): Promise<boolean> {
    const { projection, keeper, cluster, commitmentKey, database } = this.#parts;
    const creation = projection.creation(object, commitment.toString('hex'));
    const about = creation && creationOf(creation);
    // A secret that nothing speaks of is not served; its record may be damaged.
    if (about === undefined) return true;
    const context = contextBytes(cluster, about.context);
    try {
      const secret = await keeper.open(context, sealed);
      const right = isCommitted(commitmentKey, context, secret, commitment);
      secret.fill(0);
      if (right) return true;
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== 'not-authentic' && code !== 'generation-unknown') throw error;
    }
    // Sealed anew, or purged, meanwhile: then what was read says nothing.
    const find = 'SELECT 1 FROM material WHERE object = ? AND commitment = ? AND sealed = ?';
    return database.prepare(find).get(object, commitment, sealed) === undefined;
  }

  /** Goes on with the next phase, or ends the pass; and keeps in mind how far it is. */
  async #next(): Promise<void> {
    const course = this.#course;
    const following = { records: 'rows', rows: 'secrets', secrets: undefined } as const;
    const next = following[course.phase];
    course.at = ['', next === 'secrets' ? '' : 0];
    if (next === undefined) {
      const { found, unreadable } = course;
      course.last = { finished: this.#parts.now(), found, unreadable };
      Object.assign(course, { begun: 0, found: 0, phase: 'records' });
    } else {
      course.phase = next;
    }
    await this.keep();
  }

  /** Keeps in mind how far it is, so that a restart does not begin anew. */
  async keep(): Promise<void> {
    const text = JSON.stringify(this.#course);
    const { database, commit } = this.#parts;
    await commit(() => {
      database.prepare('REPLACE INTO meta VALUES (?, ?)').run(courseName, text);
    });
  }

  #say(draft: Draft, what: 'record' | 'row' | 'secret', which: readonly string[]): void {
    this.#course.found += which.length;
    for (const each of which) {
      this.#parts.log('error', `a stored ${what} is damaged`, { [what]: each });
      draft.audit(damageFound(what, each));
    }
  }
}

function isUnreadable(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^SQLITE_(CORRUPT|NOTADB|IOERR)/.test(code);
}
