import type { DatabaseLink } from './postgresql.ts';
import { SharedLogError } from './shared-log.ts';

/** Owns the schema; used to make and migrate it, and for nothing else. */
const ownerRole = 'twinlock_owner';
/** May read, add records, and put its own standing; not change or delete a record. */
export const nodeRole = 'twinlock_node';

/** Names the lock under which one node at a time migrates. */
const migrationLock = 7_461_205;

/** What leads from each version of the schema to the next. */
const steps: readonly (readonly string[])[] = [
  [
    `CREATE TABLE twinlock.record (
      position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
      id bytea NOT NULL UNIQUE,
      key bytea NOT NULL,
      sealed bytea NOT NULL)`,
    'CREATE INDEX record_order ON twinlock.record (transaction, position)',
    `CREATE TABLE twinlock.standing (
      id bytea PRIMARY KEY, key bytea NOT NULL, sealed bytea NOT NULL)`,
    // Sealed bytes do not get smaller: nothing is tried.
    'ALTER TABLE twinlock.record ALTER key SET STORAGE EXTERNAL, ALTER sealed SET STORAGE EXTERNAL',
    `CREATE FUNCTION twinlock.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'twinlock.record is only added to'; END $$`,
    `CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON twinlock.record
      FOR EACH STATEMENT EXECUTE FUNCTION twinlock.refuse()`,
    `CREATE FUNCTION twinlock.standbys() RETURNS integer LANGUAGE sql SECURITY DEFINER
      SET search_path = pg_catalog AS $$
        SELECT count(*)::integer FROM pg_stat_replication
         WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum') $$`,
    'REVOKE ALL ON FUNCTION twinlock.standbys() FROM PUBLIC',
    `GRANT USAGE ON SCHEMA twinlock TO ${nodeRole}`,
    `GRANT EXECUTE ON FUNCTION twinlock.standbys() TO ${nodeRole}`,
    `GRANT SELECT, INSERT (id, key, sealed) ON twinlock.record TO ${nodeRole}`,
    `GRANT SELECT, INSERT, UPDATE ON twinlock.standing TO ${nodeRole}`,
    `GRANT SELECT ON twinlock.version TO ${nodeRole}`,
  ],
];

/**
 * Makes the schema, or brings it to this version; one of a later version is used as it is. Throws
 * SharedLogError.
 */
export async function migrate(link: DatabaseLink): Promise<void> {
  if ((await versionOf(link)) >= steps.length) return;
  try {
    await link.run('BEGIN');
    await link.run('SELECT pg_advisory_xact_lock($1)', [migrationLock]);
    await link.run(`SET LOCAL ROLE ${ownerRole}`);
    await link.run('CREATE SCHEMA IF NOT EXISTS twinlock');
    await link.run('CREATE TABLE IF NOT EXISTS twinlock.version (version integer NOT NULL)');
    const { rows } = await link.run('SELECT max(version) AS version FROM twinlock.version');
    for (const [version, statements] of steps.entries()) {
      if (version < Number(rows[0]?.['version'] ?? 0)) continue;
      for (const statement of statements) await link.run(statement);
      await link.run('INSERT INTO twinlock.version VALUES ($1)', [version + 1]);
    }
    await link.run('COMMIT');
  } catch (cause) {
    await link.run('ROLLBACK').catch(() => undefined);
    if (cause instanceof SharedLogError && cause.code !== 'schema') throw cause;
    const text = cause instanceof Error ? cause.message : 'unknown';
    throw new SharedLogError('schema', `the schema cannot be made: ${text}`, { cause });
  }
}

async function versionOf(link: DatabaseLink): Promise<number> {
  await link.run(`SET ROLE ${nodeRole}`);
  try {
    const { rows } = await link.run(`SELECT to_regclass('twinlock.version') IS NOT NULL AS there`);
    if (rows[0]?.['there'] !== true) return 0;
    const found = await link.run('SELECT max(version) AS version FROM twinlock.version');
    return Number(found.rows[0]?.['version'] ?? 0);
  } catch (error) {
    if (error instanceof SharedLogError && error.code === 'schema') return 0;
    throw error;
  } finally {
    await link.run('RESET ROLE');
  }
}
