import type { KeyObject } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Appliance } from '../admin/appliance.ts';
import type { StatusView } from '../admin/schema.ts';
import { Backups, sizeOf } from '../backup/backups.ts';
import type { BackupMemory } from '../backup/memory.ts';
import { replaceFile } from '../disk/durable-file.ts';
import type { Verified } from '../backup/verify.ts';
import { clusterName } from '../keeper/fingerprint-words.ts';
import type { Keeper } from '../keeper-client/keeper.ts';
import type { SqliteKeystore } from '../keystore/store.ts';
import type { Configuration } from './configuration.ts';
import type { Log } from './log.ts';
import { version } from './version.ts';

export interface NodeBackupParts {
  readonly configuration: Configuration;
  /** The server's folder. */
  readonly folder: string;
  readonly keystore: SqliteKeystore;
  readonly keeper: Keeper;
  readonly cluster: string;
  readonly node: string;
  readonly recordKey: KeyObject;
  readonly commitmentKey: KeyObject;
  readonly random: (bytes: number) => Buffer;
  readonly now: () => number;
  readonly log: Log;
}

/**
 * What a node on other hardware needs besides keys to be to vCenter what this one was: the server's
 * certificate, which vCenter pins, and the authority that signed the clients'. The record key and
 * the page key stay: a restored node is another node.
 */
const identityFiles = [
  'sealed/authority-key.sealed',
  'authority.pem',
  'sealed/server-key.sealed',
  'server.pem',
];
const stagedIdentity = 'restored-identity.json';

const scheduleMilliseconds = 60_000;
const hour = 3_600;
/** Without a schedule somebody has to think of it: once a week and a day. */
const unscheduledAlarmHours = 192;

/** The backups of this node, by the configuration's schedule and for the admin API. */
export class NodeBackups {
  readonly #parts: NodeBackupParts;
  readonly #backups: Backups;
  readonly #timer: NodeJS.Timeout;

  constructor(parts: NodeBackupParts) {
    this.#parts = parts;
    const { configuration, folder, keystore, ...common } = parts;
    const { folder: target, keep } = configuration.backup;
    const database = join(folder, 'keystore.db');
    this.#backups = new Backups({
      ...common,
      clusterName: clusterName(common.cluster),
      bringsBack: () => bringsBack(keystore, configuration),
      records: keystore.replica,
      size: () => ({
        bytes: sizeOf(database, `${database}-wal`),
        objects: keystore.count().objects,
      }),
      software: version,
      folder,
      ...(target === undefined ? {} : { target }),
      keep,
      files: () =>
        identityFiles
          .filter((name) => existsSync(join(folder, name)))
          .map((name) => [name, readFileSync(join(folder, name))] as const),
      note: (entry) => {
        keystore.note(entry);
      },
    });
    this.#timer = setInterval(() => void this.#look(), scheduleMilliseconds);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** What the admin API does with backups; `restart`: ends the server so that it starts anew. */
  acts(restart: () => void): Appliance['backups'] {
    const backups = this.#backups;
    return {
      create: async (to, act) => {
        const { file, bytes, verified, deleted } = await backups.create(to, act);
        return { ...verifiedView(verified), file, bytes, deleted: [...deleted] };
      },
      stream: (act) => backups.stream(act),
      verify: async (bytes, act) => verifiedView(await backups.verify(bytes, act)),
      list: (folder) =>
        backups.list(folder).map(({ file, bytes, head }) => {
          const { bundle, cluster, node, made, software } = head;
          return { file, bytes, bundle, cluster, node, made, software };
        }),
      restore: async (bytes, act, { replacing, ...choice }) => {
        const replaced =
          replacing && (await backups.replace(bytes, act, { ...replacing, ...choice }));
        const restored = replaced ?? (await backups.restore(bytes, act, choice));
        const { records, secrets, added, newer, missing, fresh, files } = restored;
        const restarts = fresh && this.#stageIdentity(files);
        if (restored.same === false) {
          const fields = { bundle: restored.bundle };
          this.#parts.log('error', 'the tables are not what the backup’s node had', fields);
        }
        if (restarts) restart();
        const { is, bundle, node, made, absent, damaged, torn, waiting } = restored;
        const counts = { records, keys: secrets, absent, added, newer };
        return {
          ...{ is, bundle, node, made, damaged, torn, waiting },
          ...counts,
          missing: [...missing],
          fresh,
          restarts,
          same: restored.same ?? null,
          ...(replaced === undefined ? {} : { replaced: replaced.replaced }),
        };
      },
    };
  }

  view(): StatusView['backup'] {
    const { now, configuration } = this.#parts;
    const { verified, failed } = this.#backups.memory;
    const { folder, every_hours: every } = configuration.backup;
    const { work } = this.#backups;
    return {
      ...(work === undefined ? {} : { work }),
      verified:
        verified === undefined
          ? null
          : {
              file: verified.file,
              keys: verified.keys,
              bytes: verified.bytes,
              seconds: Math.max(0, now() - verified.time),
            },
      failed:
        failed === undefined
          ? null
          : { reason: failed.reason, seconds: Math.max(0, now() - failed.time) },
      everyHours: folder === undefined ? null : every,
    };
  }

  /** What is wrong with the backups, for the status: never, too old, failed, not whole. */
  alarms(generation: string | undefined): string[] {
    const { keystore, now, configuration } = this.#parts;
    const memory = this.#backups.memory;
    const { folder, every_hours: every, alarm_hours: said } = configuration.backup;
    const limit = (said ?? (folder === undefined ? unscheduledAlarmHours : 3 * every)) * hour;
    const [oldest] = keystore.list({ limit: 1 });
    const since = memory.verified?.time ?? oldest?.initialDate;
    const late = since !== undefined && oldest !== undefined && now() - since > limit;
    const held = keystore.replica.heads();
    const lost = (memory.missing ?? []).filter(({ epoch, to }) => (held[epoch]?.[0] ?? 0) < to);
    return [
      ...restoredAlarms(memory, generation),
      ...(lost.length === 0
        ? []
        : ['records are missing that a backup has: restore a newer one or a journal']),
      ...(memory.failed === undefined
        ? []
        : [`the last backup failed (${memory.failed.reason}): twinlock backup create`]),
      ...(late
        ? [
            memory.verified === undefined
              ? 'no backup was ever made: twinlock backup create'
              : 'the last backup that was read back is too old: twinlock backup create',
          ]
        : []),
    ];
  }

  /** Puts what the old node was to its clients where the next start finds it. */
  #stageIdentity(files: ReadonlyMap<string, Buffer>): boolean {
    const staged = identityFiles.map((name) => [name, files.get(name)?.toString('base64')]);
    if (staged.some(([, content]) => content === undefined)) return false;
    const bytes = Buffer.from(JSON.stringify(Object.fromEntries(staged)));
    replaceFile(join(this.#parts.folder, stagedIdentity), bytes);
    return true;
  }

  async #look(): Promise<void> {
    const { configuration, now, keystore } = this.#parts;
    const { folder, every_hours: every } = configuration.backup;
    if (folder === undefined || keystore.failure !== undefined) return;
    if (keystore.count().objects === 0) return;
    const { verified, failed } = this.#backups.memory;
    if (verified !== undefined && now() - verified.time < every * hour) return;
    if (failed !== undefined && now() - failed.time < hour && now() >= failed.time) return;
    // What fails is in the log, in the memory and on the status.
    await this.#backups.create(undefined, { request: '', actor: 'node' }).catch(() => {});
  }
}

/** What holds records that this node is to go back from, and would give them to it again. */
function bringsBack(
  { replica }: SqliteKeystore,
  { replication: { journal, carrier } }: Configuration,
): string | undefined {
  const others = replica.members().filter(({ node, removed }) => node !== replica.node && !removed);
  if (others.length > 0) return 'the other node';
  if (carrier === 'postgresql') return 'the database of the records';
  return journal === undefined ? undefined : `the journal in ${journal}`;
}

/** Installs what a restore put there for this start; done again if it was cut short. */
export function installRestoredIdentity(folder: string): void {
  const path = join(folder, stagedIdentity);
  if (!existsSync(path)) return;
  const staged = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
  for (const name of identityFiles) {
    const content = staged[name];
    const mode = name.endsWith('.pem') ? 0o644 : 0o600;
    if (content !== undefined)
      replaceFile(join(folder, name), Buffer.from(content, 'base64'), mode);
  }
  rmSync(path);
}

function restoredAlarms({ restored }: BackupMemory, generation: string | undefined): string[] {
  if (restored === undefined) return [];
  if (!restored.whole) return ['a restore was cut short: repeat it with the same backup'];
  if (restored.generation !== generation) return [];
  return ['restored, and the old node has the same key: twinlock wrapping-key rotate'];
}

function verifiedView({ manifest, totals }: Verified): {
  bundle: string;
  node: string;
  made: number;
  records: number;
  keys: number;
  absent: number;
} {
  const { bundle, node, made } = manifest;
  const { records, secrets: keys, absent } = totals;
  return { bundle, node, made, records, keys, absent };
}
