import { randomUUID } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import { fastify } from 'fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Act, Appliance } from './appliance.ts';
import { ClientActs } from './client-act.ts';
import { AdminError } from './error.ts';
import { KeyActs } from './key-act.ts';
import { addClient, destroyKey, keyPage, makeGroup, signRequest, z } from './schema.ts';
import type { Problem } from './schema.ts';

const bodyBytes = 256 * 1024;

/** The admin API on a Unix socket that only the appliance's administrators can open. */
export class AdminServer {
  readonly #server: FastifyInstance;
  readonly #appliance: Appliance;

  constructor(appliance: Appliance) {
    this.#appliance = appliance;
    this.#server = fastify({ bodyLimit: bodyBytes, genReqId: () => randomUUID() });
    this.#server.setErrorHandler((error, request, reply) => {
      const known = asAdminError(error);
      if (known.code === 'failed') {
        const text = error instanceof Error ? error.message : 'unknown';
        appliance.log('error', 'admin request failed', { request: request.id, error: text });
      }
      return reply.status(known.status).send(problemOf(known, request.id));
    });
    this.#server.setNotFoundHandler((request, reply) => {
      const error = new AdminError('not-found', 'no such path', 'see docs/admin-api.md');
      return reply.status(404).send(problemOf(error, request.id));
    });
    this.#routes();
  }

  async listen(path: string): Promise<void> {
    rmSync(path, { force: true });
    await this.#server.listen({ path });
    chmodSync(path, 0o660);
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  #routes(): void {
    const clients = new ClientActs(this.#appliance);
    const keys = new KeyActs(this.#appliance);
    const server = this.#server;
    server.get('/v1/status', () => this.#appliance.status());
    server.get('/v1/clients', () => ({ clients: clients.list() }));
    server.post('/v1/clients', (request) =>
      clients.add(addClient.parse(request.body), by(request)),
    );
    server.post('/v1/clients/sign-csr', (request) =>
      clients.sign(signRequest.parse(request.body), by(request)),
    );
    server.post('/v1/clients/:id/block', (request) => clients.block(idOf(request), by(request)));
    server.post('/v1/clients/:id/allow', (request) => clients.allow(idOf(request), by(request)));
    server.get('/v1/groups', () => ({ groups: this.#appliance.keystore.groups() }));
    server.post('/v1/groups', async (request) => {
      const { name } = makeGroup.parse(request.body);
      await clients.makeGroup(name, by(request));
      return { group: name };
    });
    server.get('/v1/keys', (request) => keys.list(keyPage.parse(request.query)));
    server.get('/v1/keys/:id', (request) => keys.show(idOf(request)));
    server.post('/v1/keys/:id/destroy', (request) => {
      const { confirm } = destroyKey.parse(request.body ?? {});
      return keys.destroy(idOf(request), confirm, by(request));
    });
  }
}

/** Whoever can open the socket is the local administrator. */
function by(request: FastifyRequest): Act {
  return { request: request.id, actor: 'admin:local' };
}

function idOf(request: FastifyRequest): string {
  return z.object({ id: z.string().max(128) }).parse(request.params).id;
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
  if (name === 'PkiError') {
    const hint = 'give a PEM file of the right kind';
    return new AdminError('bad-request', String(message), hint, { cause: error });
  }
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
