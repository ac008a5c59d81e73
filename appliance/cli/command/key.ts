import type { KeyView } from '../../admin/schema.ts';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { date, secondsOf, table } from '../format.ts';
import { age, ageText, list, listOptions, ownerOf } from './key-list.ts';
import type { ListOptions } from './key-list.ts';
import { loginOptions, refuseUsed } from './vcenter.ts';
import type { LoginOptions } from './vcenter.ts';

export async function show({ admin, print }: Context, id: string): Promise<void> {
  const key = await admin.key(id);
  print(key, () => {
    const { attributes = {}, names: _names, vm: _vm, component: _component, ...rest } = key;
    const { identifier: _identifier, fetched, kept, ...plain } = rest;
    const text = {
      ...{ ...plain, created: date(key.created), changed: date(key.changed) },
      age: ageText(key.age),
      fetched: fetched === undefined ? 'never' : `${date(fetched.time)} by ${fetched.client}`,
      ...(kept === undefined ? {} : { kept: date(kept) }),
    };
    const rows = [...Object.entries(text), ...Object.entries(attributes)];
    return rows
      .map(([name, value]) => `${name.padEnd(26)} ${[value].flat().join('; ')}`)
      .join('\n');
  });
}

/** Destroys a key, after a person typed its identifier or --yes said so. */
export async function destroy(
  context: Context,
  id: string,
  options: LoginOptions & { yes?: boolean; force?: boolean; vcenter?: string },
): Promise<void> {
  const { admin, print, ask } = context;
  const key = await admin.key(id);
  const { vcenter } = options;
  if (vcenter !== undefined) await refuseUsed(context, vcenter, id, options);
  if (options.yes !== true) {
    const typed = await ask(
      `${described(key, vcenter)}\ntype the identifier to destroy this key: `,
    );
    if (typed === undefined) {
      throw new CommandError('refused', 'nobody is here to confirm', 'repeat with --yes');
    }
    if (typed !== key.id) {
      throw new CommandError('refused', 'that is not the identifier', 'nothing was destroyed');
    }
  }
  const destroyed = await admin.destroyKey(id, options.force === true ? id : undefined);
  print(destroyed, () => {
    const { kept } = destroyed;
    const until = kept === undefined ? '' : ` until ${date(kept)} at least`;
    return `key ${id} is destroyed for every client; its material is kept sealed${until}
twinlock key undestroy ${id} brings it back`;
  });
}

export async function undestroy({ admin, print }: Context, id: string): Promise<void> {
  const key = await admin.undestroyKey(id);
  print(key, () => `key ${id} is ${key.state} again`);
}

/** Destroyed keys whose material is still kept, and who has agreed to their end. */
export async function purge(
  { admin, print }: Context,
  { limit, after }: { limit: string; after?: string },
): Promise<void> {
  const found = await admin.keptKeys({ limit, ...(after === undefined ? {} : { after }) });
  print(found, () => {
    const rows = found.keys.map((key) => [
      key.id,
      key.kept === undefined ? '' : date(key.kept),
      String(key.agreed?.length ?? 0),
      key.vm ?? key.names[0] ?? '',
    ]);
    const more = found.next === undefined ? '' : `\nmore: --after ${found.next}`;
    const head = ['IDENTIFIER', 'KEPT UNTIL AT LEAST', 'NODES AGREED', 'VM, HOST OR NAME'];
    return [
      rows.length === 0 ? 'no destroyed key is kept' : table(head, rows) + more,
      `what is destroyed now is kept for ${days(found.retention)}`,
    ].join('\n');
  });
}

/** Shows for how long destroyed keys are kept, or sets it: on either node, for both. */
export async function retention(
  { admin, print }: Context,
  duration: string | undefined,
): Promise<void> {
  const set =
    duration === undefined
      ? { retention: (await admin.keptKeys({ limit: '1' })).retention }
      : await admin.setRetention(secondsOf(duration));
  print(set, () => `what is destroyed from now on is kept for ${days(set.retention)}`);
}

function days(seconds: number): string {
  return `${Math.floor(seconds / 86_400)} days`;
}

/** What destroying a key would lock, as far as the node can know. */
function described(key: KeyView, vcenter?: string): string {
  const whom = [key.component, ownerOf(key), key.identifier].filter((each) => each !== undefined);
  const { fetched } = key;
  return [
    `${key.state} ${key.type}, ${ageText(key.age)} old, of key group ${key.group}`,
    `what it would lock: ${whom.join(' ').trim() || 'nobody said what it is for'}`,
    key.superseded === true
      ? 'that has a newer key; backups and snapshots may still need this one'
      : 'no newer key is known for that',
    fetched === undefined
      ? 'it was never fetched'
      : `fetched last ${date(fetched.time)} by ${fetched.client}`,
    ...(vcenter === undefined ? [] : [`${vcenter} knows no machine or host that uses it`]),
  ].join('\n');
}

export const commands: readonly Command[] = [
  {
    name: 'key list',
    what: 'keys with the VM or host they are for, and who fetched them last',
    options: listOptions,
    run: (context, _, options) => list(context, options as unknown as ListOptions),
  },
  {
    name: 'key age',
    what: 'how old Active keys are, by what they are for, and how many are due to be rotated',
    options: [
      { flags: '--older-than <duration>', what: 'at which age one is due', default: '365d' },
      { flags: '--group <group>', what: 'only those of this key group' },
    ],
    run: (context, _, options: Parameters<typeof age>[1]) => age(context, options),
  },
  {
    name: 'key show',
    parameters: ['<id>'],
    what: 'one key with its attributes',
    run: (context, [id = '']) => show(context, id),
  },
  {
    name: 'key destroy',
    parameters: ['<id>'],
    what: 'destroy a key for every client',
    options: [
      { flags: '--yes', what: 'do not ask' },
      { flags: '--force', what: 'although it is Active or was fetched within 30 days' },
      {
        flags: '--vcenter <vcenter>',
        what: 'log in there first, and refuse where it says that the key is used',
      },
      ...loginOptions,
    ],
    run: (context, [id = ''], options: Parameters<typeof destroy>[2]) =>
      destroy(context, id, options),
  },
  {
    name: 'key undestroy',
    parameters: ['<id>'],
    what: 'take the destruction of a key back',
    run: (context, [id = '']) => undestroy(context, id),
  },
  {
    name: 'key purge',
    what: 'destroyed keys that are still kept, and when they are purged',
    options: [
      { flags: '--limit <n>', what: 'how many', default: '100' },
      { flags: '--after <id>', what: 'go on behind this key' },
    ],
    run: (context, _, options: Parameters<typeof purge>[1]) => purge(context, options),
  },
  {
    name: 'key retention',
    parameters: ['[duration]'],
    what: 'how long destroyed keys are kept before they are purged: show, or set for both nodes',
    run: (context, [duration]) => retention(context, duration),
  },
];
