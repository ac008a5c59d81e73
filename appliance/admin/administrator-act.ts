import { administratorWith } from '../keystore/administrator.ts';
import type { Administrator, AdministratorRole } from '../keystore/administrator.ts';
import type { Act, Appliance, Reach } from './appliance.ts';
import { AdminError } from './error.ts';
import type { AddedAdministrator, AdministratorView } from './schema.ts';

/** What an officer does with those who administer from elsewhere. */
export class AdministratorActs {
  readonly #reach: Reach;

  constructor(reach: Reach) {
    this.#reach = reach;
  }

  list(): AdministratorView[] {
    return this.#appliance.keystore.administrators().map((each) => this.#view(each));
  }

  /** Gives a certificate a role; without one a key pair is made now and given out once. */
  async add(
    input: {
      readonly name: string;
      readonly role: AdministratorRole;
      readonly certificate?: string | undefined;
    },
    act: Act,
  ): Promise<AddedAdministrator> {
    const { keystore, authority, readCertificate, newIdentifier, serverCertificate } =
      this.#appliance;
    const { name, role } = input;
    const made = input.certificate === undefined ? authority.makeClient(name) : undefined;
    const certificate = input.certificate ?? made?.certificate ?? '';
    const { fingerprint } = readCertificate(certificate);
    const administrator = newIdentifier();
    await keystore.change((draft) => {
      const known = draft.administrators();
      if (known.some((each) => each.fingerprint === fingerprint)) {
        const hint = 'its role is changed by `twinlock administrator allow`';
        throw new AdminError('refused', 'this certificate has a role already', hint);
      }
      if (known.some((each) => each.name === name && each.state === 'allowed')) {
        const message = `there is an administrator named ${name}`;
        throw new AdminError('refused', message, 'choose another name');
      }
      const kind = 'administrator-enrolled';
      draft.append({ kind, administrator, name, role, fingerprint, certificate });
      const said = { act: 'administrator add', object: `${name} as ${role}` };
      draft.audit({ ...act, ...said, outcome: 'success' });
    });
    this.#reach.knocks.settle(fingerprint);
    return {
      administrator: this.#view(this.#find(administrator)),
      certificate,
      server: serverCertificate.current,
      ...(made === undefined ? {} : { key: made.key }),
    };
  }

  /** Shuts one out on every node; connections end at once. */
  async block(id: string, act: Act): Promise<AdministratorView> {
    const { keystore } = this.#appliance;
    const found = this.#find(id);
    await keystore.change((draft) => {
      if (found.state !== 'blocked') {
        draft.append({ kind: 'administrator-blocked', administrator: found.id });
      }
      const said = { act: 'administrator block', object: found.name };
      draft.audit({ ...act, ...said, outcome: 'success' });
    });
    return this.#view(this.#find(found.id));
  }

  /** Lets one in again, or gives another role. */
  async allow(
    id: string,
    role: AdministratorRole | undefined,
    act: Act,
  ): Promise<AdministratorView> {
    const { keystore } = this.#appliance;
    const found = this.#find(id);
    const wanted = role ?? found.role;
    await keystore.change((draft) => {
      if (found.state !== 'allowed' || found.role !== wanted) {
        draft.append({ kind: 'administrator-allowed', administrator: found.id, role: wanted });
      }
      const said = { act: 'administrator allow', object: `${found.name} as ${wanted}` };
      draft.audit({ ...act, ...said, outcome: 'success' });
    });
    return this.#view(this.#find(found.id));
  }

  #find(idOrName: string): Administrator {
    const all = this.#appliance.keystore.administrators();
    const found =
      all.find(({ id }) => id === idOrName) ?? all.findLast(({ name }) => name === idOrName);
    if (found !== undefined) return found;
    const hint = 'see `twinlock administrator list`';
    throw new AdminError('not-found', `no administrator ${idOrName}`, hint);
  }

  #view({ certificate, ...administrator }: Administrator): AdministratorView {
    const { notAfter } = this.#appliance.readCertificate(certificate);
    const { id, name, role, fingerprint, state, added } = administrator;
    return { id, name, role, fingerprint, state, added, notAfter };
  }

  get #appliance(): Appliance {
    return this.#reach.opened();
  }
}

/** Who shows this certificate and is let in with it. */
export function allowedWith(
  { keystore }: Pick<Appliance, 'keystore'>,
  fingerprint: string,
): Administrator | undefined {
  const found = administratorWith(keystore.administrators(), fingerprint);
  return found?.state === 'allowed' ? found : undefined;
}
