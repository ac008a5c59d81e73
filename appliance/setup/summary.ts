import type { SetupAnswers } from './answers.ts';

/** What will be done, line by line, before anything is written: names and what they become. */
export function summaryOf(answers: SetupAnswers): readonly (readonly [string, string])[] {
  const { network, name, time, root_key: rootKey, node } = answers;
  return [
    ['Network', networkText(network)],
    ['Name', name ?? 'left as it is'],
    ['Time', time === undefined ? 'left as it is' : timeText(time)],
    ['Root key', `made in the token ${rootKey.token ?? 'of the configuration'}`],
    ...(node.role === 'second'
      ? ([['Node', `second: joins ${node.peer}`]] as const)
      : ([
          ['Node', 'first: makes the cluster’s keys'],
          ['Other node lost', lostText(node.peer_lost)],
        ] as const)),
  ];
}

function networkText(network: SetupAnswers['network']): string {
  if (network === undefined) return 'left as it is';
  if (network.method === 'dhcp') return `${network.interface}: address by DHCP`;
  const { address, gateway, name_servers: servers } = network;
  const names = servers.length === 0 ? '' : `, names by ${servers.join(', ')}`;
  return `${network.interface}: ${address}, gateway ${gateway}${names}`;
}

function timeText({ servers, nts }: NonNullable<SetupAnswers['time']>): string {
  return `${servers.join(', ')}${nts ? ', which prove who they are (NTS)' : ''}`;
}

type PeerLost = Extract<SetupAnswers['node'], { role: 'first' }>['peer_lost'];

export function lostText(lost: PeerLost): string {
  switch (lost.policy) {
    case 'alone-for':
      return `new keys go on for ${lost.hours} h, then are refused`;
    case 'refuse':
      return 'no new key without a second copy';
    case 'alone':
      return 'new keys go on with one copy: there is to be no other node';
  }
}
