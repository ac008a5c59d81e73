import { createReadStream, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { VerifiedView } from '../../admin/schema.ts';
import { watched } from '../backup-progress.ts';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { date, table } from '../format.ts';

/** Makes a backup: on the node, in a folder or a file, or on standard output for a program. */
export async function create(context: Context, { to }: { readonly to?: string }): Promise<void> {
  const { admin, print } = context;
  if (to === '-') {
    if (process.stdout.isTTY) {
      const hint = 'send it to a program or a file';
      throw new CommandError('bad-request', 'a terminal is no place for a backup', hint);
    }
    await admin.streamBackup(process.stdout);
    return;
  }
  const path = to === undefined ? undefined : resolve(to);
  const made = await watched(context, admin.createBackup(path));
  print(made, () => `${made.file} is made and was read back: ${contents(made)}`);
}

/** Reads a backup to its end, through the node's keeper, and compares every key. */
export async function verify(context: Context, file: string): Promise<void> {
  const { admin, print } = context;
  const verified = await watched(context, admin.verifyBackup(openBackup(file)));
  print(verified, () => `the backup of ${date(verified.made)} is good: ${contents(verified)}`);
}

export async function list({ admin, print }: Context, folder: string | undefined): Promise<void> {
  const found = await admin.backups(folder === undefined ? undefined : resolve(folder));
  print(found, () =>
    table(
      ['MADE', 'NODE', 'BYTES', 'FILE'],
      found.backups.map(({ made, node, bytes, file }) => [
        date(made),
        node.slice(0, 8),
        String(bytes),
        file,
      ]),
    ),
  );
}

/** A file, or `-` for standard input. */
export function openBackup(file: string): Readable {
  if (file === '-') return process.stdin;
  if (existsSync(file)) return createReadStream(file, { highWaterMark: 1 << 20 });
  throw new CommandError('bad-request', `${file} cannot be read`, 'name the file of a backup');
}

function contents({ keys, records, absent }: VerifiedView): string {
  const without = absent === 0 ? '' : `, ${absent} objects without their key`;
  return `${keys} keys, ${records} records${without}`;
}

export const commands: readonly Command[] = [
  {
    name: 'backup create',
    what: 'make a backup and read it back',
    options: [{ flags: '--to <path>', what: 'a folder, a new file, or - for standard output' }],
    run: (context, _, options: { to?: string }) => create(context, options),
  },
  {
    name: 'backup verify',
    parameters: ['<file>'],
    what: 'read a backup to its end and compare every key with its record',
    run: (context, [file = '']) => verify(context, file),
  },
  {
    name: 'backup list',
    parameters: ['[folder]'],
    what: 'the backups in a folder of the node, oldest first',
    run: (context, [folder]) => list(context, folder),
  },
];
