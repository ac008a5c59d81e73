import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readShare, shareWords } from '../../keeper-client/share.ts';
import type { RecoveringWith } from '../../keeper-client/console.ts';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { date, table } from '../format.ts';
import { asked } from '../keeper.ts';
import { qrText } from '../../setup/qr.ts';
import { memberText } from '../recovery-member.ts';
import { givenShares } from '../share-input.ts';
import { shareSheet, shareTitle, wordTable } from '../share-sheet.ts';
import { withPins } from '../typed-pin.ts';

interface TokenOptions {
  readonly token?: string;
  readonly pinFile?: string;
}

/** Clears the screen and what can be scrolled back to. */
const clearScreen = '\u001b[H\u001b[2J\u001b[3J';

/** Makes a recovery set; its shares are printed once, or written to a folder, one file each. */
export async function create(
  context: Context,
  options: { threshold?: string; shares?: string; out?: string } & TokenOptions,
): Promise<void> {
  const { keeper, print, json } = context;
  const { out, token } = options;
  if (token !== undefined) {
    await createInToken(context, token, options);
    return;
  }
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
    await showShares(context, shares);
    print({}, () => advice);
  }
}

/** Makes a recovery key in a token, which then goes into a safe. */
async function createInToken(
  context: Context,
  token: string,
  { pinFile }: TokenOptions,
): Promise<void> {
  const rootKeyLabel = `twinlock recovery ${randomBytes(4).toString('hex')}`;
  const id = await asked(context.keeper, (console) => {
    const make = (): Promise<string> => console.makeRecoveryToken({ rootKeyLabel, token });
    return withPins(context, console, make, { token, pinFile });
  });
  context.print({ id, token, label: rootKeyLabel }, () =>
    [
      `the token ${token} holds the recovery key ${id}`,
      `prove it: twinlock recovery prove --token ${token}`,
      'then put it into a safe, and its PIN elsewhere',
    ].join('\n'),
  );
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
async function showShares({ ask }: Context, shares: readonly string[]): Promise<void> {
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

/** Recovers with shares or a token and compares, changing nothing else: only then keys are made. */
export async function prove(
  context: Context,
  files: readonly string[],
  { token, pinFile }: TokenOptions = {},
): Promise<void> {
  if (token === undefined) {
    const shares = await givenShares(context, files);
    await asked(context.keeper, (console) => console.proveRecovery(shares));
    context.print({ proven: true }, () => 'the recovery set is proven');
    return;
  }
  refuseBoth(files);
  await asked(context.keeper, (console) => {
    const act = (): Promise<void> => console.proveRecoveryToken(token);
    return withPins(context, console, act, { token, pinFile });
  });
  context.print({ proven: true, token }, () => `the recovery token ${token} is proven`);
}

/** After the loss of a token: opens the keys and moves them to the token there is. */
export async function restore(
  context: Context,
  files: readonly string[],
  { token, pinFile, to }: TokenOptions & { readonly to?: string } = {},
): Promise<void> {
  if (token !== undefined) refuseBoth(files);
  const means = await recoveringMeans(context, files, token);
  const rootKeyLabel = `twinlock root ${randomBytes(4).toString('hex')}`;
  const request = { ...means, rootKeyLabel, ...(to === undefined ? {} : { token: to }) };
  await asked(context.keeper, (console) =>
    withPins(context, console, () => console.restore(request), { token, pinFile }),
  );
  context.print({ rootKey: rootKeyLabel }, () => `the keys are open; root key ${rootKeyLabel}`);
}

/** What recovers: the token of this name, or these shares' files, or shares that are typed. */
export async function recoveringMeans(
  context: Context,
  files: readonly string[],
  recoveryToken: string | undefined,
): Promise<RecoveringWith> {
  if (recoveryToken !== undefined) return { recoveryToken };
  return { shares: await givenShares(context, files) };
}

function refuseBoth(files: readonly string[]): void {
  if (files.length === 0) return;
  const hint = 'name the files of shares, or a token with --token';
  throw new CommandError('bad-request', 'shares and a token are two ways', hint);
}

/** What recovers the keys: sets of shares and tokens, and when each was proven. */
export async function show({ keeper, print }: Context): Promise<void> {
  const { recovery } = await asked(keeper, (console) => console.status());
  const members = recovery?.members ?? [];
  print({ proven: recovery?.proven === true, members }, () => {
    if (members.length === 0) return 'nothing recovers the keys yet: twinlock recovery create';
    const rows = members.map((member) => [
      member.kind,
      memberText(member),
      date(member.made),
      member.proven === null ? '' : date(member.proven),
      member.device ?? '',
      member.id,
    ]);
    return table(['KIND', 'WHAT', 'MADE', 'PROVEN', 'DEVICE', 'ID'], rows);
  });
}

/** Forgets a recovery token that is lost or no longer wanted. */
export async function remove({ keeper, print }: Context, id: string): Promise<void> {
  await asked(keeper, (console) => console.removeRecoveryToken(id));
  print({ removed: id }, () =>
    [
      `the recovery key ${id} opens nothing that is sealed from the next wrapping key on`,
      'if somebody may have the token and its PIN: twinlock wrapping-key rotate',
    ].join('\n'),
  );
}

const pinFileOption = { flags: '--pin-file <file>', what: 'its first line is the token’s PIN' };

export const commands: readonly Command[] = [
  {
    name: 'recovery create',
    what: 'make a set of shares, printed once, or a recovery key in a token',
    options: [
      { flags: '--threshold <m>', what: 'how many shares are needed', default: '3' },
      { flags: '--shares <n>', what: 'how many there are', default: '5' },
      { flags: '--out <dir>', what: 'write each share to a file of its own' },
      { flags: '--token <name>', what: 'make a recovery key in this token instead' },
      pinFileOption,
    ],
    run: (context, _, options: Parameters<typeof create>[1]) => create(context, options),
  },
  {
    name: 'recovery prove',
    parameters: ['[share...]'],
    what: 'recover with these shares’ files, or typed ones, changing nothing; then keys are made',
    options: [{ flags: '--token <name>', what: 'recover through this token' }, pinFileOption],
    run: (context, files, options: TokenOptions) => prove(context, files, options),
  },
  {
    name: 'recovery restore',
    parameters: ['[share...]'],
    what: 'after a lost token: open the keys and move them to the token there is',
    options: [
      { flags: '--token <name>', what: 'recover through this token' },
      pinFileOption,
      { flags: '--to <name>', what: 'the token that is to hold the root key; else the first' },
    ],
    run: (context, files, options: TokenOptions) => restore(context, files, options),
  },
  {
    name: 'recovery show',
    what: 'what recovers the keys, and when it was proven',
    run: (context) => show(context),
  },
  {
    name: 'recovery remove',
    parameters: ['<id>'],
    what: 'forget a recovery token',
    run: (context, [id = '']) => remove(context, id),
  },
];
