import { randomUUID } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import type { AddressInfo, ListenOptions } from 'node:net';
import { Readable } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { fastify } from 'fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RefusalCount } from '../audit/refusal-count.ts';
import { authorise, localAdministrator } from './administrator.ts';
import type { Asker } from './administrator.ts';
import { allowedWith } from './administrator-act.ts';
import type { Appliance, Beginning } from './appliance.ts';
import { backupRefusal } from './backup-refusal.ts';
import { AdminError } from './error.ts';
import { openApi } from './open-api.ts';
import type { JoinActs, PairingView } from './pair.ts';
import { Knocks } from './knock.ts';
import { RemoteListener } from './remote-listener.ts';
import { routesOf } from './route/index.ts';
import { route } from './route.ts';
import type { Route } from './route.ts';
import { z } from './schema.ts';
import type { Problem, StatusView } from './schema.ts';

const bodyBytes = 256 * 1024;
const sweepMilliseconds = 60_000;

/**
 * The admin API on a Unix socket that only the appliance's administrators can open. It is there
 * before a wrapping key is: a new appliance says so, and so does one that waits for a PIN.
 */
export class AdminServer {
  readonly #server: FastifyInstance;
  readonly #routes: readonly Route[];
  readonly #askers = new WeakMap<FastifyRequest, Asker>();
  readonly #knocks = new Knocks();
  #appliance: Appliance | undefined;
  #remote: RemoteListener | undefined;
  #refusals: RefusalCount | undefined;
  #sweeping: NodeJS.Timeout | undefined;

  constructor(beginning: Beginning) {
    this.#server = fastify({ bodyLimit: bodyBytes, genReqId: () => randomUUID() });
    this.#server.setErrorHandler((error, request, reply) => {
      const known = asAdminError(error);
      if (known.code === 'failed') {
        const text = error instanceof Error ? error.message : 'unknown';
        beginning.log('error', 'admin request failed', { request: request.id, error: text });
      }
      return reply.status(known.status).send(problemOf(known, request.id));
    });
    this.#server.setNotFoundHandler((request, reply) => {
      const error = new AdminError('not-found', 'no such path', 'see docs/openapi.json');
      return reply.status(404).send(problemOf(error, request.id));
    });
    this.#server.addContentTypeParser('application/octet-stream', (_request, payload, done) => {
      done(null, payload);
    });
    const status = (): Promise<StatusView> => (this.#appliance ?? beginning).status();
    const joins = (): JoinActs => {
      if (this.#appliance === undefined && beginning.joins !== undefined) return beginning.joins;
      throw new AdminError('refused', 'this node has keys already', 'only a new node joins');
    };
    const pairing = (): PairingView =>
      this.#appliance?.pair.pairing() ?? beginning.joins?.view() ?? { state: 'none' };
    const reach = { status, pairing, joins, opened: () => this.#opened(), knocks: this.#knocks };
    this.#routes = routesOf(reach);
    for (const each of [...this.#routes, documentRoute(this.#routes)]) this.#add(each);
  }

  /** From now on everything can be asked and done. */
  open(appliance: Appliance): void {
    this.#appliance = appliance;
  }

  async listen(path: string): Promise<void> {
    rmSync(path, { force: true });
    await this.#server.listen({ path });
    chmodSync(path, 0o660);
  }

  /**
   * The same API over HTTPS for those who have a role, once everything is open. Rejects with what
   * the system says of the address.
   */
  async listenRemote(
    listen: ListenOptions,
    identity: { readonly key: KeyObject; readonly certificate: string },
  ): Promise<AddressInfo> {
    const appliance = this.#opened();
    await this.#server.ready();
    const refusals = new RefusalCount(appliance.now, (who, times) => {
      const actor = `admin:${who}`;
      const reason =
        times === 1 ? 'certificate not let in' : `certificate not let in, ${times} times`;
      const entry = { request: '', actor, act: 'admin connection', reason };
      appliance.keystore.note({ ...entry, outcome: 'denied' });
    });
    this.#refusals = refusals;
    this.#sweeping = setInterval(() => {
      refusals.sweep();
    }, sweepMilliseconds).unref();
    this.#remote = new RemoteListener({
      ...identity,
      admits: (fingerprint) => allowedWith(appliance, fingerprint) !== undefined,
      refused: (shown, address) => {
        if (shown !== undefined) this.#knocks.note(shown, address, appliance.now());
        refusals.count(shown?.fingerprint ?? 'no certificate');
      },
      serve: (request, response) => {
        this.#server.routing(request, response);
      },
    });
    return this.#remote.listen(listen);
  }

  /** Ends the connections of administrators who were shut out. */
  cutBlocked(): void {
    this.#remote?.cutBlocked();
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeping);
    this.#refusals?.flush();
    await this.#remote?.close();
    await this.#server.close();
  }

  /** Who sends a request: over TLS whom the certificate says, else whoever opened the socket. */
  #asker({ raw: { socket } }: FastifyRequest): Asker | undefined {
    if (!(socket instanceof TLSSocket)) return localAdministrator;
    const fingerprint = this.#remote?.fingerprint(socket);
    if (fingerprint === undefined) return undefined;
    const found = allowedWith(this.#opened(), fingerprint);
    if (found === undefined) return undefined;
    return { actor: `admin:${found.name}`, role: found.role, local: false };
  }

  /** Who sends a request, if he may. A denial is in the audit. Throws AdminError `denied`. */
  #authorised(request: FastifyRequest, wanted: Route): Asker {
    const asker = this.#asker(request);
    try {
      return authorise(asker, wanted);
    } catch (error) {
      const act = `${wanted.method} ${wanted.path}`;
      const by = { request: request.id, actor: asker?.actor ?? 'admin:unknown' };
      this.#appliance?.keystore.note({ ...by, act, outcome: 'denied' });
      throw error;
    }
  }

  #opened(): Appliance {
    if (this.#appliance !== undefined) return this.#appliance;
    throw new AdminError('not-serving', 'no wrapping key is open', 'see twinlock status');
  }

  #add(declared: Route): void {
    const { method, path, query, body, takesBytes, answer } = declared;
    this.#server.route({
      method,
      url: path,
      // Before the body is read: nobody sends one who may not.
      onRequest: (request, _reply, done) => {
        this.#askers.set(request, this.#authorised(request, declared));
        done();
      },
      handler: (request, reply) => {
        const { actor, local } = this.#askers.get(request) ?? authorise(undefined, declared);
        const answered = declared.handle({
          path: pathSchema.parse(request.params),
          query: query?.parse(request.query) as never,
          body: body?.parse(request.body ?? {}) as never,
          bytes: takesBytes === true ? bytesOf(request.body) : noBytes,
          act: { request: request.id, actor },
          local,
        });
        if (answer !== undefined) return answered;
        return begun(answered as AsyncIterable<Buffer>).then((stream) =>
          reply.type('application/octet-stream').send(stream),
        );
      },
    });
  }
}

/** A stream whose first bytes are there: what fails before them is still a refusal in words. */
async function begun(source: AsyncIterable<Buffer>): Promise<Readable> {
  const iterator = source[Symbol.asyncIterator]();
  const first = await iterator.next();
  const all = async function* (): AsyncGenerator<Buffer> {
    try {
      if (first.done !== true) yield first.value;
      for (;;) {
        const next = await iterator.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  };
  return Readable.from(all(), { objectMode: false });
}

const noBytes: AsyncIterable<Buffer> = Readable.from([]);

function bytesOf(body: unknown): AsyncIterable<Buffer> {
  if (body instanceof Readable) return body;
  throw new AdminError('bad-request', 'the body is no bytes', 'send application/octet-stream');
}

const pathSchema = z.record(z.string(), z.string().max(128));

/** The document says the routes beside it, and not itself. */
function documentRoute(routes: readonly Route[]): Route {
  return route({
    method: 'GET',
    path: '/v1/openapi.json',
    role: 'auditor',
    what: 'this API as an OpenAPI document',
    answer: z.record(z.string(), z.unknown()),
    handle: () => openApi(routes),
  });
}

function problemOf({ code, message, hint }: AdminError, request: string): Problem {
  return { error: { code, message, hint, request } };
}

/** The one place where errors of other rooms become the admin API's. */
function asAdminError(error: unknown): AdminError {
  if (error instanceof AdminError) return error;
  if (error instanceof z.ZodError) {
    const issue = error.issues[0];
    const message = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`;
    return new AdminError('bad-request', message, 'mend the request', { cause: error });
  }
  const { name, code, message, statusCode } = error as Record<string, unknown>;
  if (name === 'ErrandError') {
    return new AdminError('refused', String(message), hintOf(String(code)), { cause: error });
  }
  if (name === 'KeeperError') {
    const hint = 'see twinlock status and the keeper’s log';
    return new AdminError('not-serving', String(message), hint, { cause: error });
  }
  if (name === 'PkiError') {
    const hint = 'give a PEM file of the right kind';
    return new AdminError('bad-request', String(message), hint, { cause: error });
  }
  if (name === 'BackupError') return backupRefusal(code, String(message), error);
  if (name === 'KeystoreError') {
    const hint = code === 'disk-full' ? 'free some space' : 'see the server’s log';
    return new AdminError('not-serving', String(message), hint, { cause: error });
  }
  if (typeof statusCode === 'number' && statusCode < 500) {
    return new AdminError('bad-request', String(message), 'mend the request', { cause: error });
  }
  const hint = 'see the server’s log under the request’s id';
  return new AdminError('failed', 'the server could not do this', hint, { cause: error });
}

/** What a person does about a pairing that was refused. */
function hintOf(code: string): string {
  const hints: Readonly<Record<string, string>> = {
    'code-refused': 'make another one there: twinlock peer invite',
    'has-keys': 'cut it off and invite another one: twinlock peer replace',
    'no-peer-port': 'set replication.listen to an address of this machine and a free port',
    unreachable: 'see the address, the peer port and what is between the nodes',
    'not-the-peer': 'somebody may be in between: see the address, then look at the network',
  };
  return hints[code] ?? 'begin again: peer invite there, peer join here';
}
