import { connectToPrimary } from './postgresql.ts';
import type { DatabaseAddress, DatabaseLink, Row } from './postgresql.ts';
import { migrate, nodeRole } from './record-schema.ts';
import { SharedLogError } from './shared-log.ts';
import type { LogPlace, PlacedRow, SealedRow, SharedLog } from './shared-log.ts';

const channel = 'twinlock';

const insertRows = `
  INSERT INTO twinlock.record (id, key, sealed)
  SELECT id, key, sealed
    FROM unnest($1::bytea[], $2::bytea[], $3::bytea[]) WITH ORDINALITY AS r (id, key, sealed, place)
   ORDER BY place
  ON CONFLICT (id) DO NOTHING`;

const putStanding = `
  INSERT INTO twinlock.standing (id, key, sealed) VALUES ($1, $2, $3)
  ON CONFLICT (id) DO UPDATE SET key = excluded.key, sealed = excluded.sealed`;

const readRows = `
  SELECT transaction::text, position::text, id, key, sealed FROM twinlock.record
   WHERE (transaction, position) > ($1::xid8, $2::bigint)
     AND transaction < pg_snapshot_xmin(pg_current_snapshot())
   ORDER BY transaction, position LIMIT $3`;

/**
 * The log as a table of PostgreSQL. One connection writes, since a commit may wait for its standby
 * for long; the other one reads.
 */
export class RecordTable implements SharedLog {
  readonly #writer: DatabaseLink;
  readonly #reader: DatabaseLink;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(writer: DatabaseLink, reader: DatabaseLink) {
    this.#writer = writer;
    this.#reader = reader;
  }

  /** Connects, and makes or migrates the schema where it is older. Throws SharedLogError. */
  static async open(address: DatabaseAddress): Promise<RecordTable> {
    const writer = await connectToPrimary(address);
    let reader: DatabaseLink | undefined;
    try {
      await migrate(writer);
      reader = await connectToPrimary(address);
      for (const link of [writer, reader]) {
        await link.run(`SET ROLE ${nodeRole}`);
        // Whatever the database or the role is set to.
        await link.run('SET synchronous_commit = on');
      }
      await checkNumbers(reader);
      await reader.run(`LISTEN ${channel}`);
      return new RecordTable(writer, reader);
    } catch (error) {
      writer.close();
      reader?.close();
      throw error;
    }
  }

  publish(rows: readonly SealedRow[], standing: SealedRow): Promise<void> {
    return this.#inTurn(async () => {
      await this.#demandStandby();
      await this.#writer.run('BEGIN');
      try {
        await this.#writer.run(insertRows, [
          rows.map(({ id }) => id),
          rows.map(({ key }) => key),
          rows.map(({ sealed }) => sealed),
        ]);
        // Always written: a transaction that found all rows there already, left by a commit that
        // was cancelled on its way to the standby, would else wait for nothing and say success.
        await this.#writer.run(putStanding, [standing.id, standing.key, standing.sealed]);
      } catch (error) {
        await this.#writer.run('ROLLBACK').catch(() => undefined);
        throw error;
      }
      await this.#commit();
    });
  }

  say(standing: SealedRow): Promise<void> {
    return this.#inTurn(async () => {
      await this.#writer.run('BEGIN');
      await this.#writer.run('SET LOCAL synchronous_commit = off');
      await this.#writer.run(putStanding, [standing.id, standing.key, standing.sealed]);
      await this.#writer.run('COMMIT');
    });
  }

  async after({ transaction, position }: LogPlace, limit: number): Promise<PlacedRow[]> {
    const { rows } = await this.#reader.run(readRows, [transaction, position, limit]);
    return rows.map((row) => {
      const sealed = sealedRow(row);
      const place = {
        transaction: String(row['transaction']),
        position: String(row['position']),
        id: sealed.id.toString('hex'),
      };
      return { ...sealed, place };
    });
  }

  async standings(): Promise<SealedRow[]> {
    const { rows } = await this.#reader.run('SELECT id, key, sealed FROM twinlock.standing');
    return rows.map(sealedRow);
  }

  async holds({ transaction, position, id }: LogPlace): Promise<boolean> {
    const find = `SELECT id FROM twinlock.record
      WHERE position = $1::bigint AND transaction = $2::xid8`;
    const { rows } = await this.#reader.run(find, [position, transaction]);
    const there = rows[0]?.['id'];
    return Buffer.isBuffer(there) && there.toString('hex') === id;
  }

  async has(ids: readonly Buffer[]): Promise<boolean> {
    const find = 'SELECT count(*) AS found FROM twinlock.record WHERE id = ANY ($1::bytea[])';
    const { rows } = await this.#reader.run(find, [ids]);
    return Number(rows[0]?.['found']) === ids.length;
  }

  async life(): Promise<string> {
    // The first eight digits of a WAL file's name are those of the timeline.
    const { rows } = await this.#reader.run(
      `SELECT system_identifier::text || ' ' || left(pg_walfile_name(pg_current_wal_lsn()), 8)
         AS life FROM pg_control_system()`,
    );
    return String(rows[0]?.['life']);
  }

  hasStandby(): Promise<boolean> {
    return standbyOf(this.#reader);
  }

  onWake(listener: () => void): void {
    this.#reader.onNotification(listener);
  }

  onEnd(listener: (why: string) => void): void {
    let told = false;
    for (const link of [this.#writer, this.#reader]) {
      link.onEnd((why) => {
        if (told) return;
        told = true;
        listener(why);
      });
    }
  }

  close(): void {
    this.#writer.close();
    this.#reader.close();
  }

  /**
   * A commit whose wait for the standby is cancelled ends in success and a warning: any notice
   * makes it doubtful. Nothing here cancels one; `statement_timeout` does not reach it.
   */
  async #commit(): Promise<void> {
    const { notices } = this.#writer;
    let command: string;
    try {
      ({ command } = await this.#writer.run('COMMIT'));
    } catch (cause) {
      throw new SharedLogError('in-doubt', 'the connection broke while it was committed', {
        cause,
      });
    }
    if (command !== 'COMMIT' || this.#writer.notices !== notices) {
      throw new SharedLogError('in-doubt', 'the commit was warned of, or was none');
    }
    // Where the setting was taken back meanwhile it waited for nobody.
    const stands = await standbyOf(this.#writer).catch(() => false);
    if (!stands) throw new SharedLogError('in-doubt', 'the standby went away meanwhile');
    // Not in the transaction: NOTIFY holds a lock of the whole cluster until the commit ends, and
    // with it through the wait for the standby.
    await this.#writer.run(`SELECT pg_notify('${channel}', '')`).catch(() => undefined);
  }

  async #demandStandby(): Promise<void> {
    if (await standbyOf(this.#writer)) return;
    throw new SharedLogError('no-standby', 'the primary has no synchronous standby');
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#writing.then(act, act);
    this.#writing = done.catch(() => undefined);
    return done;
  }
}

async function standbyOf(link: DatabaseLink): Promise<boolean> {
  const { rows } = await link.run('SELECT twinlock.standbys() AS standbys');
  return Number(rows[0]?.['standbys']) > 0;
}

/** A dump that was read into another cluster bears numbers from which nothing can be followed. */
async function checkNumbers(link: DatabaseLink): Promise<void> {
  const { rows } = await link.run(
    `SELECT EXISTS (SELECT FROM twinlock.record
      WHERE transaction >= pg_snapshot_xmax(pg_current_snapshot())) AS ahead`,
  );
  if (rows[0]?.['ahead'] !== true) return;
  const text = 'the table was read in from a dump: give the nodes an empty database, they fill it';
  throw new SharedLogError('numbers', text);
}

function sealedRow(row: Row): SealedRow {
  const [id, key, sealed] = [row['id'], row['key'], row['sealed']];
  if (Buffer.isBuffer(id) && Buffer.isBuffer(key) && Buffer.isBuffer(sealed)) {
    return { id, key, sealed };
  }
  throw new SharedLogError('schema', 'a row is not what this node writes');
}
