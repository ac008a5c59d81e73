import { spawn, spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import pg from 'pg';
import {
  Authority,
  makeAuthorityCertificate,
  makePrivateKey,
} from '../../appliance/pki/authority.ts';
import type { DatabaseAddress } from '../../appliance/replication/postgresql.ts';
import { until } from './twin.ts';

const base = '/usr/lib/postgresql';
const password = 'a password of the test';

/** Where Debian puts the servers; undefined where there is none. */
function programs(): string | undefined {
  if (!existsSync(base)) return undefined;
  const newest = readdirSync(base).sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? undefined : join(base, newest, 'bin');
}

/** A server refuses to be root: then it is the user that Debian's package makes. */
function owner(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [, , uid, gid] =
    /^postgres:.*$/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[0].split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function run(program: string, args: readonly string[]): void {
  const bin = programs() ?? '';
  const done = spawnSync(join(bin, program), args, { ...owner(), cwd: '/', encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${program}: ${done.stderr}`);
}

/** One real server of PostgreSQL, on loopback. */
export class PostgresServer {
  readonly folder: string;
  port = 0;
  #pid: number | undefined;

  constructor(t: ExecutionContext) {
    this.folder = mkdtempSync(join(tmpdir(), 'postgresql-'));
    const user = owner();
    if (user !== undefined) chownSync(this.folder, user.uid, user.gid);
    chmodSync(this.folder, 0o700);
    t.teardown(() => {
      this.signal('SIGKILL');
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  async start(): Promise<void> {
    this.port = this.port === 0 ? await freePort() : this.port;
    rmSync(join(this.folder, 'postmaster.pid'), { force: true });
    const args = ['-D', this.folder, '-p', String(this.port)];
    const child = spawn(join(programs() ?? '', 'postgres'), args, {
      ...owner(),
      cwd: '/',
      stdio: 'ignore',
    });
    this.#pid = child.pid;
    await until(async () => {
      const asked = await this.sql('SELECT 1').catch(() => undefined);
      return asked !== undefined;
    });
  }

  /** To the server and each of its processes: frozen, none of them answers. */
  signal(name: NodeJS.Signals): void {
    const pid = this.#pid;
    if (pid === undefined) return;
    const file = `/proc/${pid}/task/${pid}/children`;
    const children = existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ') : [];
    for (const each of [String(pid), ...children]) {
      try {
        if (each !== '') process.kill(Number(each), name);
      } catch {
        // It ended meanwhile.
      }
    }
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    const pid = this.#pid ?? 0;
    this.#pid = undefined;
    await until(() => !existsSync(`/proc/${pid}/exe`));
  }

  /** As the administrator of the database. */
  async sql(text: string, database = 'postgres'): Promise<Record<string, unknown>[]> {
    const client = await this.administrator(database);
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }

  async administrator(database: string): Promise<pg.Client> {
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port: this.port, user: 'postgres', database },
      connectionTimeoutMillis: 2_000,
    });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  async promote(): Promise<void> {
    await this.sql('SELECT pg_promote(true, 60)');
  }
}

/** A primary with a synchronous standby, and what the nodes are told of it. */
export class PostgresPair {
  primary: PostgresServer;
  standby: PostgresServer;
  readonly ca: string;
  readonly #t: ExecutionContext;

  private constructor(t: ExecutionContext, primary: PostgresServer, ca: string) {
    this.#t = t;
    this.primary = primary;
    this.standby = primary;
    this.ca = ca;
  }

  static async start(t: ExecutionContext): Promise<PostgresPair> {
    const primary = new PostgresServer(t);
    run('initdb', ['-D', primary.folder, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '-N']);
    const ca = writeSettings(primary.folder);
    await primary.start();
    const pair = new PostgresPair(t, primary, ca);
    for (const statement of [
      'CREATE ROLE twinlock_owner NOLOGIN',
      'CREATE ROLE twinlock_node NOLOGIN',
      'GRANT pg_read_all_stats TO twinlock_owner',
      `CREATE ROLE twinlock LOGIN NOINHERIT PASSWORD '${password}'`,
      'GRANT twinlock_owner, twinlock_node TO twinlock',
      'CREATE DATABASE twinlock OWNER twinlock_owner',
    ]) {
      await primary.sql(statement);
    }
    await pair.addStandby();
    return pair;
  }

  /** Both servers, in whichever part they play. */
  get address(): DatabaseAddress {
    const servers = [this.primary, this.standby].map(({ port }) => ({ host: '127.0.0.1', port }));
    return { servers, database: 'twinlock', user: 'twinlock', ca: this.ca, password };
  }

  /** A new server that follows the primary, and that commits wait for from then on. */
  async addStandby(): Promise<void> {
    const { primary } = this;
    const standby = new PostgresServer(this.#t);
    const source = `host=127.0.0.1 port=${primary.port} user=postgres application_name=standby`;
    run('pg_basebackup', ['-D', standby.folder, '-d', source, '-R', '-c', 'fast', '-X', 'stream']);
    await standby.start();
    this.standby = standby;
    await primary.sql(`ALTER SYSTEM SET synchronous_standby_names = 'standby'`);
    await primary.sql('SELECT pg_reload_conf()');
    await until(async () => (await this.synchronous()) === 1);
  }

  async synchronous(): Promise<number> {
    const rows = await this.primary.sql(
      `SELECT count(*)::int AS n FROM pg_stat_replication WHERE sync_state = 'sync'`,
    );
    return Number(rows[0]?.['n']);
  }

  /** The standby is made the primary; the one that was it is not started again. */
  async failOver(): Promise<void> {
    await this.primary.kill();
    await this.standby.promote();
    this.primary = this.standby;
  }
}

/** Copies a stopped server's folder, and puts that copy back later. */
export function keepFolder(server: PostgresServer): () => void {
  const kept = `${server.folder}.kept`;
  cpSync(server.folder, kept, { recursive: true, preserveTimestamps: true });
  return () => {
    rmSync(server.folder, { recursive: true });
    cpSync(kept, server.folder, { recursive: true });
    own(server.folder);
    rmSync(kept, { recursive: true });
  };
}

function own(folder: string): void {
  const user = owner();
  chmodSync(folder, 0o700);
  if (user === undefined) return;
  spawnSync('chown', ['-R', `${user.uid}:${user.gid}`, folder]);
}

/** Settings, and a certificate of an authority made for it; gives the authority's. */
function writeSettings(folder: string): string {
  const surroundings = { now: () => Math.floor(Date.now() / 1000), random: randomBytes };
  const make = () =>
    createPrivateKey({ key: makePrivateKey('p256'), format: 'der', type: 'pkcs8' });
  const [authorityKey, key] = [make(), make()];
  const ca = makeAuthorityCertificate(authorityKey, 'Database authority', surroundings);
  const authority = new Authority(ca, authorityKey, surroundings);
  const certificate = authority.serverCertificate(createPublicKey(key), ['127.0.0.1']);
  writeFileSync(join(folder, 'server.crt'), certificate);
  writeFileSync(join(folder, 'server.key'), key.export({ format: 'pem', type: 'pkcs8' }), {
    mode: 0o600,
  });
  appendFileSync(
    join(folder, 'postgresql.conf'),
    [
      `listen_addresses = '127.0.0.1'`,
      `unix_socket_directories = ''`,
      'ssl = on',
      'max_connections = 60',
      'shared_buffers = 16MB',
      `lc_messages = 'C'`,
      '',
    ].join('\n'),
  );
  writeFileSync(
    join(folder, 'pg_hba.conf'),
    [
      'host all postgres 127.0.0.1/32 trust',
      'host replication postgres 127.0.0.1/32 trust',
      'hostssl twinlock twinlock 127.0.0.1/32 scram-sha-256',
      '',
    ].join('\n'),
  );
  own(folder);
  return ca;
}
