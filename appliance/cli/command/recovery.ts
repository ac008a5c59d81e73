import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { asked } from '../keeper.ts';

/** Makes a recovery set; its shares are printed once, or written to a folder, one file each. */
export async function create(
  { keeper, print }: Context,
  options: { threshold: string; shares: string; out?: string },
): Promise<void> {
  const { out } = options;
  const [threshold, count] = [Number(options.threshold), Number(options.shares)];
  if (!(threshold >= 2 && threshold <= count && count <= 255)) {
    const hint = 'at least 2 shares, and no more needed than there are';
    throw new CommandError('bad-request', 'these numbers of shares make no set', hint);
  }
  if (out !== undefined && existsSync(join(out, 'share-1'))) {
    throw new CommandError('refused', `${out} holds shares already`, 'choose another --out');
  }
  const request = { threshold, shares: count };
  const shares = await asked(keeper, (console) => console.makeRecovery(request));
  const advice = `give each to another person, then prove any ${threshold}: recovery prove`;
  if (out === undefined) {
    print({ threshold, shares }, () => [...shares, advice].join('\n'));
    return;
  }
  mkdirSync(out, { recursive: true, mode: 0o700 });
  for (const [i, share] of shares.entries()) {
    const path = join(out, `share-${i + 1}`);
    writeFileSync(path, `${share}\n`, { mode: 0o600, flag: 'wx', flush: true });
  }
  print({ threshold, files: count, folder: out }, () => `the shares are in ${out}; ${advice}`);
}

/** Recovers with shares and compares, changing nothing else: only then keys are made. */
export async function prove(context: Context, files: readonly string[]): Promise<void> {
  const shares = files.map(readShare);
  await asked(context.keeper, (console) => console.proveRecovery(shares));
  context.print({ proven: true }, () => 'the recovery set is proven');
}

/** After the loss of a token: opens the keys with shares and moves them to the token there is. */
export async function restore(context: Context, files: readonly string[]): Promise<void> {
  const shares = files.map(readShare);
  const rootKeyLabel = `twinlock root ${randomBytes(4).toString('hex')}`;
  await asked(context.keeper, (console) => console.restore({ shares, rootKeyLabel }));
  context.print({ rootKey: rootKeyLabel }, () => `the keys are open; root key ${rootKeyLabel}`);
}

function readShare(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    const hint = 'name the files of the shares';
    throw new CommandError('bad-request', `${path} cannot be read`, hint, { cause });
  }
}

export const commands: readonly Command[] = [
  {
    name: 'recovery create',
    what: 'make a recovery set of shares in place of any earlier one; printed once',
    options: [
      { flags: '--threshold <m>', what: 'how many shares are needed', default: '3' },
      { flags: '--shares <n>', what: 'how many there are', default: '5' },
      { flags: '--out <dir>', what: 'write each share to a file of its own' },
    ],
    run: (context, _, options: Parameters<typeof create>[1]) => create(context, options),
  },
  {
    name: 'recovery prove',
    parameters: ['<share...>'],
    what: 'recover with these shares’ files, changing nothing; only then keys are made',
    run: (context, files) => prove(context, files),
  },
  {
    name: 'recovery restore',
    parameters: ['<share...>'],
    what: 'after a lost token: open the keys and move them to the token there is',
    run: (context, files) => restore(context, files),
  },
];
