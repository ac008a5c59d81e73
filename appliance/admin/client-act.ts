import type { Client } from '../keystore/client.ts';
import { AdminError } from './error.ts';
import type { Act, Appliance, Reach } from './appliance.ts';
import type { AddedClient, ClientView } from './schema.ts';

/** What an administrator does with clients and key groups. */
export class ClientActs {
  readonly #reach: Reach;

  constructor(reach: Reach) {
    this.#reach = reach;
  }

  list(): ClientView[] {
    const clients = this.#appliance.keystore.clients();
    // Both nodes may have met the same certificate: it waits once.
    const waitsAlready = ({ fingerprint }: Client, at: number): boolean =>
      clients.some((each, i) => each.fingerprint === fingerprint && (i < at || !isPending(each)));
    return clients
      .filter((client, at) => !(isPending(client) && waitsAlready(client, at)))
      .map((client) => this.#view(client));
  }

  /** Lets a client in: by its certificate, or with a key pair made now and given out once. */
  async add(
    input: {
      readonly name: string;
      readonly group: string;
      readonly certificate?: string | undefined;
    },
    act: Act,
  ): Promise<AddedClient> {
    const { name, group, certificate } = input;
    if (certificate !== undefined) {
      return this.#enrol({ name, group, certificate }, 'client add', act);
    }
    const made = this.#appliance.authority.makeClient(name);
    const enrolment = { name, group, certificate: made.certificate };
    const enrolled = await this.#enrol(enrolment, 'client add', act);
    return { ...enrolled, key: made.key };
  }

  /** Signs a certificate request and lets the new certificate in. */
  sign(
    input: { readonly name?: string | undefined; readonly group: string; readonly request: string },
    act: Act,
  ): Promise<AddedClient> {
    const certificate = this.#appliance.authority.signRequest(input.request, input.name);
    const name = input.name ?? 'client';
    return this.#enrol({ name, group: input.group, certificate }, 'client sign-csr', act);
  }

  /** Has what this authority signed, and nobody knows, wait for a person. */
  async addAuthority(
    input: { readonly name: string; readonly group: string; readonly certificate: string },
    act: Act,
  ): Promise<ClientView> {
    const { name, group, certificate } = input;
    if (!this.#appliance.readCertificate(certificate).isAuthority) {
      const hint = 'for a client’s own certificate: twinlock client add --cert';
      throw new AdminError('refused', 'this certificate may not sign others', hint);
    }
    const enrolment = { name, group, certificate, state: 'authority' } as const;
    return (await this.#enrol(enrolment, 'client add-authority', act)).client;
  }

  /** Shuts a client out and ends its connections. */
  async block(id: string, { request, actor }: Act): Promise<ClientView> {
    const { keystore, cut } = this.#appliance;
    const client = this.#find(id);
    await keystore.change((draft) => {
      if (client.state !== 'blocked') draft.append({ kind: 'client-blocked', client: client.id });
      const object = client.id;
      draft.audit({ request, actor, act: 'client block', object, outcome: 'success' });
    });
    cut(client.fingerprint);
    return this.#view(this.#find(client.id));
  }

  /** Lets a pending or blocked client in (again). */
  async allow(id: string, { request, actor }: Act): Promise<ClientView> {
    const { keystore } = this.#appliance;
    const client = this.#find(id);
    if (client.state === 'authority') {
      const hint = 'what it signed is let in one by one: see `twinlock client list`';
      throw new AdminError('refused', 'an authority is nobody who comes in', hint);
    }
    await keystore.change((draft) => {
      const { id: object, group } = client;
      if (client.state !== 'allowed') {
        draft.append({ kind: 'client-allowed', client: object, group });
      }
      draft.audit({ request, actor, act: 'client allow', object, outcome: 'success' });
    });
    return this.#view(this.#find(client.id));
  }

  async makeGroup(name: string, { request, actor }: Act): Promise<void> {
    await this.#appliance.keystore.change((draft) => {
      if (draft.groups().includes(name)) {
        const hint = 'see `twinlock group list`';
        throw new AdminError('refused', 'there is a key group of this name', hint);
      }
      draft.append({ kind: 'group-made', group: name });
      draft.audit({ request, actor, act: 'group make', object: name, outcome: 'success' });
    });
  }

  async #enrol(
    enrolment: {
      readonly name: string;
      readonly group: string;
      readonly certificate: string;
      readonly state?: 'allowed' | 'authority';
    },
    act: string,
    { request, actor }: Act,
  ): Promise<AddedClient> {
    const { name, group, certificate, state = 'allowed' } = enrolment;
    const { keystore, readCertificate, newIdentifier, authority } = this.#appliance;
    const { fingerprint } = readCertificate(certificate);
    const id = newIdentifier();
    await keystore.change((draft) => {
      const known = draft.clients();
      if (known.some((client) => client.fingerprint === fingerprint)) {
        const hint = 'see `twinlock client list`; a blocked client is let in by `client allow`';
        throw new AdminError('refused', 'this certificate is enrolled already', hint);
      }
      if (known.some((client) => client.name === name && client.state !== 'blocked')) {
        throw new AdminError('refused', `there is a client named ${name}`, 'choose another name');
      }
      draft.append({
        kind: 'client-enrolled',
        client: id,
        name,
        group,
        fingerprint,
        certificate,
        state,
      });
      draft.audit({ request, actor, act, object: id, outcome: 'success' });
    });
    const client = this.#view(this.#find(id));
    return { client, certificate, authority: authority.certificate };
  }

  #find(idOrName: string): Client {
    const clients = this.#appliance.keystore.clients();
    const found =
      clients.find((client) => client.id === idOrName) ??
      clients.findLast((client) => client.name === idOrName);
    if (found !== undefined) return found;
    throw new AdminError('not-found', `no client ${idOrName}`, 'see `twinlock client list`');
  }

  #view({ certificate, ...client }: Client): ClientView {
    return { ...client, notAfter: this.#appliance.readCertificate(certificate).notAfter };
  }

  get #appliance(): Appliance {
    return this.#reach.opened();
  }
}

const isPending = ({ state }: Client): boolean => state === 'pending';
