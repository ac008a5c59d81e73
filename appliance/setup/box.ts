import { isIPv6 } from 'node:net';
import type { SetupAnswers } from './answers.ts';

/** A file of the system, by its path below the root. */
export interface BoxFile {
  readonly path: string;
  readonly text: string;
}

/** The box itself: absent in a trial, which leaves the machine that it runs on alone. */
export interface Box {
  /** Names of its network interfaces, the loopback apart. */
  interfaces(): readonly string[];
  /** Writes all files, flushed; throws an error whose message a person can read. */
  write(files: readonly BoxFile[]): Promise<void>;
  /** Has the system take them up; throws the same. */
  apply(answers: SetupAnswers): Promise<void>;
  readonly checks: BoxChecks;
  /** Absent where the firewall is not ours. */
  readonly ports?: BoxPorts;
  /**
   * Takes a newer version from a stick; gives what came of it. Absent where the system is not our
   * image. Throws an error whose message a person can read.
   */
  readonly update?: () => Promise<string>;
}

/** A port that is closed until an administrator opens it: docs/image.md. */
export const portNames = ['admin', 'metrics'] as const;
export type PortName = (typeof portNames)[number];

/** The box's firewall, beside KMIP and the other node. */
export interface BoxPorts {
  opened(): readonly PortName[];
  /** Opens these and closes the others; throws an error whose message a person can read. */
  open(names: readonly PortName[]): Promise<void>;
}

/** Live looks, before anything is written. Each throws an error with a sentence for a person. */
export interface BoxChecks {
  /** Whether another machine has the address already (RFC 5227). */
  addressFree(interfaceName: string, address: string): Promise<void>;
  gateway(address: string): Promise<void>;
  /** Gives by how many seconds this clock is behind; `now` is seconds since 1970. */
  timeServer(server: string, now: () => number): Promise<number>;
}

/** What the answers make of the box: systemd.network(5), hostname(5), chrony.conf(5). */
export function boxFiles({ network, name, time }: SetupAnswers): readonly BoxFile[] {
  return [
    ...(network === undefined
      ? []
      : [{ path: 'etc/systemd/network/10-twinlock.network', text: networkText(network) }]),
    ...(name === undefined ? [] : [{ path: 'etc/hostname', text: `${name}\n` }]),
    ...(time === undefined
      ? []
      : [
          {
            path: 'etc/chrony/sources.d/twinlock.sources',
            text: time.servers
              .map((server) => `server ${server} iburst${time.nts ? ' nts' : ''}\n`)
              .join(''),
          },
        ]),
  ];
}

function networkText(network: NonNullable<SetupAnswers['network']>): string {
  const match = ['[Match]', `Name=${network.interface}`, '', '[Network]'];
  if (network.method === 'dhcp') return [...match, 'DHCP=yes', ''].join('\n');
  const { address, gateway, name_servers: servers } = network;
  return [
    ...match,
    'DHCP=no',
    `Address=${address}`,
    `Gateway=${gateway}`,
    ...servers.map((server) => `DNS=${server}`),
    // A static IPv6 address is not to be joined by others that routers announce.
    ...(isIPv6(gateway) ? ['IPv6AcceptRA=no'] : []),
    '',
  ].join('\n');
}
