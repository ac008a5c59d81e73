import type { StatusView } from '../admin/schema.ts';
import type { KeeperClient } from '../keeper-client/client.ts';
import type { KeeperStatus } from '../keeper-client/keeper.ts';
import type { Client } from '../keystore/client.ts';
import type { SqliteKeystore } from '../keystore/store.ts';
import { readCertificate, shownFingerprints } from '../pki/fingerprint.ts';
import type { ClientPorts } from '../server/port.ts';
import type { AuditKeeping } from './audit-keeping.ts';
import { purgeWarnings, replicationAlarms } from '../replication/alarm.ts';
import type { ReplicationView } from '../replication/alarm.ts';
import type { Replication } from './replication.ts';
import type { NodeBackups } from './backup.ts';
import type { Rotation } from './rotation.ts';
import { earliestPlausible } from './clock.ts';
import { expiryTexts } from './expiry.ts';
import type { ExpiryWatch } from './expiry.ts';
import { version } from './version.ts';

/** A root key that has not proved itself for this long is said to be unproven; in seconds. */
const proofSeconds = 150;
const day = 86_400;
/** So long nobody has to try the recovery set again. */
const reminderDays = 90;
/** So long a scheduled rotation may wait for peers, or for one that goes on. */
const overdue = 7 * day;

const alone = 'this node is alone: every key has a single copy until there is a peer';

/** What `twinlock status` shows; a warning says what is wrong and what to do. */
export async function statusOf(parts: {
  readonly keystore: SqliteKeystore;
  readonly keeper: KeeperClient;
  readonly rotation: Rotation;
  readonly audit: AuditKeeping;
  readonly replication: Replication;
  readonly backups: NodeBackups;
  readonly listener: ClientPorts;
  readonly serverCertificate: { readonly current: string };
  readonly expiry: ExpiryWatch;
  readonly endpoint: string;
  readonly node: string;
  readonly cluster: string;
  readonly now: () => number;
}): Promise<StatusView> {
  const { keystore, keeper, rotation, listener, audit } = parts;
  const { current: certificate } = parts.serverCertificate;
  const { endpoint, node, cluster, now } = parts;
  const found = await keeper.status().catch((): KeeperStatus | undefined => undefined);
  const { objects, records } = keystore.count();
  const view = parts.replication.view();
  const clients = keystore.clients();
  const ending = expiryTexts(parts.expiry.look(certificate, clients, now()));
  const alarms = [
    ...rootKeyAlarms(found, now()),
    ...recoveryAlarms(found),
    ...rotation.alarms(),
    ...slotAlarms(found, now()),
    ...replicationAlarms(view),
    ...pairAlarms(found, parts.replication.cutOff.stands),
    ...storeAlarms(keystore.failure),
    ...clockAlarms(certificate, now()),
    ...ending.alarms,
    ...auditAlarms(audit),
    ...parts.backups.alarms(found?.generation),
  ];
  return {
    state: isSealed(found) ? 'SEALED' : alarms.length === 0 ? 'SERVING' : 'DEGRADED',
    version,
    node,
    cluster,
    endpoint,
    fingerprints: shownFingerprints(readCertificate(certificate)),
    certificateDays: daysLeft(certificate, now()),
    rootKey: rootKeyOf(found, now()),
    wrappingKey: {
      ...(found?.generation === undefined ? {} : { generation: found.generation }),
      ...(found?.pending === undefined ? {} : { pending: found.pending }),
      ...(found?.older === undefined ? {} : { left: rotation.left ?? objects }),
    },
    recovery: found?.recovery ?? null,
    keys: objects,
    records,
    clients: clients.filter(({ state }) => state === 'allowed').length,
    connections: listener.connections,
    singleCopies: view.copies.single.count,
    scrub: scrubOf(view),
    backup: parts.backups.view(),
    warnings: [
      ...alarms,
      ...(view.copies.paired ? [] : [alone]),
      ...ending.warnings,
      ...recoveryReminders(found, now()),
      ...waitingWarnings(clients),
      ...purgeWarnings(view.purge),
    ],
  };
}

function waitingWarnings(clients: readonly Client[]): string[] {
  const count = new Set(
    clients.filter(({ state }) => state === 'pending').map(({ fingerprint }) => fingerprint),
  ).size;
  return count === 0 ? [] : [`${count} certificates wait for a person: twinlock client list`];
}

function scrubOf({ scrub, lacking }: ReplicationView): NonNullable<StatusView['scrub']> {
  const { finished, found, unsound } = scrub;
  return { ...(finished === undefined ? {} : { finished }), found, damaged: unsound + lacking };
}

/** What `twinlock status` shows before a wrapping key is open. */
export async function beginningStatusOf(parts: {
  readonly keeper: KeeperClient;
  readonly node: string;
  readonly now: () => number;
}): Promise<StatusView> {
  const { keeper, node, now } = parts;
  const found = await keeper.status().catch((): KeeperStatus | undefined => undefined);
  const isNew = found?.state === 'new';
  if (found?.state === 'shredded') return shreddedStatusOf(node, found);
  const warning = isNew
    ? 'this node has no keys yet: set it up, or let it join its peer'
    : found?.pair?.joining === true
      ? joiningText(found)
      : found?.state === 'open'
        ? 'the wrapping key is open; the keystore is being opened'
        : found?.slotsDamaged === true
          ? 'no copy of the key slots can be trusted: twinlock restore BACKUP SHARE...'
          : 'no wrapping key is open, no key is served';
  return {
    state: isNew ? 'NOT CONFIGURED' : 'SEALED',
    version,
    node,
    rootKey: rootKeyOf(found, now()),
    wrappingKey: {},
    recovery: found?.recovery ?? null,
    keys: 0,
    records: 0,
    clients: 0,
    connections: 0,
    warnings: [warning, ...(isNew ? [] : rootKeyAlarms(found, now()))],
  };
}

function shreddedStatusOf(node: string, { shredded, token }: KeeperStatus): StatusView {
  const left = shredded?.left ?? 0;
  return {
    ...{ state: 'SHREDDED', version, node, rootKey: { state: token.state }, wrappingKey: {} },
    ...{ recovery: null, keys: 0, records: 0, clients: 0, connections: 0 },
    warnings: [
      'every key here was destroyed by order; what is left to do: twinlock holders',
      ...(left === 0 ? [] : [`${left} root keys are still in tokens: bring those back`]),
    ],
  };
}

function joiningText({ pair }: KeeperStatus): string {
  const from = (pair?.peers ?? []).map(({ name }) => name).join(', ');
  return `joining ${from}, no key is served yet; to begin anew: twinlock peer join`;
}

function pairAlarms(found: KeeperStatus | undefined, cutOff: boolean): string[] {
  if (cutOff) return ['this node was removed from its cluster, it makes no key: set it up anew'];
  const { pending, pair } = found ?? {};
  const missing = (pair?.peers ?? []).filter(({ proven }) => !proven).map(({ name }) => name);
  return [
    ...(pair?.owed === true
      ? ['a removed node still has the wrapping key: twinlock wrapping-key rotate']
      : []),
    ...(pending === undefined
      ? []
      : [`a new wrapping key waits for ${pending.waitsFor.join(', ')} to open it: bring it back`]),
    ...missing.map((name) => `${name} has not opened its keys: end its pairing, or remove it`),
  ];
}

function rootKeyOf(found: KeeperStatus | undefined, now: number): StatusView['rootKey'] {
  const proven = found?.rootKeyProven;
  const { name, label: token, vendor, mechanism } = found?.token ?? {};
  return {
    state: found?.token.state ?? 'keeper away',
    ...(name === undefined ? {} : { name }),
    ...(token === undefined ? {} : { token }),
    ...(vendor === undefined ? {} : { vendor }),
    ...(mechanism === undefined ? {} : { mechanism }),
    ...(proven === undefined ? {} : { provenSeconds: now - proven }),
  };
}

/** By a person's order, or by itself: no key is served until somebody acts. */
function isSealed(found: KeeperStatus | undefined): boolean {
  return found?.byOrder === true || (found?.byRemoval === true && found.state === 'sealed');
}

/** A disk that damaged a file may damage the next one: it is said for a day. */
function slotAlarms(found: KeeperStatus | undefined, now: number): string[] {
  const { mended, schedule = {} } = found ?? {};
  const names = { rootKey: 'root key', wrappingKey: 'wrapping key' } as const;
  return [
    ...(mended === undefined || now - mended > day
      ? []
      : ['a copy of the slot table was damaged and was mended: look at the disk']),
    ...(['rootKey', 'wrappingKey'] as const).flatMap((kind) => {
      const { due = Infinity, failed } = schedule[kind] ?? {};
      const command = kind === 'rootKey' ? 'root rotate' : 'wrapping-key rotate';
      if (failed !== undefined) {
        return [`the scheduled rotation of the ${names[kind]} failed (${failed}): ${command}`];
      }
      return now - due > overdue
        ? [`the rotation of the ${names[kind]} is overdue: twinlock ${command}`]
        : [];
    }),
  ];
}

function recoveryAlarms(found: KeeperStatus | undefined): string[] {
  if (found === undefined) return [];
  const { recovery } = found;
  if (recovery === undefined) {
    return ['no key is made before there is a recovery set: twinlock recovery create'];
  }
  const unproven = recovery.members.filter(({ proven }) => proven === null);
  if (unproven.length === 0) return [];
  return recovery.proven
    ? ['a recovery set counts once it is proven: twinlock recovery prove']
    : ['no key is made before the recovery set is proven: twinlock recovery prove'];
}

/** Paper fades and people leave: who does not try a recovery set does not have one. */
function recoveryReminders(found: KeeperStatus | undefined, now: number): string[] {
  const proofs = (found?.recovery?.members ?? []).flatMap(({ proven }) => proven ?? []);
  if (proofs.length === 0) return [];
  const days = Math.floor((now - Math.max(...proofs)) / day);
  return days < reminderDays
    ? []
    : [`nobody has recovered for ${days} days, to try: twinlock recovery prove`];
}

/** The server's certificate is valid for ten years: more likely than its end is a wild clock. */
function clockAlarms(certificate: string, now: number): string[] {
  if (now < earliestPlausible) return ['the clock was never set: set the time'];
  const end = Date.parse(readCertificate(certificate).validTo) / 1000;
  return now > end ? ['the clock is past the end of the server’s certificate: set the time'] : [];
}

function daysLeft(certificate: string, now: number): number {
  const end = Date.parse(readCertificate(certificate).validTo) / 1000;
  return Math.max(0, Math.floor((end - now) / 86_400));
}

function rootKeyAlarms(found: KeeperStatus | undefined, now: number): string[] {
  if (found === undefined) return ['the keeper does not answer: see its log'];
  if (found.byOrder === true) return ['sealed by order, no key is served: twinlock unseal'];
  if (isSealed(found)) return ['the token was pulled, no key is served: put it back in'];
  const { token, rootKeyProven: proven } = found;
  if (token.state === 'pin-wrong') {
    return ['the token refused the PIN, it is not tried again: twinlock token unlock'];
  }
  if (token.state === 'locked') return ['the token is locked: unlock it before the next start'];
  if (token.state !== 'ready' || proven === undefined || now - proven > proofSeconds) {
    const state = token.state === 'ready' ? 'has not proved itself' : `is ${token.state}`;
    return [`the root key ${state}, keys are served till a restart: twinlock token list`];
  }
  return [];
}

/** Entries wait in the audit while a receiver is away; they would be late, not lost. */
function auditAlarms(audit: AuditKeeping): string[] {
  return audit
    .receivers()
    .filter(({ connected }) => !connected)
    .map(({ target, behind, failure }) => {
      const why = failure === undefined ? '' : ` (${failure})`;
      return `the syslog server ${target} is away${why}: ${behind} audit entries wait for it`;
    });
}

function storeAlarms(failure: SqliteKeystore['failure']): string[] {
  if (failure === undefined) return [];
  const toDo = failure.code === 'disk-full' ? 'free space on the disk' : 'replace the disk';
  return [`nothing can be stored, keys are served: ${toDo}`];
}
