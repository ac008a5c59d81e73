import { createPrivateKey, createPublicKey } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { AdminError } from '../admin/error.ts';
import type { KeeperClient } from '../keeper-client/client.ts';
import { replaceFile } from '../disk/durable-file.ts';
import { SealedFiles } from '../keystore/sealed-file.ts';
import type { Heads } from '../keystore/record-log.ts';
import type { Anchor } from '../keystore/membership.ts';
import type { SqliteKeystore } from '../keystore/store.ts';
import { makeAuthorityCertificate, makePrivateKey } from '../pki/authority.ts';
import { ErrandError } from '../replication/errand.ts';
import { pinOf } from '../replication/peer-tls.ts';
import { callNode } from '../replication/errand-line.ts';
import { PairingGuest } from '../replication/pairing-guest.ts';
import type { Joining, PairingView } from '../replication/pairing-host.ts';
import type { PublicRoot } from '../keeper-client/pairing.ts';
import { now } from './clock.ts';
import { hostAndPort } from './configuration.ts';
import type { Configuration } from './configuration.ts';
import type { Log } from './log.ts';
import { recordKey } from './node-secret.ts';
import { nodeIdentity } from './node-identity.ts';
import { realSurroundings } from './replication.ts';
import type { Replication } from './replication.ts';
import { endpointText, isEverywhere, ownAddresses } from './own-address.ts';

const joinedFile = 'joined.json';
const lookMilliseconds = 100;

/** The node that this one joined, and who else was a member then. */
export interface Joined extends Joining {
  readonly members?: readonly Anchor[];
}

/** Undefined where it joined none, or has not come so far. */
export function joinedNode(folder: string): Joined | undefined {
  const path = join(folder, joinedFile);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Joined) : undefined;
}

/** "host:port" under which other nodes reach this one; `port` where 0 was asked for. */
export function peerAddresses({ replication }: Configuration, port?: number): string[] {
  const { listen, addresses } = replication;
  if (addresses.length > 0) return addresses;
  if (listen === undefined) return [];
  const { host, port: asked } = hostAndPort(listen);
  const hosts = isEverywhere(host) ? ownAddresses() : [host];
  return hosts.map((each) => endpointText(each, port ?? asked));
}

export function nodeName({ replication }: Configuration): string {
  return replication.name ?? hostname();
}

/** How a new node joins: what it does while there is no keystore yet. */
export class JoiningNode {
  readonly #guest: PairingGuest;
  readonly #folder: string;
  readonly #keeper: KeeperClient;
  #self: { key: string; certificate: string; der: Buffer } | undefined;

  constructor(parts: {
    readonly configuration: Configuration;
    readonly folder: string;
    readonly keeper: KeeperClient;
    readonly random: (bytes: number) => Buffer;
    readonly log: Log;
  }) {
    const { configuration, folder, keeper, random, log } = parts;
    this.#folder = folder;
    this.#keeper = keeper;
    const surroundings = realSurroundings(random, log);
    this.#guest = new PairingGuest({
      keeper,
      surroundings,
      self: () => {
        this.#self = makeSelf(random);
        return {
          node: nodeIdentity(folder, random),
          name: nodeName(configuration),
          transportKey: pinOf(this.#self.certificate),
        };
      },
      connect: (address) => {
        if (this.#self === undefined) throw new ErrandError('ended', 'nothing was begun');
        return callNode(address, this.#self, surroundings);
      },
      facts: async (cluster) => {
        const files = new SealedFiles(join(folder, 'sealed'), keeper, cluster);
        const der = Buffer.from(this.#self?.der ?? []);
        (await files.openOrMake('transport-key', () => der)).fill(0);
        const key = createPublicKey(await recordKey(files));
        const spki = key.export({ format: 'der', type: 'spki' }).toString('base64');
        return { addresses: peerAddresses(configuration), recordKey: spki };
      },
      keep: (host, _cluster, dowry) => {
        const sealed = Buffer.from(dowry.authorityKey, 'base64');
        replaceFile(join(folder, 'sealed', 'authority-key.sealed'), sealed);
        replaceFile(join(folder, 'authority.pem'), Buffer.from(dowry.authority));
        // Written last: with it the node is a member.
        const joined: Joined = { ...host, members: dowry.members };
        replaceFile(join(folder, joinedFile), Buffer.from(JSON.stringify(joined)));
        return Promise.resolve();
      },
    });
  }

  view(): PairingView {
    const view = this.#guest.view();
    // The server was started again since: what it wrote down says how far it had come.
    const joined = view.state === 'none' ? joinedNode(this.#folder) : undefined;
    if (joined === undefined) return view;
    return { state: 'joined', peer: { node: joined.node, name: joined.name } };
  }

  /** Throws AdminError `refused` where this node is not new, and what the pairing refuses. */
  async join({
    address,
    code,
    root,
  }: {
    readonly address: string;
    readonly code: string;
    readonly root: PublicRoot;
  }): Promise<void> {
    const { state } = await this.#keeper.status();
    if (state !== 'new' || existsSync(join(this.#folder, 'keystore.db'))) {
      const hint = 'only a new node joins; see twinlock status';
      throw new AdminError('refused', 'this node has keys already', hint);
    }
    // What an attempt before left: nothing was ever stored under it. The node begins as another.
    const sealed = join(this.#folder, 'sealed');
    for (const name of readdirSync(sealed)) rmSync(join(sealed, name));
    for (const name of ['node', 'authority.pem', 'server.pem', joinedFile]) {
      rmSync(join(this.#folder, name), { force: true });
    }
    await this.#guest.join(address, code, root);
  }
}

function makeSelf(random: (bytes: number) => Buffer): {
  key: string;
  certificate: string;
  der: Buffer;
} {
  const der = makePrivateKey('p256');
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const certificate = makeAuthorityCertificate(key, 'Twinlock node', { now, random });
  return { key: key.export({ format: 'pem', type: 'pkcs8' }).toString(), certificate, der };
}

/** For so long two nodes try to find the same moment at which they compare their states. */
const comparisonMilliseconds = 5_000;

/**
 * Resolves once everything of the cluster is here: all that the other node had at the beginning,
 * the same folded state as there, and every secret opened. Only then the node serves, for a client
 * takes "no such key" from one node for the word of both, and is a member like any other. At once
 * for one that is. Where clients change something all the time the states may not be compared:
 * then nothing is to be found that differs.
 */
export async function caughtUp(parts: {
  readonly keystore: SqliteKeystore;
  readonly keeper: KeeperClient;
  readonly replication: Replication;
  readonly joined: Joining;
  readonly log: Log;
}): Promise<void> {
  const { keystore, keeper, replication, joined, log } = parts;
  const { pair } = await keeper.status();
  if (pair?.joining !== true) return;
  log('info', 'joined; taking the records of the cluster', { from: joined.name });
  let wanted: Heads | undefined;
  let since: number | undefined;
  for (;;) {
    const peer = replication.view().peers.find(({ node }) => node === joined.node);
    if (peer !== undefined && peer.state !== 'away') wanted ??= { ...peer.heads };
    const own = keystore.replica.heads();
    const now = replication.surroundings.elapsed();
    if (wanted !== undefined && holds(own, wanted)) since ??= now;
    const tried = since !== undefined && now - since > comparisonMilliseconds;
    const isSame = peer?.equal === true || (tried && peer?.equal === undefined);
    if (since !== undefined && isSame && keystore.replica.lacking(1).length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, lookMilliseconds));
  }
  await keeper.joined();
  replication.linkAll();
  log('info', 'JOINED: this node has everything, and every secret was opened here', {});
}

function holds(own: Heads, wanted: Heads): boolean {
  return Object.entries(wanted).every(([epoch, [seq]]) => (own[epoch]?.[0] ?? 0) >= seq);
}
