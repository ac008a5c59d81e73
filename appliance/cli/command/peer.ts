import { randomBytes } from 'node:crypto';
import type { PeersView } from '../../admin/pair.ts';
import { comparedPairing, invitedNode, joinCluster } from '../../setup/pairing.ts';
import type { JoinParts } from '../../setup/pairing.ts';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { date, durationOf, secondsOf, table } from '../format.ts';
import { asked } from '../keeper.ts';

const pollMilliseconds = 300;

/** Makes a code, shows it, and stays until the new node is a member. */
export async function invite(
  context: Context,
  { yes, wait }: { yes: boolean; wait: boolean },
): Promise<void> {
  const { print } = context;
  needPersonWhere(wait, context, yes);
  const invitation = await invitedNode(partsOf(context, yes));
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
  needPerson(context, yes);
  const peer = await comparedPairing(partsOf(context, yes));
  context.print({ joined: peer }, () => `${peer?.name ?? 'the node'} has its keys and catches up`);
}

/** Joins a cluster, on a node that is new. */
export async function join(
  context: Context,
  [address = '', code = '']: readonly string[],
  { yes }: { yes: boolean },
): Promise<void> {
  const { admin, print } = context;
  const { state } = await admin.status();
  const { state: pairing } = await admin.pairing();
  if (!(state === 'NOT CONFIGURED' || state === 'SEALED') || pairing === 'joined') {
    throw new CommandError('refused', 'this node has keys already', 'only a new node joins');
  }
  // Before the code is used up.
  needPerson(context, yes);
  const label = `twinlock root ${randomBytes(4).toString('hex')}`;
  await joinCluster(partsOf(context, yes), { address, code, label });
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
      ...peers.flatMap(({ name, state, trouble }) =>
        trouble === undefined || state === 'present' ? [] : [`${name}: ${trouble}`],
      ),
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
  return name === 'alone-for' ? `alone-for ${durationOf(seconds)}` : name;
}

/** Who is asked while two nodes pair. */
function partsOf(context: Context, yes: boolean): JoinParts {
  return {
    admin: context.admin,
    keeper: (act) => asked(context.keeper, act),
    compare: (words, name) => areSame(context, words, name, yes),
    pause,
  };
}

/** Refuses to go on where nobody can compare words and nobody said that they need not be. */
function needPerson({ attended }: Context, yes: boolean, or = ''): void {
  if (attended || yes) return;
  const hint = `at a terminal, or with --yes${or}`;
  throw new CommandError('refused', 'nobody is here to compare the words', hint);
}

/** The same where an invitation is to be waited for. */
function needPersonWhere(wait: boolean, context: Context, yes: boolean): void {
  if (wait) needPerson(context, yes, ' or --no-wait');
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
      const choice = { yes: options['yes'] === true, wait: options['wait'] !== false };
      needPersonWhere(choice.wait, context, choice.yes);
      await remove({ ...context, print: () => {} }, name);
      await invite(context, choice);
    },
  },
  {
    name: 'peer policy',
    parameters: ['[policy]', '[duration]'],
    what: 'what happens to new keys while the other node is away: show, or set for both nodes',
    run: (context, parameters) => policy(context, parameters),
  },
];
