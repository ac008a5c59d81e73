import { isIP } from 'node:net';
import pg from 'pg';
import { SharedLogError } from './shared-log.ts';

/** How to come to the database: any of its servers may be the primary at a time. */
export interface DatabaseAddress {
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  readonly database: string;
  readonly user: string;
  /** PEM of the one authority that the servers' certificates have to come from. */
  readonly ca: string;
  /** The name in the servers' certificates, where it is not the host they are reached by. */
  readonly name?: string;
  readonly password?: string;
  /** A client certificate and its key, PEM. */
  readonly certificate?: string;
  readonly key?: string;
}

type Value = string | number | Buffer | readonly Buffer[];

export type Row = Readonly<Record<string, unknown>>;

/** The longest that reaching a server and greeting it may take, in milliseconds. */
const connectMilliseconds = 5_000;

/** One connection to the primary, over TLS 1.3. */
export class DatabaseLink {
  readonly #client: pg.Client;
  #ended: string | undefined;
  #notices = 0;
  #onEnd: ((why: string) => void)[] = [];

  constructor(client: pg.Client) {
    this.#client = client;
    client.on('notice', () => this.#notices++);
    client.on('error', (error) => {
      this.#end(error.message);
    });
    client.on('end', () => {
      this.#end('the connection ended');
    });
  }

  /** Grows with each notice or warning, in whatever language the server speaks. */
  get notices(): number {
    return this.#notices;
  }

  get open(): boolean {
    return this.#ended === undefined;
  }

  /** Runs one statement; gives its rows and what it says it was. Throws SharedLogError. */
  async run(
    text: string,
    values: readonly Value[] = [],
  ): Promise<{ readonly rows: Row[]; readonly command: string }> {
    try {
      const { rows, command } = await this.#client.query<Row>(text, [...values]);
      return { rows, command };
    } catch (cause) {
      throw asFault(cause);
    }
  }

  onNotification(listener: () => void): void {
    this.#client.on('notification', listener);
  }

  onEnd(listener: (why: string) => void): void {
    if (this.#ended === undefined) this.#onEnd.push(listener);
    else listener(this.#ended);
  }

  /** Breaks the connection off: waits for nothing, since the server may never answer. */
  close(): void {
    this.#end('closed here');
    const { stream } = this.#client.connection as unknown as { stream: { destroy(): void } };
    stream.destroy();
  }

  #end(why: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    for (const listener of this.#onEnd) listener(why);
  }
}

/** Connects to whichever server is the primary now. Throws SharedLogError. */
export async function connectToPrimary(address: DatabaseAddress): Promise<DatabaseLink> {
  let standby = false;
  let cause: unknown;
  for (const server of address.servers) {
    let link: DatabaseLink | undefined;
    try {
      link = await connect(address, server);
      const { rows } = await link.run('SELECT pg_is_in_recovery() AS standby');
      if (rows[0]?.['standby'] === false) return link;
      standby = true;
    } catch (error) {
      cause = error;
    }
    link?.close();
  }
  if (standby) throw new SharedLogError('no-primary', 'only standbys answer', { cause });
  const text = cause instanceof Error ? cause.message : 'no server is configured';
  throw new SharedLogError('unreachable', text, { cause });
}

async function connect(
  address: DatabaseAddress,
  { host, port }: DatabaseAddress['servers'][number],
): Promise<DatabaseLink> {
  const { database, user, ca, name, password, certificate, key } = address;
  const client = new pg.Client({
    ...{ host, port, database, user },
    // Without a password of ours the library would look for one in files of its own.
    password: password ?? '',
    ssl: {
      ca,
      minVersion: 'TLSv1.3',
      rejectUnauthorized: true,
      host: name ?? host,
      ...(name !== undefined && isIP(name) === 0 ? { servername: name } : {}),
      ...(certificate === undefined ? {} : { cert: certificate }),
      ...(key === undefined ? {} : { key }),
    },
    application_name: 'twinlock',
    keepAlive: true,
    connectionTimeoutMillis: connectMilliseconds,
  });
  const link = new DatabaseLink(client);
  try {
    await client.connect();
  } catch (cause) {
    link.close();
    throw asFault(cause);
  }
  return link;
}

/** SQLSTATE classes 28, 3F and 42: who may, and what is there (PostgreSQL, appendix A). */
function asFault(cause: unknown): SharedLogError {
  const { code, message } = cause as { code?: string; message?: string };
  const kind = /^(28|3D|3F|42)/.test(code ?? '') ? 'schema' : 'unreachable';
  return new SharedLogError(kind, message ?? 'unknown', { cause });
}
