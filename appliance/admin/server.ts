import { randomUUID } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { fastify } from 'fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Act, Appliance, Beginning } from './appliance.ts';
import { backupRefusal } from './backup-refusal.ts';
import { AdminError } from './error.ts';
import type { JoinActs, PairingView } from './pair.ts';
import { routesOf } from './route/index.ts';
import type { Route } from './route.ts';
import { z } from './schema.ts';
import type { Problem, StatusView } from './schema.ts';

const bodyBytes = 256 * 1024;

/**
 * The admin API on a Unix socket that only the appliance's administrators can open. It is there
 * before a wrapping key is: a new appliance says so, and so does one that waits for a PIN.
 */
export class AdminServer {
  readonly #server: FastifyInstance;
  #appliance: Appliance | undefined;

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
      const error = new AdminError('not-found', 'no such path', 'see docs/admin-api.md');
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
    const reach = { status, pairing, joins, opened: () => this.#opened() };
    for (const each of routesOf(reach)) this.#add(each);
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

  async close(): Promise<void> {
    await this.#server.close();
  }

  #opened(): Appliance {
    if (this.#appliance !== undefined) return this.#appliance;
    throw new AdminError('not-serving', 'no wrapping key is open', 'see twinlock status');
  }

  #add({ method, path, query, body, takesBytes, answer, ...route }: Route): void {
    this.#server.route({
      method,
      url: path,
      handler: (request, reply) => {
        const answered = route.handle({
          path: pathSchema.parse(request.params),
          query: query?.parse(request.query) as never,
          body: body?.parse(request.body ?? {}) as never,
          bytes: takesBytes === true ? bytesOf(request.body) : noBytes,
          act: by(request),
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

/** Whoever can open the socket is the local administrator. */
function by(request: FastifyRequest): Act {
  return { request: request.id, actor: 'admin:local' };
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
    'has-keys': 'remove it first: twinlock peer remove',
    'no-peer-port': 'set replication.listen to an address of this machine and a free port',
    unreachable: 'see the address, the peer port and what is between the nodes',
    'not-the-peer': 'somebody may be in between: see the address, then look at the network',
  };
  return hints[code] ?? 'begin again: peer invite there, peer join here';
}
