import { execFile } from 'node:child_process';
import { Resolver, getServers } from 'node:dns';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Facts } from '../console/facts.ts';
import type { NetworkTest } from '../console/surroundings.ts';
import { hostAndPort } from './configuration.ts';

/** Milliseconds that one try may take. */
const patience = 3_000;

/** What F5 tries, from the cable to the peer. A trial tries only what is its own. */
export function networkTests(
  facts: () => Facts | undefined,
  isAppliance: boolean,
): readonly NetworkTest[] {
  const machine: readonly NetworkTest[] = [
    { name: 'Cable', run: () => Promise.resolve(linkText()) },
    { name: 'Gateway', run: gatewayText },
    { name: 'Name servers', run: nameServersText },
  ];
  return [
    ...(isAppliance ? machine : []),
    { name: 'KMIP port', run: () => kmipText(facts()) },
    { name: 'Other node', run: () => Promise.resolve(peerText(facts())) },
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

function peerText(facts: Facts | undefined): string {
  const peers = facts?.peers?.peers ?? [];
  if (peers.length === 0) return 'there is none';
  const away = peers.filter(({ state }) => state === 'away').map(({ name }) => name);
  if (away.length === 0) return `${peers.map(({ name }) => name).join(', ')} answers`;
  throw new Error(`${away.join(', ')} is away: check it, its cable and port 5697 between the two`);
}
