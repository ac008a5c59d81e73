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

export const commands: readonly Command[] = [
  { name: 'group list', what: 'all key groups', run: (context) => list(context) },
  {
    name: 'group make',
    parameters: ['<name>'],
    what: 'make a key group',
    run: (context, [name = '']) => make(context, name),
  },
];
