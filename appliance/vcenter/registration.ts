import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { CryptoManager, KmipServer, Provider, ServerStatus } from './crypto-manager.ts';
import { VcenterError } from './error.ts';

export interface Registration {
  readonly provider: string;
  /** The nodes as vCenter is to reach them. */
  readonly nodes: readonly KmipServer[];
  /** The authority that both nodes have, PEM: what it did not sign is no node. */
  readonly authority: string;
  readonly makeDefault: boolean;
  /** Signs vCenter's request here, and lets the certificate in. Gives PEM. */
  readonly sign: (request: string) => Promise<string>;
  /** Told what is done next. */
  readonly say: (step: string) => void;
  readonly pause: () => Promise<void>;
  /** How often the status is asked for before somebody has to look. */
  readonly looks: number;
}

export interface Registered {
  readonly provider: string;
  readonly servers: readonly ServerStatus[];
  readonly isDefault: boolean;
}

/**
 * Makes the nodes one key provider of a vCenter: registers both, has vCenter trust the certificates
 * that they really have, signs its request, and waits until it finds both green. Cut short at any
 * step, it is repeated: what is there is left as it is. Throws VcenterError.
 */
export async function registerProvider(
  manager: CryptoManager,
  registration: Registration,
): Promise<Registered> {
  const { provider, nodes, say, sign } = registration;
  await registerServers(manager, registration);
  for (const node of nodes) {
    say(`vCenter looks at ${node.address}:${node.port}`);
    const certificate = await manager.serverCertificate(provider, node);
    refuseOther(node, certificate, registration.authority);
    await manager.trustServer(provider, certificate);
  }
  say('vCenter makes a key and asks for its certificate');
  const certificate = await sign(await manager.clientRequest(provider));
  await manager.giveClientCertificate(provider, certificate);
  if (registration.makeDefault) await manager.makeDefault(provider);
  say('vCenter connects to every node');
  return { ...(await green(manager, registration)), provider };
}

async function registerServers(
  manager: CryptoManager,
  { provider, nodes, say }: Registration,
): Promise<void> {
  const known = (await manager.providers()).find(({ id }) => id === provider)?.servers ?? [];
  for (const node of nodes) {
    const there = known.find(({ name }) => name === node.name);
    if (there?.address === node.address && there.port === node.port) continue;
    say(`${node.name} becomes a server of ${provider}`);
    if (there === undefined) await manager.register(provider, node);
    else await manager.update(provider, node);
  }
}

/** Whoever vCenter met at a node's address has to be a node, and one of that address. */
function refuseOther({ name, address, port }: KmipServer, pem: string, authority: string): void {
  let found: X509Certificate;
  try {
    found = new X509Certificate(pem);
  } catch (cause) {
    const hint = `is ${address}:${port} open from vCenter, and does twinlock status say SERVING?`;
    const message = `vCenter was shown no certificate by ${name}`;
    throw new VcenterError('vcenter-trust', message, hint, { cause });
  }
  const signer = new X509Certificate(authority);
  const isOurs = found.checkIssued(signer) && found.verify(signer.publicKey);
  const isThere =
    (isIP(address) === 0 ? found.checkHost(address) : found.checkIP(address)) !== undefined;
  if (isOurs && isThere) return;
  const shown = `at ${address}:${port} vCenter was shown ${found.fingerprint256}`;
  throw new VcenterError(
    'vcenter-trust',
    isOurs ? `${shown}, a node’s certificate without that address` : `${shown}, which no node has`,
    isOurs
      ? `add ${address} to the node's names in its configuration and start it again`
      : 'nothing of it is trusted; look for another machine with that address',
  );
}

async function green(
  manager: CryptoManager,
  { provider, looks, pause, nodes }: Registration,
): Promise<Omit<Registered, 'provider'>> {
  for (let look = 1; ; look++) {
    const found = (await manager.providers()).find(({ id }) => id === provider);
    const listed: Provider = found ?? { id: provider, servers: nodes, isDefault: false };
    const servers = await manager.status(listed, pause);
    const isGreen = servers.length > 0 && servers.every(({ status }) => status === 'green');
    if (isGreen) return { servers, isDefault: listed.isDefault };
    if (look === looks) {
      const said = servers.map(({ name, status, connection }) => `${name} ${status} ${connection}`);
      const message = `vCenter does not find every node green: ${said.join('; ') || 'no answer'}`;
      const hint = 'it is registered; is port 5696 open from vCenter to both nodes?';
      throw new VcenterError('vcenter-not-green', message, hint);
    }
    await pause();
  }
}
