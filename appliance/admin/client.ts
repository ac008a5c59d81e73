import { request } from 'node:http';
import type { InvitationView, JoinRequest, PairingView, PeersView } from './pair.ts';
import { problem } from './schema.ts';
import type {
  AddedClient,
  AuditCheckView,
  AuditPage,
  ClientView,
  KeyView,
  StatusView,
} from './schema.ts';

/** What the admin API refused, or why it could not be asked. */
export class AdminRefusal extends Error {
  override readonly name = 'AdminRefusal';
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}

/** The client of the admin API over its Unix socket. Every call throws AdminRefusal. */
export class AdminClient {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  status(): Promise<StatusView> {
    return this.#call('GET', '/v1/status');
  }

  clients(): Promise<{ clients: ClientView[] }> {
    return this.#call('GET', '/v1/clients');
  }

  addClient(body: { name: string; group?: string; certificate?: string }): Promise<AddedClient> {
    return this.#call('POST', '/v1/clients', body);
  }

  signRequest(body: { name?: string; group?: string; request: string }): Promise<AddedClient> {
    return this.#call('POST', '/v1/clients/sign-csr', body);
  }

  blockClient(id: string): Promise<ClientView> {
    return this.#call('POST', `/v1/clients/${encodeURIComponent(id)}/block`, {});
  }

  allowClient(id: string): Promise<ClientView> {
    return this.#call('POST', `/v1/clients/${encodeURIComponent(id)}/allow`, {});
  }

  groups(): Promise<{ groups: string[] }> {
    return this.#call('GET', '/v1/groups');
  }

  makeGroup(name: string): Promise<{ group: string }> {
    return this.#call('POST', '/v1/groups', { name });
  }

  keys(query: Readonly<Record<string, string>>): Promise<{ keys: KeyView[]; next?: string }> {
    return this.#call('GET', `/v1/keys?${new URLSearchParams(query).toString()}`);
  }

  key(id: string): Promise<KeyView> {
    return this.#call('GET', `/v1/keys/${encodeURIComponent(id)}`);
  }

  destroyKey(id: string, confirm?: string): Promise<KeyView> {
    const body = confirm === undefined ? {} : { confirm };
    return this.#call('POST', `/v1/keys/${encodeURIComponent(id)}/destroy`, body);
  }

  audit(query: Readonly<Record<string, number>>): Promise<AuditPage> {
    const text = Object.entries(query).map(([name, value]) => `${name}=${value}`);
    return this.#call('GET', `/v1/audit?${text.join('&')}`);
  }

  checkAudit(): Promise<AuditCheckView> {
    return this.#call('POST', '/v1/audit/check', {});
  }

  peers(): Promise<PeersView> {
    return this.#call('GET', '/v1/peers');
  }

  invite(): Promise<InvitationView> {
    return this.#call('POST', '/v1/peers/invitations', {});
  }

  pairing(): Promise<PairingView> {
    return this.#call('GET', '/v1/peers/pairing');
  }

  join(body: JoinRequest): Promise<PairingView> {
    return this.#call('POST', '/v1/peers/join', body);
  }

  removePeer(node: string): Promise<{ node: string }> {
    return this.#call('POST', `/v1/peers/${encodeURIComponent(node)}/remove`, {});
  }

  setCopyPolicy(body: PeersView['policy']): Promise<PeersView['policy']> {
    return this.#call('PUT', '/v1/peers/policy', body);
  }

  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    const { status, text } = await this.#exchange(method, path, body);
    const value: unknown = JSON.parse(text);
    if (status < 300) return value as T;
    const known = problem.safeParse(value);
    if (!known.success) throw new AdminRefusal('failed', 'unknown answer', 'see the server’s log');
    const { code, message, hint } = known.data.error;
    throw new AdminRefusal(code, message, hint);
  }

  #exchange(
    method: string,
    path: string,
    body: object | undefined,
  ): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'content-type': 'application/json' };
      const asked = request({ socketPath: this.#path, method, path, headers }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => {
          resolve({ status: answer.statusCode ?? 500, text });
        });
      });
      asked.on('error', (cause) => {
        const hint = 'is the server running, and may you open its socket? see --state and --socket';
        const message = `the server cannot be reached at ${this.#path}`;
        reject(new AdminRefusal('not-reachable', message, hint, { cause }));
      });
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
