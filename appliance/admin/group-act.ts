import type { Client } from '../keystore/client.ts';
import { configurersIn, configurersRule } from '../keystore/group-rule.ts';
import type { Act, Appliance, Reach } from './appliance.ts';
import { AdminError } from './error.ts';
import type { GroupView } from './schema.ts';

/** What an administrator sees of a key group's rules, takes away, and whom he lets set them. */
export class GroupActs {
  readonly #reach: Reach;

  constructor(reach: Reach) {
    this.#reach = reach;
  }

  show(group: string): GroupView {
    const { keystore, described } = this.#appliance;
    if (!keystore.groups().includes(group)) {
      throw new AdminError('not-found', `no key group ${group}`, 'see `twinlock group list`');
    }
    const rule = (name: 'defaults' | 'constraints'): unknown[] =>
      keystore.rules(group, name).map((item) => JSON.parse(described(item)) as unknown);
    const may = configurersIn(keystore.rules(group, 'configurers'));
    const names = keystore.clients().filter((client) => isOf(client, group, may));
    return {
      group,
      defaults: rule('defaults'),
      constraints: rule('constraints'),
      configurers: names.map(({ name }) => name),
    };
  }

  /** Takes a rule away, whichever client set it. */
  async clear(group: string, rule: 'defaults' | 'constraints', act: Act): Promise<GroupView> {
    this.show(group);
    await this.#appliance.keystore.change((draft) => {
      draft.append({ kind: 'group-rule-set', group, rule, value: undefined });
      draft.audit({ ...act, act: `group clear ${rule}`, object: group, outcome: 'success' });
    });
    return this.show(group);
  }

  /** Lets a client set its key group's rules, or no longer. */
  async configure(
    group: string,
    { client: named, allowed }: { readonly client: string; readonly allowed: boolean },
    act: Act,
  ): Promise<GroupView> {
    this.show(group);
    const { keystore } = this.#appliance;
    const clients = keystore.clients().filter((each) => each.group === group);
    const client =
      clients.find(({ id }) => id === named) ?? clients.findLast(({ name }) => name === named);
    if (client === undefined) {
      const hint = 'see `twinlock client list`';
      throw new AdminError('not-found', `no client ${named} in key group ${group}`, hint);
    }
    await keystore.change((draft) => {
      const before = configurersIn(keystore.rules(group, 'configurers'));
      const others = before.filter((id) => id !== client.id);
      const value = configurersRule(allowed ? [...others, client.id] : others);
      draft.append({ kind: 'group-rule-set', group, rule: 'configurers', value });
      const what = allowed ? 'group add-configurer' : 'group remove-configurer';
      draft.audit({ ...act, act: what, object: client.id, outcome: 'success' });
    });
    return this.show(group);
  }

  get #appliance(): Appliance {
    return this.#reach.opened();
  }
}

function isOf(client: Client, group: string, may: readonly string[]): boolean {
  return client.group === group && may.includes(client.id);
}
