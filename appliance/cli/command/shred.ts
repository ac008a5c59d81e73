import type { BackupView } from '../../admin/schema.ts';
import type { RecoveryMember } from '../../keeper-client/keeper.ts';
import type { KeyHolders, RootHolder, Shredded } from '../../keeper-client/holders.ts';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { date, table } from '../format.ts';
import { asked } from '../keeper.ts';

/** What the makers' tools can have copied, or what outlasts the key in that kind of token. */
const remains: Readonly<Record<string, string>> = {
  'TPM 2.0': 'it was not cleared, and an old copy of its store opens: clear it in its firmware',
  SoftHSM: 'an old copy of its folder has the key: destroy every copy of it',
  'SmartCard-HSM': 'destroy what sc-hsm-tool --wrap-key wrote, or every share of its DKEK',
  'YubiHSM 2': 'destroy what was exported under a wrap key, or the wrap key’s shares',
  NetHSM: 'destroy its encrypted backups, or their passphrase',
};

type Known = Pick<BackupView, 'file' | 'made'>[] | undefined;

/** All that holds the keys of this node; changes nothing. */
export async function holders(context: Context): Promise<void> {
  const found = await asked(context.keeper, (console) => console.holders());
  const backups = await knownBackups(context);
  context.print({ ...found, files: backups ?? null }, () => textOf(found, backups));
}

/** Destroys every key of this node, after a person typed the cluster's name in full. */
export async function shred(context: Context, { name }: { name?: string }): Promise<void> {
  const { state } = await asked(context.keeper, (console) => console.status());
  const found = await asked(context.keeper, (console) => console.holders());
  const backups = await knownBackups(context);
  const typed = state === 'shredded' ? '' : await nameTyped(context, found, backups, name);
  const done = await asked(context.keeper, (console) => console.shred(typed));
  const toDo = whatIsLeft(done, backups);
  context.print({ shredded: true, left: done.left, toDo }, () =>
    ['every key of this node is shredded', ...toDo.map((each) => `- ${each}`)].join('\n'),
  );
  if (done.left.length === 0) return;
  const hint = 'bring their tokens back, unlocked: the keeper goes on by itself';
  throw new CommandError('not-serving', `${done.left.length} root keys are still there`, hint);
}

async function nameTyped(
  { ask, json }: Context,
  found: KeyHolders,
  backups: Known,
  name: string | undefined,
): Promise<string> {
  if (name !== undefined) return name;
  if (!json) process.stderr.write(`${textOf(found, backups)}\n\n`);
  const question = 'no key of this node will open again. Type the cluster’s name in full: ';
  const typed = await ask(question);
  if (typed !== undefined) return typed;
  const hint = 'repeat at a terminal, or with --name; twinlock holders shows it';
  throw new CommandError('refused', 'nobody is here to type the cluster’s name', hint);
}

/** The backups in the configured folder; undefined where nobody can say. */
async function knownBackups({ admin }: Context): Promise<Known> {
  try {
    return (await admin.backups()).backups.map(({ file, made }) => ({ file, made }));
  } catch {
    return undefined;
  }
}

function textOf(found: KeyHolders, backups: Known): string {
  const rows = [
    ['cluster', found.name],
    ...found.roots.map((root) => ['root key', rootText(root)]),
    ...tpmsOf(found).map((name) => [
      'TPM',
      `${name}: cleared with the keys; so is what else it opens`,
    ]),
    ...found.peers.map((peer) => ['other node', `${peer.name} (${peer.node}): every key`]),
    ...(found.recovery ?? []).map((member) => ['recovery', recoveryText(member)]),
    ...(found.backups === undefined ? [] : [['backups', found.backups]]),
    ...(backups ?? []).map(({ file, made }) => ['backup', `${file} of ${date(made)}`]),
    ['backups', 'those that were made to other places, which nobody can list'],
    ...(found.journal === undefined ? [] : [['journal', found.journal]]),
  ];
  return table(['WHAT', 'WHERE'], rows);
}

/** The TPMs that shredding clears: a disk that they open wants its recovery key afterwards. */
function tpmsOf({ roots }: KeyHolders): string[] {
  const names = roots.flatMap(({ token, vendor }) =>
    vendor === 'TPM 2.0' && token !== undefined ? [token] : [],
  );
  return [...new Set(names)];
}

function rootText({ keyId, holds, token, vendor, state }: RootHolder): string {
  const where = token === undefined ? 'in a token' : `in ${token}`;
  const known = [vendor, state].filter((each) => each !== undefined);
  return `${keyId} ${where}${known.length === 0 ? '' : ` (${known.join(', ')})`}, ${holds}`;
}

function recoveryText({ kind, id, threshold, shares, token }: RecoveryMember): string {
  return kind === 'token'
    ? `the recovery token ${token ?? ''} (key ${id}), with its PIN and a backup`
    : `any ${threshold ?? 0} of the ${shares ?? 0} shares of set ${id.slice(0, 8)}, with a backup`;
}

function madeBy({ device }: RootHolder): string {
  return device === undefined ? '' : `; the token that made it says it is ${device}`;
}

/** What a person must still do: this node cannot. */
function whatIsLeft(
  { holders: held, left, notThere = [], cleared = [] }: Shredded,
  backups: Known,
): string[] {
  const kept = held.roots.filter(({ token }) => token === undefined || !cleared.includes(token));
  const vendors = new Map(kept.map(({ token, vendor }) => [vendor, token]));
  return [
    ...left.map((root) => `bring the token back: ${rootText(root)}${madeBy(root)}`),
    ...notThere.map((id) => `root key ${id} was not in its token any more: look for copies of it`),
    ...cleared.map((name) => `${name} is cleared: a disk that it opened needs its recovery key`),
    ...(held.roots.length === 0
      ? ['no slot said which root keys there were: clear the token with its maker’s tool']
      : []),
    ...[...vendors].flatMap(([vendor, token]) => {
      const what = vendor === undefined ? undefined : remains[vendor];
      return what === undefined ? [] : [`${token ?? 'token'} (${vendor ?? ''}): ${what}`];
    }),
    ...held.peers.map(({ name }) => `${name} has every key: twinlock shred there, or peer remove`),
    ...(held.recovery ?? []).map((member) => {
      const what = member.kind === 'token' ? 'clear the recovery token' : 'destroy the shares';
      return `${what}: ${recoveryText(member)} gives every key back`;
    }),
    ...(held.backups === undefined ? [] : [`delete the backups in ${held.backups}`]),
    ...(backups ?? []).map(({ file }) => `delete ${file}`),
    'delete every backup that was made to another place, and every copy of this node’s disk',
    ...(held.journal === undefined ? [] : [`delete the journal in ${held.journal}`]),
    'clients keep the keys that they have fetched: re-key in vCenter what must not be read',
  ];
}

export const commands: readonly Command[] = [
  {
    name: 'holders',
    what: 'all that holds the keys of this node: slots, tokens, the other node, shares, backups',
    run: (context) => holders(context),
  },
  {
    name: 'shred',
    what: 'destroy every key of this node for good, after the cluster’s name was typed',
    options: [{ flags: '--name <name>', what: 'the cluster’s name, where nobody can type it' }],
    run: (context, _, options: Parameters<typeof shred>[1]) => shred(context, options),
  },
];
