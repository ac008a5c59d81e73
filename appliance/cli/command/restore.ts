import { randomBytes } from 'node:crypto';
import { watched } from '../backup-progress.ts';
import { closeSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { AdminRefusal } from '../../admin/client.ts';
import type { RestoredView, StatusView } from '../../admin/schema.ts';
import { parseBundleHead } from '../../keeper-client/bundle-head.ts';
import type { BundleHead } from '../../keeper-client/bundle-head.ts';
import { parseJournalHead } from '../../keeper-client/journal-head.ts';
import type { KeeperConsole } from '../../keeper-client/console.ts';
import { KeeperError } from '../../keeper-client/keeper.ts';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { date } from '../format.ts';
import { asked } from '../keeper.ts';
import { withPins } from '../typed-pin.ts';
import { openBackup } from './backup.ts';
import { recoveringMeans } from './recovery.ts';

const pollMilliseconds = 200;
const patience = 120_000;

interface RestoreOptions {
  readonly recoveryToken?: string;
  readonly pinFile?: string;
  readonly fromRemoved?: boolean;
  readonly replace?: boolean;
  readonly saveTo?: string;
  readonly name?: string;
}

/**
 * Takes a backup in. On a node that is new, shares or a recovery token open its slot table first
 * and the token that is there gets a slot; on one that serves, they are needed only for a backup
 * that was made under a wrapping key of the past. Cut short at any moment, it is simply repeated.
 */
export async function restore(
  context: Context,
  file: string,
  shareFiles: readonly string[],
  options: RestoreOptions = {},
): Promise<void> {
  const { keeper, print } = context;
  const head = headOf(file);
  const means = { ...options, files: shareFiles };
  const { state, slotsDamaged } = await asked(keeper, (console) => console.status());
  const slotless = state === 'new' || slotsDamaged === true;
  if (state === 'sealed' && !slotless) {
    const hint = 'see `twinlock status`; after a lost token: twinlock recovery restore';
    throw new CommandError('not-serving', 'the wrapping key is not open', hint);
  }
  if (slotless) await openNew(context, head, means);
  await serving(context);
  const replacing = options.replace === true ? await replacingAs(context, head, options) : {};
  const restored = await take(context, file, head, { ...means, ...replacing });
  if (restored.restarts) await serving(context);
  if (restored.fresh) await rotate(context);
  print(restored, () => described(restored));
}

async function openNew(context: Context, { slots }: Slots, means: Means): Promise<void> {
  if (!isThere(means)) {
    const hint = 'name the files of the shares behind the backup, or --recovery-token NAME';
    throw new CommandError('bad-request', 'this node is new: shares open the backup', hint);
  }
  const recovering = await recoveringMeans(context, means.files, means.recoveryToken);
  const rootKeyLabel = `twinlock root ${randomBytes(4).toString('hex')}`;
  await unlocking(context, means, (console) =>
    console.restore({ ...recovering, rootKeyLabel, slots }),
  );
}

/** Asks for the cluster's name; gives what the node wants to hear of it. */
async function replacingAs(
  { keeper, admin, ask }: Context,
  { made }: Slots,
  { name, saveTo }: RestoreOptions,
): Promise<{ readonly confirmed: string; readonly saveTo: string }> {
  if (saveTo === undefined) {
    const hint = 'name a folder or a new file on the node with --save-to PATH';
    throw new CommandError('bad-request', 'what is replaced has to be saved first', hint);
  }
  const where = resolve(saveTo);
  if (name !== undefined) return { confirmed: name, saveTo: where };
  const held = await asked(keeper, (console) => console.holders());
  const { keys } = await admin.status();
  const age = made === undefined ? '' : ` of ${date(made)}`;
  const said = [
    `${keys} keys are here, of the cluster ${held.name}. They go back to the backup${age}:`,
    'what was made, changed or destroyed after it is no more. It is saved before, and',
    '`twinlock restore` of what is saved brings it back. Who may do what stays as it is now.',
  ];
  const typed = await ask(`${said.join('\n')}\n\nType the cluster’s name in full: `);
  if (typed !== undefined) return { confirmed: typed, saveTo: where };
  const hint = 'repeat at a terminal, or with --name; twinlock holders shows it';
  throw new CommandError('refused', 'nobody is here to type the cluster’s name', hint);
}

type Slots = Pick<BundleHead, 'slots'> & { readonly made?: number };

/** With what the backup's slot table is opened. */
type Means = Omit<RestoreOptions, 'name' | 'replace'> & {
  readonly files: readonly string[];
  /** What was typed by whoever wants everything replaced. */
  readonly confirmed?: string;
};

function isThere({ files, recoveryToken }: Means): boolean {
  return files.length > 0 || recoveryToken !== undefined || process.stdin.isTTY;
}

function unlocking(
  context: Context,
  { recoveryToken: token, pinFile }: Means,
  act: (console: KeeperConsole) => Promise<void>,
): Promise<void> {
  return asked(context.keeper, (console) =>
    withPins(context, console, () => act(console), { token, pinFile }),
  );
}

async function take(
  context: Context,
  file: string,
  { slots }: Slots,
  means: Means,
): Promise<RestoredView> {
  const { admin } = context;
  const { fromRemoved, confirmed: replace, saveTo } = means;
  const choice = {
    ...(fromRemoved === undefined ? {} : { fromRemoved }),
    ...(replace === undefined || saveTo === undefined ? {} : { replace, saveTo }),
  };
  try {
    return await watched(context, admin.restore(openBackup(file), choice));
  } catch (error) {
    const needed = error instanceof AdminRefusal && error.code === 'shares-needed';
    if (!needed || !isThere(means)) throw error;
  }
  const recovering = await recoveringMeans(context, means.files, means.recoveryToken);
  await unlocking(context, means, (console) => console.lend({ ...recovering, slots }));
  return watched(context, admin.restore(openBackup(file), choice));
}

/** The old node knows the wrapping key too, and somebody may have it. */
async function rotate(context: Context): Promise<void> {
  // A rotation that went on while the backup was made comes to its end first.
  while (!(await begun(context))) await new Promise((done) => setTimeout(done, pollMilliseconds));
  for (;;) {
    const { wrappingKey } = await serving(context);
    if (wrappingKey.left === undefined) return;
    await new Promise((done) => setTimeout(done, pollMilliseconds));
  }
}

/** Begins a rotation of the wrapping key, unless one goes on; gives whether it did. */
function begun({ keeper }: Context): Promise<boolean> {
  return asked(keeper, async (console) => {
    try {
      await console.rotateWrappingKey();
      return true;
    } catch (error) {
      if (error instanceof KeeperError && error.code === 'rotating') return false;
      throw error;
    }
  });
}

/** Waits for the server, which starts once its keeper is open, or starts anew. */
async function serving({ admin }: Context): Promise<StatusView> {
  for (let waited = 0; ; waited += pollMilliseconds) {
    try {
      const status = await admin.status();
      const open = status.state === 'SERVING' || status.state === 'DEGRADED';
      if (open || waited > patience) return status;
    } catch (error) {
      const away = error instanceof AdminRefusal && error.code === 'not-reachable';
      if (!away || waited > patience) throw error;
    }
    await new Promise((done) => setTimeout(done, pollMilliseconds));
  }
}

/** The slot table in the head of a backup or a journal, and when a backup was made. */
function headOf(path: string): Slots {
  const bytes = startOf(path, 64 << 10);
  const journal = parseJournalHead(bytes.length < 64 << 10 ? bytes : startOf(path, 5 << 20));
  if (journal !== undefined) return journal.head;
  let parsed = parseBundleHead(bytes);
  if (parsed.is === 'more') parsed = parseBundleHead(startOf(path, parsed.bytes));
  if (parsed.is === 'head') return parsed.head;
  const newer = parsed.is === 'newer';
  const message = newer ? 'a later version made this backup' : `${path} is no backup or journal`;
  const hint = newer ? 'restore it with that version' : 'see `twinlock backup list`';
  throw new CommandError('bad-request', message, hint);
}

function startOf(path: string, most: number): Buffer {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    const hint = 'name the file of a backup';
    throw new CommandError('bad-request', `${path} cannot be read`, hint, { cause });
  }
  try {
    const bytes = Buffer.alloc(most);
    return bytes.subarray(0, readSync(file, bytes, 0, most, 0));
  } finally {
    closeSync(file);
  }
}

function described(restored: RestoredView): string {
  const { is, made, keys, records, added, newer, missing, fresh, same } = restored;
  const { damaged, torn, waiting, replaced } = restored;
  const gone = missing.map(
    ({ epoch, from, to }) =>
      `missing: records ${from} to ${to} of ${epoch}; look for a newer backup or a journal`,
  );
  return [
    `the ${is} of ${date(made)} is restored: ${keys} keys, ${records} records, ${added} new here`,
    ...(damaged === 0 ? [] : [`${damaged} parts of it were changed and are left out`]),
    ...(torn
      ? ['its end is torn: a power cut does that, and what stood there was not answered']
      : []),
    ...(waiting === 0
      ? []
      : [`${waiting} records wait for earlier ones: restore the others, then this one again`]),
    ...(replaced === undefined
      ? []
      : [
          `${replaced.objects} keys that were made after it are no more, nor changes to others`,
          `to bring them back: twinlock restore ${replaced.saved}`,
        ]),
    ...(newer === 0 || replaced !== undefined
      ? []
      : [`${newer} newer records that were here stay`]),
    ...gone,
    ...(same === false ? ['its tables are not what the other node’s were: see the log'] : []),
    ...(fresh ? ['the old node’s slot is gone, and the wrapping key is a new one'] : []),
    ...(fresh ? [`what was made after ${date(made)} is not in this ${is}`] : []),
  ].join('\n');
}

export const commands: readonly Command[] = [
  {
    name: 'restore',
    parameters: ['<file>', '[share...]'],
    what: 'take a backup or a journal in; shares’ files for a new node, or for an old backup',
    options: [
      {
        flags: '--replace',
        what: 'in the place of what is here, after the cluster’s name was typed',
      },
      {
        flags: '--save-to <path>',
        what: 'with --replace: a folder or new file for what is here now',
      },
      { flags: '--name <name>', what: 'the cluster’s name, where nobody can type it' },
      { flags: '--from-removed', what: 'also what a removed node wrote after its removal' },
      { flags: '--recovery-token <name>', what: 'recover through this token, without shares' },
      { flags: '--pin-file <file>', what: 'its first line is that token’s PIN' },
    ],
    run: (context, [file = '', ...shares], options: RestoreOptions) =>
      restore(context, file, shares, options),
  },
];
