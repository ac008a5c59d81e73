import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readShare, shareWords } from '../../keeper-client/share.ts';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { asked } from '../keeper.ts';
import { qrText } from '../../setup/qr.ts';
import { givenShares } from '../share-input.ts';
import { shareSheet, shareTitle, wordTable } from '../share-sheet.ts';

/** Clears the screen and what can be scrolled back to. */
const clearScreen = '\u001b[H\u001b[2J\u001b[3J';

/** Makes a recovery set; its shares are printed once, or written to a folder, one file each. */
export async function create(
  context: Context,
  options: { threshold: string; shares: string; out?: string },
): Promise<void> {
  const { keeper, print, json } = context;
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
  if (out !== undefined) {
    writeShares(out, shares);
    print(
      { threshold, files: count, folder: out },
      () => `words (share-N) and sheets to print (share-N.html) are in ${out}; ${advice}`,
    );
  } else if (json) {
    const words = shares.map((text) => shareWords(readShare(text)).join(' '));
    print({ threshold, shares, words }, () => '');
  } else {
    await show(context, shares);
    print({}, () => advice);
  }
}

function writeShares(out: string, shares: readonly string[]): void {
  mkdirSync(out, { recursive: true, mode: 0o700 });
  for (const [i, text] of shares.entries()) {
    const write = (name: string, content: string): void => {
      writeFileSync(join(out, name), content, { mode: 0o600, flag: 'wx', flush: true });
    };
    write(`share-${i + 1}.html`, shareSheet(text, shares.length));
    write(`share-${i + 1}`, `${wordTable(shareWords(readShare(text)))}\n`);
  }
}

/** One share after the other; at a terminal each is alone on it, and gone before the next. */
async function show({ ask }: Context, shares: readonly string[]): Promise<void> {
  const terminal = process.stdout.isTTY && process.stdin.isTTY;
  for (const text of shares) {
    const share = readShare(text);
    const title = shareTitle(share, shares.length);
    const words = wordTable(shareWords(share));
    process.stdout.write(`${title}\n\n${words}\n\n${qrText(text, terminal)}\n${text}\n\n`);
    if (!terminal) continue;
    await ask('write the words down, or scan the code; Enter clears the screen: ');
    process.stdout.write(clearScreen);
  }
}

/** Recovers with shares and compares, changing nothing else: only then keys are made. */
export async function prove(context: Context, files: readonly string[]): Promise<void> {
  const shares = await givenShares(context, files);
  await asked(context.keeper, (console) => console.proveRecovery(shares));
  context.print({ proven: true }, () => 'the recovery set is proven');
}

/** After the loss of a token: opens the keys with shares and moves them to the token there is. */
export async function restore(context: Context, files: readonly string[]): Promise<void> {
  const shares = await givenShares(context, files);
  const rootKeyLabel = `twinlock root ${randomBytes(4).toString('hex')}`;
  await asked(context.keeper, (console) => console.restore({ shares, rootKeyLabel }));
  context.print({ rootKey: rootKeyLabel }, () => `the keys are open; root key ${rootKeyLabel}`);
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
    parameters: ['[share...]'],
    what: 'recover with these shares’ files, or typed ones, changing nothing; then keys are made',
    run: (context, files) => prove(context, files),
  },
  {
    name: 'recovery restore',
    parameters: ['[share...]'],
    what: 'after a lost token: open the keys and move them to the token there is',
    run: (context, files) => restore(context, files),
  },
];
