import { createPrivateKey, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { KeeperClient } from '../keeper-client/client.ts';
import type { SealedFiles } from '../keystore/sealed-file.ts';
import type { Member } from '../keystore/membership.ts';
import { databaseHolder } from '../keystore/receipt.ts';
import type { Replica } from '../keystore/replica.ts';
import type { SqliteKeystore } from '../keystore/store.ts';
import { makeAuthorityCertificate, makePrivateKey } from '../pki/authority.ts';
import { Ability } from '../replication/ability.ts';
import type { ReplicationView } from '../replication/alarm.ts';
import { CopyPromise } from '../replication/copy-promise.ts';
import { headDigestFeature } from '../replication/greeting.ts';
import { HeadMemory } from '../replication/head-memory.ts';
import { History } from '../replication/history.ts';
import type { Errand } from '../replication/errand.ts';
import { purgeFeature, Purging } from '../replication/purge.ts';
import type { RecordCarrier } from '../replication/carrier.ts';
import { FleetCarrier } from '../replication/fleet-carrier.ts';
import { PairCarrier } from '../replication/pair-carrier.ts';
import type { PairCarrierParts } from '../replication/pair-carrier.ts';
import type { Joining } from '../replication/pairing-host.ts';
import { Scrubbing } from '../replication/scrubbing.ts';
import type { Surroundings } from '../replication/surroundings.ts';
import { pinOf } from '../replication/peer-tls.ts';
import { TlsTransport } from '../replication/tls-transport.ts';
import { now } from './clock.ts';
import { CutOff } from './cut-off.ts';
import { hostAndPort } from './configuration.ts';
import type { Configuration } from './configuration.ts';
import { connectorOf } from './fleet.ts';
import { openJournal } from './journal.ts';
import type { Log } from './log.ts';

const relistenMilliseconds = 5_000;

/** What this version can do beyond the first one; a switch goes on once every member can. */
export const features: readonly string[] = [purgeFeature, headDigestFeature];

const conflictsShown = 100;
const lackingShown = 1_000;

/** The link to other nodes, as the rest of the server sees it. */
export interface Replication {
  /** SHA-256 of this node's transport key, which other nodes pin. */
  readonly pin: string;
  /** Where other nodes reach this one; absent without an address, or while it cannot be opened. */
  readonly address: AddressInfo | undefined;
  /** The transport key and a certificate of it, PEM. */
  readonly self: { readonly key: string; readonly certificate: string };
  readonly surroundings: Surroundings;
  /** Says who serves what is neither record nor acknowledgement. */
  errands(serve: (errand: Errand) => void): void;
  readonly cutOff: CutOff;
  view(): ReplicationView;
  /** Links this node to every member, where it was linked only to the one that it joins. */
  linkAll(): void;
  /** Goes on without records that a put-back database lacks; false where none are missing. */
  acceptLoss(): Promise<boolean>;
  stop(): Promise<void>;
}

export async function startReplication(parts: {
  readonly keystore: SqliteKeystore;
  readonly keeper: KeeperClient;
  readonly files: SealedFiles;
  readonly configuration: Configuration;
  readonly random: (bytes: number) => Buffer;
  readonly log: Log;
  /** The node that this one joined, until its own records say who it is. */
  readonly joined?: Joining | undefined;
}): Promise<Replication> {
  const { keystore, keeper, files, configuration, random, log, joined } = parts;
  const surroundings = realSurroundings(random, log);
  const key = await transportKey(files);
  const certificate = makeAuthorityCertificate(key, 'Twinlock node', { now, random });
  const { replica } = keystore;
  const self = { key: key.export({ format: 'pem', type: 'pkcs8' }).toString(), certificate };
  const transport = transportOf({ self, replica, joined, surroundings, configuration });
  let address: AddressInfo | undefined;
  await listening(transport, surroundings, (opened) => (address = opened));
  const cutOff = new CutOff(replica, log);
  const ability = new Ability(() => keeper.status(), surroundings);
  const history = new History(replica, surroundings);
  const able = (): boolean => ability.able && keystore.failure === undefined;
  const carrier = carrierOf(parts, { replica, transport, surroundings, history, able });
  const pair = carrier instanceof PairCarrier ? carrier : undefined;
  if ((await keeper.status()).pair?.joining === true) pair?.linkOnly(joined?.node);
  const memory = await headMemory({ keystore, keeper, configuration }, history, surroundings);
  const journal = openJournal({ keystore, keeper, configuration, surroundings });
  const second = journal === undefined ? {} : { journal };
  const linked = { replica, carrier, history, surroundings, cutOff: () => cutOff.stands };
  const promise = new CopyPromise({ ...linked, ...second });
  keystore.guard = promise;
  const looking = lookersOf(linked, keystore.retentionFloor);
  carrier.start();
  return {
    pin: pinOf(certificate),
    get address() {
      return address;
    },
    self,
    surroundings,
    errands: (serve) => {
      transport.errands(serve);
    },
    cutOff,
    view: () => ({ ...historyView(replica, history), ...promised(promise, carrier, looking[0]) }),
    linkAll: () => {
      pair?.linkOnly(undefined);
    },
    acceptLoss: () => history.accept(),
    stop: async () => {
      memory.stop();
      ability.stop();
      promise.stop();
      for (const each of looking) each.stop();
      await carrier.stop();
      await transport.close();
      await journal?.stop();
    },
  };
}

/** What carries the records: the two nodes' own link, or the database of a fleet. */
function carrierOf(
  parts: Pick<Parameters<typeof startReplication>[0], 'keystore' | 'keeper' | 'configuration'>,
  linked: Pick<PairCarrierParts, 'replica' | 'transport' | 'surroundings' | 'history' | 'able'>,
): RecordCarrier {
  const { keystore, keeper, configuration } = parts;
  const { carrier, postgresql } = configuration.replication;
  const onRecords: PairCarrierParts['onRecords'] = (listener) => keystore.onRecords(listener);
  if (carrier === 'postgresql' && postgresql !== undefined) {
    return new FleetCarrier({ ...linked, keeper, onRecords, connect: connectorOf(postgresql) });
  }
  // What a database once took is no copy any more that anybody answers for.
  keystore.replica.receipts.replace(databaseHolder, {});
  return new PairCarrier({ ...linked, onRecords, features });
}

function historyView(replica: Replica, { wound, missing }: History) {
  return {
    ...{ wound, missing },
    conflicts: replica.conflicts(conflictsShown),
    lacking: replica.lacking(lackingShown).length,
    scrub: replica.scrub.view,
  };
}

function promised(promise: CopyPromise, carrier: RecordCarrier, purging: Purging) {
  const said = { peers: carrier.peers(), carrier: carrier.alarms() };
  return { copies: promise.view(), ...said, purge: purging.view() };
}

/** What looks at the keystore now and then, whoever asks for anything. */
function lookersOf(
  linked: Omit<ConstructorParameters<typeof Purging>[0], 'floor'>,
  floor: number,
): readonly [Purging, Scrubbing] {
  return [new Purging({ ...linked, floor }), new Scrubbing(linked)];
}

/** Beside the database, so that whoever puts an old one back is noticed. */
async function headMemory(
  {
    keystore,
    keeper,
    configuration,
  }: Pick<Parameters<typeof startReplication>[0], 'keystore' | 'keeper' | 'configuration'>,
  history: History,
  surroundings: Surroundings,
): Promise<HeadMemory> {
  return new HeadMemory({
    path: join(configuration.state, 'server', 'heads.json'),
    key: createSecretKey(await keeper.derive('head memory')),
    replica: keystore.replica,
    onRecords: (listener) => keystore.onRecords(listener),
    ...{ history, surroundings },
  });
}

/** The peer's port; where it cannot be opened yet, keys are served and it is tried again. */
async function listening(
  transport: TlsTransport,
  surroundings: Surroundings,
  opened: (address: AddressInfo | undefined) => void,
): Promise<void> {
  try {
    opened(await transport.listen());
  } catch (error) {
    const text = error instanceof Error ? error.message : 'unknown';
    const hint = 'is the address of replication.listen this machine’s, and its port free?';
    surroundings.log('error', 'the port for the other node cannot be opened', {
      error: text,
      hint,
    });
    surroundings.after(relistenMilliseconds, () => void listening(transport, surroundings, opened));
  }
}

function transportOf(parts: {
  readonly self: Replication['self'];
  readonly replica: Replica;
  readonly joined: Joining | undefined;
  readonly surroundings: Surroundings;
  readonly configuration: Configuration;
}): TlsTransport {
  const { self, replica, joined, surroundings, configuration } = parts;
  const { listen } = configuration.replication;
  return new TlsTransport({
    ...self,
    members: () => replica.members().map((member) => known(member, joined)),
    surroundings,
    ...(listen === undefined ? {} : { listen: hostAndPort(listen) }),
  });
}

async function transportKey(files: SealedFiles): Promise<KeyObject> {
  const der = await files.openOrMake('transport-key', () => makePrivateKey('p256'));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return key;
}

/** Its own records say it better, once they are here. */
function known(member: Member, joined: Joining | undefined): Member {
  if (joined?.node !== member.node || member.transportKey !== '') return member;
  const { name, addresses, transportKey: pin } = joined;
  return { ...member, name, addresses, transportKey: pin };
}

export function realSurroundings(random: (bytes: number) => Buffer, log: Log): Surroundings {
  return {
    elapsed: () => performance.now(),
    now,
    random,
    log,
    after: (milliseconds, act) => {
      const timer = setTimeout(act, milliseconds);
      return () => {
        clearTimeout(timer);
      };
    },
  };
}
