import type { ConflictView } from '../../admin/schema.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { table } from '../format.ts';

const meaning: Readonly<Record<ConflictView['kind'], string>> = {
  fork: 'two records at one place: a disk was put back or copied',
  creation: 'two objects under one identifier: the first one is served',
  value: 'two values set at once: set it again, or let it be',
  client: 'enrolled or allowed twice at once: the first holds',
  purge: 'taken back on a disk that was put back, after it was purged',
  undestroy: 'purged, then taken back by a node that nobody had asked: see whether it is lacking',
  name: 'two objects bear this Name: give one another Name, or let it be',
};

/** What two nodes said at once: settled things too where --all says so. */
export async function list({ admin, print }: Context, { all }: { all: boolean }): Promise<void> {
  const found = await admin.conflicts();
  const conflicts = found.conflicts.filter(({ settled }) => all || !settled);
  print({ conflicts }, () => {
    if (conflicts.length === 0) return 'no conflict waits for a person';
    const rows = conflicts.map(({ id, kind, about, objects, settled }) => [
      ...[id, kind, settled ? 'settled' : 'open', about, objects.join(' ')],
      meaning[kind],
    ]);
    return table(['CONFLICT', 'KIND', 'STATE', 'ABOUT', 'OBJECTS', 'WHAT IT MEANS'], rows);
  });
}

export async function acknowledge({ admin, print }: Context, id: string): Promise<void> {
  const conflict = await admin.acknowledgeConflict(id);
  print(conflict, () => `conflict ${id} is settled, on both nodes`);
}

export const commands: readonly Command[] = [
  {
    name: 'conflict list',
    what: 'what two nodes said at once and cannot both hold',
    options: [{ flags: '--all', what: 'what is settled too' }],
    run: (context, _, options) => list(context, { all: options['all'] === true }),
  },
  {
    name: 'conflict acknowledge',
    parameters: ['<id>'],
    what: 'say that nothing more is to be done about a conflict',
    run: (context, [id = '']) => acknowledge(context, id),
  },
];
