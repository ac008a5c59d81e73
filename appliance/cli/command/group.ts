import type { GroupView } from '../../admin/schema.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';

export async function list({ admin, print }: Context): Promise<void> {
  const found = await admin.groups();
  print(found, () => found.groups.join('\n'));
}

export async function make({ admin, print }: Context, name: string): Promise<void> {
  const made = await admin.makeGroup(name);
  print(made, () => `key group ${made.group} is made`);
}

export async function show({ admin, print }: Context, name: string): Promise<void> {
  const view = await admin.group(name);
  print(view, () => textOf(view));
}

export async function clear({ admin, print }: Context, name: string, rule: string): Promise<void> {
  const view = await admin.clearGroup(name, rule);
  print(view, () => `key group ${name} has no ${rule} any more`);
}

export async function configurer(
  { admin, print }: Context,
  name: string,
  client: string,
  allowed: boolean,
): Promise<void> {
  const view = await admin.configurer(name, client, allowed);
  const may = allowed ? 'may now' : 'may no longer';
  print(view, () => `${client} ${may} set the defaults and constraints of ${name}`);
}

function textOf({ group, defaults, constraints, configurers }: GroupView): string {
  const rule = (name: string, each: readonly unknown[]): string =>
    each.length === 0
      ? `${name}: none`
      : `${name}:\n${each.map((one) => JSON.stringify(one, undefined, 2)).join('\n')}`;
  const may = configurers.length === 0 ? 'no client' : configurers.join(', ');
  return [
    `key group ${group}`,
    rule('defaults', defaults),
    rule('constraints', constraints),
    `set by: ${may}`,
  ].join('\n');
}

export const commands: readonly Command[] = [
  { name: 'group list', what: 'all key groups', run: (context) => list(context) },
  {
    name: 'group make',
    parameters: ['<name>'],
    what: 'make a key group',
    run: (context, [name = '']) => make(context, name),
  },
  {
    name: 'group show',
    parameters: ['<name>'],
    what: 'the defaults and constraints of what is made in a key group, and who may set them',
    run: (context, [name = '']) => show(context, name),
  },
  {
    name: 'group clear',
    parameters: ['<name>', '<rule>'],
    what: 'take the defaults or the constraints of a key group away',
    run: (context, [name = '', rule = '']) => clear(context, name, rule),
  },
  {
    name: 'group add-configurer',
    parameters: ['<name>', '<client>'],
    what: 'let a client set the defaults and constraints of its key group',
    run: (context, [name = '', client = '']) => configurer(context, name, client, true),
  },
  {
    name: 'group remove-configurer',
    parameters: ['<name>', '<client>'],
    what: 'let a client set them no longer',
    run: (context, [name = '', client = '']) => configurer(context, name, client, false),
  },
];
