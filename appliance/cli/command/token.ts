import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { sealPin } from '../../setup/pin-credential.ts';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { table } from '../format.ts';
import { pinTriesText } from '../../keeper-client/pin-tries.ts';
import type { KeeperStatus, TokenView } from '../../keeper-client/keeper.ts';
import { asked } from '../keeper.ts';
import { noPin } from '../typed-pin.ts';

/** The tokens of the configuration, and which of them holds the root key. */
export async function list({ keeper, print }: Context): Promise<void> {
  const { token, tokens } = await asked(keeper, (console) => console.status());
  const shown = tokens ?? [{ ...token, root: true }];
  print({ tokens: shown }, () => {
    const rows = shown.map((each) => [
      each.name ?? '',
      each.state,
      each.root ? 'root key' : '',
      each.vendor ?? '',
      each.serial ?? '',
      each.label ?? '',
      pinTriesText(each),
    ]);
    return table(['NAME', 'STATE', 'HOLDS', 'KIND', 'SERIAL', 'LABEL', 'PIN'], rows);
  });
}

/** Gives a token's PIN, which a person types at the terminal or a file's first line holds. */
export async function unlock(
  context: Context,
  { token, pinFile }: { token?: string; pinFile?: string },
): Promise<void> {
  const pin = await context.secret('PIN: ', pinFile);
  if (pin === undefined || pin.length === 0) throw noPin();
  const before = await asked(context.keeper, (console) => console.status());
  const wasReady = tokenOf(before, token)?.state === 'ready';
  await asked(context.keeper, (console) => console.pin(pin, token));
  const { state, byOrder } = await asked(context.keeper, (console) => console.status());
  const order = byOrder === true ? ' by order: twinlock unseal' : '';
  context.print({ unlocked: true, state }, () => {
    // Nobody is to believe that a PIN is right which no token has seen.
    const said = wasReady
      ? 'the token was unlocked already, this PIN was not tried'
      : 'the token is unlocked';
    return `${said}; the keeper is ${state}${order}`;
  });
}

function tokenOf({ token, tokens = [] }: KeeperStatus, name?: string): TokenView | undefined {
  return name === undefined ? token : [token, ...tokens].find((each) => each.name === name);
}

/** Makes a blank token ours: with the PIN of its PIN file, or one that a person makes up. */
export async function provision(
  context: Context,
  { token, pinFile, typed }: { token?: string; pinFile?: string; typed?: boolean },
): Promise<void> {
  const asks = typed === true || pinFile !== undefined;
  const pin = asks ? await knownPin(context, 'new PIN: ', { typed, pinFile }) : Buffer.alloc(0);
  const officerPin = await asked(context.keeper, (console) => console.provision(pin, token));
  context.print({ officerPin }, () => officerPinLines(officerPin).join('\n'));
}

/** What a person does with the security officer's PIN of a token that was blank. */
export function officerPinLines(officerPin: string): readonly string[] {
  return [
    `security officer's PIN: ${officerPin}`,
    'write it down and keep it with the recovery set: it opens no key, but makes a new PIN',
  ];
}

/** Where `twinlock-token-pin.service` looks for it; and systemd for the key that signs PCR 11. */
const pinCredential = '/var/lib/twinlock/token-pin.cred';
const signersKeys = ['/etc/systemd', '/run/systemd', '/usr/lib/systemd'].map(
  (folder) => `${folder}/tpm2-pcr-public-key.pem`,
);

interface SealPinOptions {
  readonly typed?: boolean;
  readonly pinFile?: string;
  readonly publicKey?: string;
  readonly signature?: string;
  readonly tpm?: string;
  readonly to: string;
  readonly replace?: boolean;
}

/** Seals a PIN to this machine's TPM, one that nobody knows unless it is given. */
export async function seal(context: Context, options: SealPinOptions): Promise<void> {
  const { typed, pinFile, publicKey, signature, tpm: device, to: path, replace } = options;
  if (context.elsewhere) {
    throw new CommandError('bad-request', 'it is this machine’s TPM that seals', 'on the node');
  }
  const given = typed === true || pinFile !== undefined;
  if (existsSync(path) && !(replace === true && given)) {
    const hint = 'to seal the token’s own PIN anew: --replace with --typed or --pin-file';
    throw new CommandError('refused', `there is a sealed PIN in ${path} already`, hint);
  }
  const question = 'the token’s PIN: ';
  const pin = given
    ? await knownPin(context, question, options)
    : Buffer.from(randomBytes(16).toString('hex'));
  const key = publicKey ?? signersKeys.find((file) => existsSync(file));
  try {
    const number = randomBytes(8).toString('hex');
    await sealPin(pin, { path, number, device, publicKey: key, signature });
  } finally {
    pin.fill(0);
  }
  const boundTo = key === undefined ? 'PCR 7' : 'PCR 7 and signed PCR 11';
  const next = 'next: systemctl restart twinlock-token-pin twinlock-keeper';
  context.print({ sealed: path, boundTo, random: !given }, () =>
    [
      `the PIN is sealed to this TPM under ${boundTo}`,
      given ? next : `${next}, then twinlock token provision for the blank token`,
    ].join('\n'),
  );
}

async function knownPin(
  context: Context,
  question: string,
  {
    typed,
    pinFile,
  }: { readonly typed?: boolean | undefined; readonly pinFile?: string | undefined },
): Promise<Buffer> {
  const pin = await context.secret(question, pinFile);
  if (pin === undefined || pin.length === 0) throw noPin();
  const again = typed === true ? await context.secret('again: ') : undefined;
  const differs = again?.equals(pin) === false;
  again?.fill(0);
  if (!differs) return pin;
  pin.fill(0);
  throw new CommandError('bad-request', 'these are two PINs', 'type the same one twice');
}

const ofToken = { flags: '--token <name>', what: 'the token; without it the one in use' };

export const commands: readonly Command[] = [
  {
    name: 'token list',
    what: 'the tokens of the configuration, and which of them holds the root key',
    run: (context) => list(context),
  },
  {
    name: 'token unlock',
    what: 'give a token its PIN, typed unseen; it is tried once',
    options: [ofToken, { flags: '--pin-file <file>', what: 'its first line is the PIN' }],
    run: (context, _, options: Parameters<typeof unlock>[1]) => unlock(context, options),
  },
  {
    name: 'token provision',
    what: 'make a blank token ours, with the PIN at hand; gives the officer’s PIN',
    options: [
      ofToken,
      { flags: '--typed', what: 'type a new PIN, for attended mode' },
      { flags: '--pin-file <file>', what: 'its first line is the new PIN' },
    ],
    run: (context, _, options: Parameters<typeof provision>[1]) => provision(context, options),
  },
  {
    name: 'token seal-pin',
    what: 'seal a new PIN that nobody knows, or a known one, to this machine’s TPM, for the keeper',
    options: [
      { flags: '--typed', what: 'type the PIN that the token has, or is to have' },
      { flags: '--pin-file <file>', what: 'its first line is that PIN' },
      { flags: '--public-key <file>', what: 'PEM key that signs PCR 11; systemd’s without' },
      {
        flags: '--signature <file>',
        what: 'its signature of the system that runs; systemd’s without',
      },
      { flags: '--tpm <device>', what: 'another TPM, in systemd’s words' },
      { flags: '--to <file>', what: 'where the credential lies', default: pinCredential },
      { flags: '--replace', what: 'in place of a sealed PIN that is there' },
    ],
    run: (context, _, options) => seal(context, options as unknown as SealPinOptions),
  },
];
