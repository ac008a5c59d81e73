import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { faultOf, setupAnswers } from '../../setup/answers.ts';
import type { SetupAnswers } from '../../setup/answers.ts';
import { SetupError } from '../../setup/error.ts';
import { setUp } from '../../setup/set-up.ts';
import { summaryOf } from '../../setup/summary.ts';
import { parseToml } from '../../setup/toml.ts';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { asked } from '../keeper.ts';
import { officerPinLines } from './token.ts';
import { secretInput } from '../secret-input.ts';

const pollMilliseconds = 300;

/** Does unattended what the wizard asks a person; see docs/install.md. */
export async function setup(
  context: Context,
  { from = '', yes = false }: { from?: string; yes?: boolean },
): Promise<void> {
  const answers = read(from);
  const { admin, keeper, ask, print, box } = context;
  for (const [name, text] of summaryOf(answers)) {
    process.stderr.write(`${name.padEnd(16)} ${text}\n`);
  }
  if (!yes && (await ask('Set this node up so? yes/no: ')) !== 'yes') {
    throw new CommandError('refused', 'nothing was written', 'answer yes, or give --yes');
  }
  if (box !== undefined && answers.network?.method === 'static') {
    await box.checks.addressFree(answers.network.interface, answers.network.address);
  }
  const secret = (file: string | undefined): Promise<Buffer | undefined> =>
    file === undefined ? Promise.resolve(undefined) : secretInput('', resolve(dirname(from), file));
  const passphrase = await secret(answers.administrator?.passphrase_file);
  const pin = await secret(answers.root_key.pin_file);
  await setUp(answers, {
    admin,
    keeper: (act) => asked(keeper, act),
    compare: (words) => compared(context, answers, words),
    pause: () => new Promise((done) => setTimeout(done, pollMilliseconds)),
    label: `twinlock root ${randomBytes(4).toString('hex')}`,
    say: (step) => process.stderr.write(`${step}\n`),
    showOfficerPin: (officerPin) => {
      for (const line of officerPinLines(officerPin)) process.stderr.write(`${line}\n`);
      return Promise.resolve();
    },
    ...(box === undefined ? {} : { box }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(pin === undefined ? {} : { pin }),
  });
  const status = await admin.status();
  const next =
    answers.node.role === 'second'
      ? 'twinlock peer status'
      : 'twinlock recovery create, then recovery prove: no key is made before';
  print({ set: true, node: status.node, endpoint: status.endpoint ?? null, next }, () =>
    [`KMIP is served at ${status.endpoint ?? 'no address yet'}`, `next: ${next}`].join('\n'),
  );
}

function read(path: string): SetupAnswers {
  const hint = 'docs/install.md shows such a file';
  let value: unknown;
  try {
    value = parseToml(readFileSync(path, 'utf8'));
  } catch (cause) {
    const text = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : '';
    throw new CommandError('bad-request', `${path}: ${text}`, hint, { cause });
  }
  const fault = faultOf(value);
  if (fault !== undefined) throw new CommandError('bad-request', `${path}: ${fault}`, hint);
  return setupAnswers.parse(value);
}

/** The file may say the words that a person read on the other node; else somebody compares. */
async function compared(
  { ask }: Context,
  { node }: SetupAnswers,
  words: readonly string[],
): Promise<boolean> {
  if (node.role === 'second' && node.words !== undefined) {
    if (node.words.join(' ') === words.join(' ')) return true;
    const hint = 'somebody may be in between; compare them on both consoles';
    throw new SetupError('pairing', 'the words are not those of the file', hint);
  }
  process.stderr.write(`\n  ${words.slice(0, 5).join(' ')}\n  ${words.slice(5).join(' ')}\n\n`);
  return (await ask('Are they the same on the other node? yes/no: ')) === 'yes';
}

export const commands: readonly Command[] = [
  {
    name: 'setup',
    what: 'set this node up from a file of answers, as the wizard does',
    options: [
      { flags: '--from <file>', what: 'the answers, TOML: see docs/install.md', required: true },
      { flags: '--yes', what: 'do not ask whether the summary is right' },
    ],
    run: (context, _, options: Parameters<typeof setup>[1]) => setup(context, options),
  },
];
