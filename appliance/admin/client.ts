import type { ClientRequest, IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { InvitationView, JoinRequest, PairingView, PeersView } from './pair.ts';
import { problem } from './schema.ts';
import { remoteTransport, socketTransport, TransportError } from './transport.ts';
import type { RemoteNode, Transport } from './transport.ts';
import type {
  AddedAdministrator,
  AddedClient,
  AdministratorView,
  AuditCheckView,
  AuditPage,
  BackupView,
  CertificatesView,
  ClientView,
  ConflictView,
  GroupView,
  KeptKeys,
  KeyList,
  KeyView,
  KnockView,
  MadeView,
  RestoredView,
  StatusView,
  VerifiedView,
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

/** The client of the admin API. Every call throws AdminRefusal. */
export class AdminClient {
  readonly #transport: Transport;
  readonly #patience: number | undefined;

  /**
   * `to`: the Unix socket's path, or a node elsewhere; `patience`: milliseconds of silence after
   * which the server counts as away.
   */
  constructor(to: string | RemoteNode, patience?: number) {
    this.#transport = typeof to === 'string' ? socketTransport(to) : remoteTransport(to);
    this.#patience = patience;
  }

  status(): Promise<StatusView> {
    return this.#call('GET', '/v1/status');
  }

  certificates(): Promise<CertificatesView> {
    return this.#call('GET', '/v1/certificates');
  }

  renewCertificate(): Promise<CertificatesView> {
    return this.#call('POST', '/v1/certificates/renew', {});
  }

  activateCertificate(): Promise<CertificatesView> {
    return this.#call('POST', '/v1/certificates/activate', {});
  }

  administrators(): Promise<{ administrators: AdministratorView[] }> {
    return this.#call('GET', '/v1/administrators');
  }

  knocks(): Promise<{ knocks: KnockView[] }> {
    return this.#call('GET', '/v1/administrators/knocks');
  }

  addAdministrator(body: {
    name: string;
    role: string;
    certificate?: string;
  }): Promise<AddedAdministrator> {
    return this.#call('POST', '/v1/administrators', body);
  }

  blockAdministrator(id: string): Promise<AdministratorView> {
    return this.#call('POST', `/v1/administrators/${encodeURIComponent(id)}/block`, {});
  }

  allowAdministrator(id: string, role?: string): Promise<AdministratorView> {
    const body = role === undefined ? {} : { role };
    return this.#call('POST', `/v1/administrators/${encodeURIComponent(id)}/allow`, body);
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

  addAuthority(body: { name: string; group?: string; certificate: string }): Promise<ClientView> {
    return this.#call('POST', '/v1/clients/authorities', body);
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

  group(name: string): Promise<GroupView> {
    return this.#call('GET', `/v1/groups/${encodeURIComponent(name)}`);
  }

  clearGroup(name: string, rule: string): Promise<GroupView> {
    return this.#call('POST', `/v1/groups/${encodeURIComponent(name)}/clear`, { rule });
  }

  configurer(name: string, client: string, allowed: boolean): Promise<GroupView> {
    const path = `/v1/groups/${encodeURIComponent(name)}/configurers`;
    return this.#call('POST', path, { client, allowed });
  }

  makeGroup(name: string): Promise<{ group: string }> {
    return this.#call('POST', '/v1/groups', { name });
  }

  keys(query: Readonly<Record<string, string>>): Promise<KeyList> {
    return this.#call('GET', `/v1/keys?${new URLSearchParams(query).toString()}`);
  }

  key(id: string): Promise<KeyView> {
    return this.#call('GET', `/v1/keys/${encodeURIComponent(id)}`);
  }

  destroyKey(id: string, confirm?: string): Promise<KeyView> {
    const body = confirm === undefined ? {} : { confirm };
    return this.#call('POST', `/v1/keys/${encodeURIComponent(id)}/destroy`, body);
  }

  keptKeys(query: Readonly<Record<string, string>>): Promise<KeptKeys> {
    return this.#call('GET', `/v1/kept-keys?${new URLSearchParams(query).toString()}`);
  }

  conflicts(): Promise<{ conflicts: ConflictView[] }> {
    return this.#call('GET', '/v1/conflicts');
  }

  acknowledgeConflict(id: string): Promise<ConflictView> {
    return this.#call('POST', `/v1/conflicts/${encodeURIComponent(id)}/acknowledge`, {});
  }

  setRetention(seconds: number): Promise<{ retention: number }> {
    return this.#call('PUT', '/v1/retention', { seconds });
  }

  undestroyKey(id: string): Promise<KeyView> {
    return this.#call('POST', `/v1/keys/${encodeURIComponent(id)}/undestroy`, {});
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

  backups(folder?: string): Promise<{ backups: BackupView[] }> {
    const query = folder === undefined ? '' : `?${new URLSearchParams({ folder }).toString()}`;
    return this.#call('GET', `/v1/backups${query}`);
  }

  createBackup(to?: string): Promise<MadeView> {
    return this.#call('POST', '/v1/backups', to === undefined ? {} : { to });
  }

  /** Gives a backup's bytes as they come; how they end is told by `ended`, not by the last one. */
  streamBackup(sink: Writable): Promise<void> {
    return this.#download('/v1/backups/stream', sink);
  }

  acceptLoss(): Promise<{ accepted: boolean }> {
    return this.#call('POST', '/v1/losses/acceptance', {});
  }

  verifyBackup(bytes: Readable): Promise<VerifiedView> {
    return this.#call('POST', '/v1/backups/verify', bytes);
  }

  /** `replace`: the cluster's name, where the backup is to take the place of what is there. */
  restore(
    bytes: Readable,
    choice: {
      readonly fromRemoved?: boolean;
      readonly replace?: string;
      readonly saveTo?: string;
    } = {},
  ): Promise<RestoredView> {
    const { fromRemoved = false, replace, saveTo } = choice;
    const query = new URLSearchParams({
      ...(fromRemoved ? { from_removed: 'yes' } : {}),
      ...(replace === undefined ? {} : { replace }),
      ...(saveTo === undefined ? {} : { save_to: saveTo }),
    });
    return this.#call('POST', `/v1/restores?${query.toString()}`, bytes);
  }

  async #download(path: string, sink: Writable): Promise<void> {
    const answer = await this.#send('POST', path, {});
    if (answer.statusCode === 200) {
      await pipeline(answer, sink).catch((cause: unknown) => {
        const hint = 'what was written so far is no backup; see the server’s log';
        throw new AdminRefusal('failed', 'the backup broke off', hint, { cause });
      });
      return;
    }
    throw refusalIn(await textOf(answer), answer.statusCode);
  }

  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await this.#send(method, path, body);
    const text = await textOf(answer);
    if ((answer.statusCode ?? 500) < 300) return JSON.parse(text) as T;
    throw refusalIn(text, answer.statusCode);
  }

  async #send(method: string, path: string, body: object | undefined): Promise<IncomingMessage> {
    const type = body instanceof Readable ? 'application/octet-stream' : 'application/json';
    const headers = body === undefined ? {} : { 'content-type': type };
    const answer = Promise.withResolvers<IncomingMessage>();
    let asked: ClientRequest;
    try {
      asked = await this.#transport.begin({ method, path, headers }, answer.resolve);
    } catch (cause) {
      throw this.#away(cause);
    }
    asked.on('error', (cause) => {
      answer.reject(this.#away(cause));
    });
    if (this.#patience !== undefined) {
      asked.setTimeout(this.#patience, () => asked.destroy(new Error('no answer')));
    }
    if (body instanceof Readable) {
      body.on('error', (cause) => asked.destroy(cause));
      body.pipe(asked);
    } else {
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    }
    return answer.promise;
  }

  #away(cause: unknown): AdminRefusal {
    const { where } = this.#transport;
    const code = cause instanceof TransportError ? cause.code : 'not-reachable';
    const said = cause instanceof Error ? cause.message : '';
    switch (code) {
      case 'not-trusted': {
        const hint = 'compare it with the fingerprint on its console before you trust it';
        return new AdminRefusal('refused', `${where} is not the node: ${said}`, hint, { cause });
      }
      case 'bad-identity': {
        const hint = 'give --cert, --key and --ca as `twinlock administrator add --out` wrote them';
        return new AdminRefusal('bad-request', said, hint, { cause });
      }
      case 'not-reachable': {
        const message = `the server cannot be reached at ${where}`;
        const hint = where.startsWith('/')
          ? 'is the server running, and may you open its socket? see --state and --socket'
          : 'see server.admin_listen there, and whether it knows your certificate';
        return new AdminRefusal('not-reachable', message, hint, { cause });
      }
    }
  }
}

/** Throws AdminRefusal where the answer breaks off. */
async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of answer) chunks.push(chunk as Buffer);
  } catch (cause) {
    const hint = 'see `twinlock status` and the server’s log, then try again';
    throw new AdminRefusal('not-reachable', 'the server broke off', hint, { cause });
  }
  return Buffer.concat(chunks).toString();
}

function refusalIn(text: string, status: number | undefined): AdminRefusal {
  const known = problem.safeParse(parsed(text));
  if (!known.success && status === 503) {
    return new AdminRefusal('not-reachable', 'the server is stopping', 'try again in a moment');
  }
  if (!known.success) return new AdminRefusal('failed', 'unknown answer', 'see the server’s log');
  const { code, message, hint } = known.data.error;
  return new AdminRefusal(code, message, hint);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
