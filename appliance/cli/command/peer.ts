import { randomBytes } from 'node:crypto';
import type { PairingView, PeersView } from '../../admin/pair.ts';
import type { KeeperConsole } from '../../keeper-client/console.ts';
import type { PairingCandidate } from '../../keeper-client/pairing.ts';
import { joinCluster } from '../../setup/pairing.ts';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { date, secondsOf, table } from '../format.ts';
import { asked } from '../keeper.ts';

const pollMilliseconds = 300;

/** Makes a code, shows it, and stays until the new node is a member. */
export async function invite(
  context: Context,
  { yes, wait }: { yes: boolean; wait: boolean },
): Promise<void> {
  const { admin, print } = context;
  const invitation = await admin.invite();
  const { code, addresses } = invitation;
  const text = [
    'On the new node, within 15 minutes:',
    ...addresses.map((address) => `  twinlock peer join ${address} ${code}`),
  ];
  if (!wait) {
    print(invitation, () => [...text, 'then here: twinlock peer confirm'].join('\n'));
    return;
  }
  process.stderr.write(`${text.join('\n')}\n`);
  await confirm(context, { yes });
}

/** The second half of an invitation: compares words, and stays until the node is a member. */
export async function confirm(context: Context, { yes }: { yes: boolean }): Promise<void> {
  await compared(context, yes);
  const { peer } = await ended(context);
  context.print({ joined: peer }, () => `${peer?.name ?? 'the node'} has its keys and catches up`);
}

/** Joins a cluster, on a node that is new. */
export async function join(
  context: Context,
  [address = '', code = '']: readonly string[],
  { yes }: { yes: boolean },
): Promise<void> {
  const { admin, keeper, print } = context;
  const { state } = await admin.status();
  const { state: pairing } = await admin.pairing();
  if (!(state === 'NOT CONFIGURED' || state === 'SEALED') || pairing === 'joined') {
    throw new CommandError('refused', 'this node has keys already', 'only a new node joins');
  }
  const label = `twinlock root ${randomBytes(4).toString('hex')}`;
  const parts = {
    admin,
    keeper: <T>(act: (console: KeeperConsole) => Promise<T>) => asked(keeper, act),
    compare: (words: readonly string[], name: string) => areSame(context, words, name, yes),
    pause,
  };
  await joinCluster(parts, { address, code, label });
  const { endpoint, node, cluster, keys } = await admin.status();
  print({ joined: true, node, cluster, endpoint, keys }, () =>
    [
      'JOINED: both nodes have the same keys, and each was opened here',
      `KMIP is served at ${endpoint ?? 'no address yet'}`,
    ].join('\n'),
  );
}

/** Cuts a node off for good and begins a wrapping key that it never had. */
export async function remove(context: Context, name: string): Promise<void> {
  const { admin, keeper, print } = context;
  const { peers } = await admin.peers();
  const peer = peers.find((each) => each.node === name || each.name === name);
  if (peer === undefined) {
    throw new CommandError('not-found', `no node ${name}`, 'see `twinlock peer status`');
  }
  await admin.removePeer(peer.node);
  const generation = await asked(keeper, (console) => console.removePeer(peer.node));
  print({ removed: peer.node, generation }, () =>
    [
      `${peer.name} is cut off for good; everything is sealed anew under ${generation}`,
      'until there is another node every key has a single copy: twinlock peer invite',
    ].join('\n'),
  );
}

/** How the other node is. */
export async function status({ admin, print }: Context): Promise<void> {
  const found = await admin.peers();
  print(found, () => {
    const { peers, policy, single, accepting, removed } = found;
    const rows = peers.map((peer) => [
      peer.name,
      peer.state,
      peer.heard === undefined ? 'never' : date(peer.heard),
      String(peer.lag),
      peer.equal === undefined ? 'not compared' : peer.equal ? 'equal' : 'DIFFERENT',
      peer.proven ? 'proven' : 'NOT PROVEN',
      peer.node,
    ]);
    return [
      ...(removed ? ['this node was removed from its cluster: set it up anew'] : []),
      peers.length === 0
        ? 'no other node: twinlock peer invite'
        : table(['NAME', 'STATE', 'HEARD', 'LAG', 'DIGEST', 'KEY SLOTS', 'NODE'], rows),
      `policy          ${policyText(policy)}`,
      `single copies   ${single.count}`,
      `new keys        ${accepting ? 'are answered' : 'are refused'}`,
    ].join('\n');
  });
}

/** Shows the policy, or sets it: on either node, for both. */
export async function policy(
  { admin, print }: Context,
  [name, duration]: readonly string[],
): Promise<void> {
  if (name === undefined) {
    const { policy: current } = await admin.peers();
    print(current, () => policyText(current));
    return;
  }
  if (name !== 'alone' && name !== 'alone-for' && name !== 'refuse') {
    const hint = 'refuse, alone-for DURATION (72h), or alone';
    throw new CommandError('bad-request', `there is no policy ${name}`, hint);
  }
  const seconds = name === 'alone-for' ? secondsOf(duration ?? '72h') : 0;
  const set = await admin.setCopyPolicy({ policy: name, seconds });
  print(set, () => policyText(set));
}

function policyText({ policy: name, seconds }: PeersView['policy']): string {
  return name === 'alone-for' ? `alone-for ${Math.floor(seconds / 3600)}h` : name;
}

/** Shows the words that the keeper made, and says to it that a person found them the same. */
async function compared(context: Context, yes: boolean): Promise<void> {
  const { keeper } = context;
  const { words, name } = await candidate(context);
  if (!(await areSame(context, words, name, yes))) {
    await asked(keeper, (console) => console.refusePairing());
    const hint = process.stdin.isTTY
      ? 'somebody may be in between'
      : 'at a terminal, or with --yes';
    throw new CommandError('refused', 'the words were not confirmed', hint);
  }
  await asked(keeper, (console) => console.confirmPairing(words));
}

/** Whether a person found the words to be the same on both nodes. */
async function areSame(
  { ask }: Context,
  words: readonly string[],
  name: string,
  yes: boolean,
): Promise<boolean> {
  process.stderr.write(`${name} and this node are a pair when both show these words:\n`);
  process.stderr.write(`\n  ${words.slice(0, 5).join(' ')}\n  ${words.slice(5).join(' ')}\n\n`);
  return yes || (await ask('Are they the same on the other node? yes/no: ')) === 'yes';
}

/** Waits for the other node to prove the code. */
async function candidate(context: Context): Promise<PairingCandidate> {
  for (;;) {
    const view = await context.admin.pairing();
    refuseFailed(view);
    if (view.state === 'none') {
      throw new CommandError('refused', 'no pairing goes on', 'twinlock peer invite');
    }
    const found =
      view.state === 'waiting'
        ? undefined
        : await asked(context.keeper, (console) => console.candidate());
    if (found !== undefined) return found;
    await pause();
  }
}

async function ended({ admin }: Context): Promise<PairingView> {
  for (;;) {
    const view = await admin.pairing();
    refuseFailed(view);
    // The server that joined begins to serve, and then knows of no joining any more.
    if (view.state === 'joined' || view.state === 'none') return view;
    await pause();
  }
}

function refuseFailed({ state, message }: PairingView): void {
  if (state !== 'failed') return;
  const hint = 'begin again: peer invite on the one node, peer join on the new one';
  throw new CommandError('refused', message ?? 'the pairing failed', hint);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
}

const yesOption = { flags: '--yes', what: 'the words were compared, or need not be' } as const;

export const commands: readonly Command[] = [
  {
    name: 'peer invite',
    what: 'make a one-time code for a new node, and pair with it',
    options: [yesOption, { flags: '--no-wait', what: 'only make the code' }],
    run: (context, _, options) =>
      invite(context, { yes: options['yes'] === true, wait: options['wait'] !== false }),
  },
  {
    name: 'peer confirm',
    what: 'compare words with the node that was invited',
    options: [yesOption],
    run: (context, _, options) => confirm(context, { yes: options['yes'] === true }),
  },
  {
    name: 'peer join',
    parameters: ['<address>', '<code>'],
    what: 'join the node that made the code; on a new node',
    options: [yesOption],
    run: (context, parameters, options) =>
      join(context, parameters, { yes: options['yes'] === true }),
  },
  { name: 'peer status', what: 'how the other node is', run: (context) => status(context) },
  {
    name: 'peer remove',
    parameters: ['<node>'],
    what: 'cut a node off for good and seal everything anew',
    run: (context, [name = '']) => remove(context, name),
  },
  {
    name: 'peer replace',
    parameters: ['<node>'],
    what: 'remove a node and invite another one',
    options: [yesOption, { flags: '--no-wait', what: 'only make the code' }],
    run: async (context, [name = ''], options) => {
      await remove({ ...context, print: () => {} }, name);
      await invite(context, { yes: options['yes'] === true, wait: options['wait'] !== false });
    },
  },
  {
    name: 'peer policy',
    parameters: ['[policy]', '[duration]'],
    what: 'what happens to new keys while the other node is away: show, or set for both nodes',
    run: (context, parameters) => policy(context, parameters),
  },
];
