import { execFile } from 'node:child_process';
import { Resolver, getServers } from 'node:dns';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Facts } from '../console/facts.ts';
import type { NetworkTest } from '../console/surroundings.ts';
import type { BoxChecks } from '../setup/box.ts';
import { SetupError } from '../setup/error.ts';
import { LinuxBox } from '../setup/linux-box.ts';
import { hostAndPort } from './configuration.ts';

/** Milliseconds that one try may take. */
const patience = 3_000;
/** Where the set-up names time servers, and by how many seconds a clock may differ from theirs. */
const timeSources = '/etc/chrony/sources.d/twinlock.sources';
const largestOffset = 1;

/** What F5 tries, from the cable to the peer. A trial tries only what is its own. */
export function networkTests(
  facts: () => Facts | undefined,
  isAppliance: boolean,
): readonly NetworkTest[] {
  const { checks } = new LinuxBox('/');
  const machine: readonly NetworkTest[] = [
    { name: 'Cable', run: () => Promise.resolve(linkText()) },
    { name: 'Addresses', run: () => addressesText(checks) },
    { name: 'Gateway', run: gatewayText },
    { name: 'Name servers', run: nameServersText },
    { name: 'Time servers', run: () => timeServersText(checks) },
  ];
  return [
    ...(isAppliance ? machine : []),
    { name: 'KMIP port', run: () => kmipText(facts()) },
    { name: 'Other node', run: () => peerText(facts()) },
  ];
}

function linkText(): string {
  const folder = '/sys/class/net';
  const up = readdirSync(folder)
    .filter((name) => name !== 'lo')
    .filter((name) => carrierOf(`${folder}/${name}/carrier`) === '1');
  if (up.length > 0) return `${up.join(', ')} has a link`;
  throw new Error('no interface has a link: check the cable and the switch');
}

/** Reading it fails while the interface is down. */
function carrierOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

/** Whether another machine has one of this box's addresses: ARP is of IPv4 (RFC 5227). */
async function addressesText(checks: BoxChecks): Promise<string> {
  const own = Object.entries(networkInterfaces()).flatMap(([name, found]) =>
    (found ?? [])
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
      .map(({ address }) => ({ name, address })),
  );
  if (own.length === 0) throw new Error('this box has no IPv4 address yet: F2, network');
  for (const { name, address } of own) {
    try {
      await checks.addressFree(name, address);
    } catch (error) {
      if (!(error instanceof SetupError) || error.code !== 'network') throw error;
      const text = `${address} is another machine’s too: give one of the two another address`;
      throw new Error(text, { cause: error });
    }
  }
  return `${own.map(({ address }) => address).join(', ')}: no other machine has it`;
}

/** The default route of IPv4, as the kernel lists it: hexadecimal, lowest byte first. */
export function gatewayOf(routes: string): string | undefined {
  const line = routes.split('\n').find((each) => each.split('\t')[1] === '00000000');
  const hex = line?.split('\t')[2];
  return hex === undefined ? undefined : [...Buffer.from(hex, 'hex')].reverse().join('.');
}

async function gatewayText(): Promise<string> {
  const gateway = gatewayOf(readFileSync('/proc/net/route', 'utf8'));
  if (gateway === undefined) throw new Error('there is no default gateway: F2, network');
  const isThere = await new Promise<boolean>((resolve) => {
    execFile('ping', ['-c', '1', '-W', '2', gateway], { timeout: patience }, (error) => {
      resolve(error === null);
    });
  });
  if (isThere) return `${gateway} answers`;
  throw new Error(`${gateway} does not answer a ping: it may not want to, or it is the wrong one`);
}

async function nameServersText(): Promise<string> {
  const servers = getServers();
  const resolver = new Resolver({ timeout: patience, tries: 1 });
  const code = await new Promise<string>((resolve) => {
    resolver.resolveSoa('.', (error) => {
      resolve(error?.code ?? '');
    });
  });
  if (code === '' || code === 'ENOTFOUND' || code === 'ENODATA') return servers.join(', ');
  throw new Error(`${servers.join(', ')}: no answer (${code}); names will not be found`);
}

async function kmipText(facts: Facts | undefined): Promise<string> {
  const endpoint = facts?.status?.endpoint;
  if (endpoint === undefined) throw new Error('no KMIP is served: see the state');
  const { host, port } = hostAndPort(endpoint);
  const target = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host: target, port, timeout: patience });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    const fail = (): void => {
      socket.destroy();
      reject(new Error(`${endpoint} takes no connection: F8 shows the server’s log`));
    };
    socket.once('timeout', fail);
    socket.once('error', fail);
  });
  return `${endpoint} takes connections`;
}

/** How far this clock is from those that the set-up named. */
async function timeServersText(checks: BoxChecks): Promise<string> {
  const text = existsSync(timeSources) ? readFileSync(timeSources, 'utf8') : '';
  const servers = [...text.matchAll(/^server (\S+)/gm)].map(([, server = '']) => server);
  if (servers.length === 0) return 'the set-up named none';
  const now = (): number => (performance.timeOrigin + performance.now()) / 1000;
  const looks = servers.map(async (server) => {
    const offset = await checks.timeServer(server, now);
    return { server, offset };
  });
  const found = (await Promise.allSettled(looks)).flatMap((look) =>
    look.status === 'fulfilled' ? [look.value] : [],
  );
  if (found.length === 0) {
    throw new Error(`${servers.join(', ')}: no answer; check the name, a firewall, UDP port 123`);
  }
  const said = found.map(({ server, offset }) => `${server}: off by ${offset.toFixed(1)} s`);
  if (found.every(({ offset }) => Math.abs(offset) <= largestOffset)) return said.join(', ');
  throw new Error(`${said.join(', ')}: this clock is wrong, or that one is; set the time`);
}

async function peerText(facts: Facts | undefined): Promise<string> {
  const peers = facts?.peers?.peers ?? [];
  if (peers.length === 0) return 'there is none';
  for (const { name, state, addresses = [] } of peers) {
    if (state !== 'away') continue;
    const found = await Promise.all(addresses.map(reached));
    const why = found.length === 0 ? 'check it, its cable and port 5697 between the two' : found[0];
    throw new Error(`${name} is away: ${why ?? ''}`);
  }
  return `${peers.map(({ name }) => name).join(', ')} answers`;
}

/** What a connection to a node's port comes to, and what to do then. */
function reached(address: string): Promise<string> {
  const { host, port } = hostAndPort(address);
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (text: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(`${address} ${text}`);
    };
    const silent = 'does not answer; check that box, the cables and a firewall in between';
    const timer = setTimeout(() => {
      end(silent);
    }, patience);
    socket.once('connect', () => {
      end('takes connections; look at that box’s own screen, and F8 here');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      end(error.code === 'ECONNREFUSED' ? 'refuses; its server does not run: F8 there' : silent);
    });
  });
}
