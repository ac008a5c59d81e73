import { readFileSync } from 'node:fs';
import { RecordTable } from '../replication/record-table.ts';
import type { DatabaseAddress } from '../replication/postgresql.ts';
import type { SharedLog } from '../replication/shared-log.ts';
import { hostAndPort } from './configuration.ts';
import type { Configuration } from './configuration.ts';

type Database = NonNullable<Configuration['replication']['postgresql']>;

/**
 * What connects to the database. Files are read each time: a password or certificate that was
 * replaced is used from the next connection on.
 */
export function connectorOf(found: Database): () => Promise<SharedLog> {
  return async () => RecordTable.open(addressOf(found));
}

function addressOf(found: Database): DatabaseAddress {
  const { servers, database, user, name } = found;
  const password = found.password_file && readFileSync(found.password_file, 'utf8').trimEnd();
  const read = (path: string): string => readFileSync(path, 'utf8');
  return {
    servers: servers.map(hostAndPort),
    ...{ database, user, ca: read(found.ca) },
    ...(name === undefined ? {} : { name }),
    ...(password === undefined ? {} : { password }),
    ...(found.certificate === undefined ? {} : { certificate: read(found.certificate) }),
    ...(found.key === undefined ? {} : { key: read(found.key) }),
  };
}
