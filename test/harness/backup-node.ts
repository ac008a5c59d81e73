import { createSecretKey, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { Backups } from '../../appliance/backup/backups.ts';
import { BundleWriter } from '../../appliance/backup/write.ts';
import type { KeyKeeper } from '../../appliance/keeper/keeper.ts';
import { CryptographicAlgorithm, ObjectType } from '../../appliance/kmip/enumeration.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import { openDatabase } from '../../appliance/keystore/database.ts';
import { SqliteKeystore } from '../../appliance/keystore/store.ts';
import { removeFolder, temporaryFolder } from './appliance.ts';
import { DirectKeeper } from './direct-keeper.ts';

/** A node with a keystore and backups, over a keeper in the test's own process. */
export interface BackupNode {
  readonly folder: string;
  /** Its id in hexadecimal. */
  readonly node: string;
  readonly keeper: DirectKeeper;
  readonly cluster: string;
  readonly commitmentKey: ReturnType<typeof createSecretKey>;
  readonly keystore: SqliteKeystore;
  readonly backups: Backups;
  readonly audit: string[];
  /** Makes a key and gives its identifier. */
  create(name?: string, secret?: Buffer): Promise<string>;
  /** The secret of a key in hexadecimal. */
  get(id: string): Promise<string>;
  /** Changes a bit of a key's secret on the disk, as a disk that rots does. */
  spoil(id: string): void;
  writer(): BundleWriter;
  /** The same node after a restart: it begins another epoch. */
  reopen(): Promise<BackupNode>;
  /** A whole backup in memory. */
  bundle(): Promise<Buffer>;
}

export const by = { request: 'request', actor: 'test' };

interface NodeOptions {
  /** How many backups stay. */
  readonly keep?: number;
  readonly now?: () => number;
  readonly bringsBack?: string;
}

export function backupNode(
  t: ExecutionContext,
  keyKeeper: KeyKeeper,
  options: NodeOptions = {},
): BackupNode {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'backups'));
  const recordKey = generateKeyPairSync('ed25519').privateKey;
  const opened: SqliteKeystore[] = [];
  t.teardown(async () => {
    await opened.at(-1)?.close();
    removeFolder(folder);
  });
  const identity = {
    ...{ folder, recordKey, keyKeeper, options, opened },
    node: randomBytes(16).toString('hex'),
    pageKey: randomBytes(32),
  };
  return open(identity);
}

interface Identity {
  readonly folder: string;
  readonly recordKey: KeyObject;
  readonly keyKeeper: KeyKeeper;
  readonly options: NodeOptions;
  readonly node: string;
  readonly pageKey: Buffer;
  readonly opened: SqliteKeystore[];
}

function open(identity: Identity): BackupNode {
  const { folder, recordKey, keyKeeper, options, node, pageKey, opened } = identity;
  const { now = (): number => 1_700_000_000 } = options;
  const keeper = new DirectKeeper(keyKeeper);
  const { cluster = '' } = keyKeeper.status();
  const commitmentKey = createSecretKey(keyKeeper.derive('material commitment'));
  const common = { keeper, cluster, node, recordKey, commitmentKey, now, log: () => {} };
  const keystore = new SqliteKeystore({
    ...common,
    path: join(folder, 'keystore.db'),
    pageKey: Buffer.from(pageKey),
    epoch: randomBytes(16).toString('hex'),
  });
  opened.push(keystore);
  const audit: string[] = [];
  const random = (bytes: number): Buffer => randomBytes(bytes);
  const size = (): { bytes: number; objects: number } => ({
    bytes: 0,
    objects: keystore.count().objects,
  });
  const records = keystore.replica;
  const files = (): [string, Buffer][] => [['server.pem', Buffer.from('a certificate')]];
  const backups = new Backups({
    ...{ ...common, records, size, folder, random, files, software: 'test' },
    ...{ clusterName: 'a-name', bringsBack: () => options.bringsBack },
    target: join(folder, 'backups'),
    keep: options.keep ?? 3,
    note: ({ act, outcome, reason }) => audit.push([act, outcome, reason].join(' ').trim()),
  });
  const writer = (): BundleWriter =>
    new BundleWriter({
      ...{ source: records, keeper, recordKey, random, files },
      about: () => {
        const about = { cluster, node, made: now(), software: 'test' };
        return { ...about, objects: size().objects };
      },
    });
  const bundle = async (): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of writer().bytes()) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  const reopen = async (): Promise<BackupNode> => {
    await keystore.close();
    return open(identity);
  };
  const spoil = (id: string): void => {
    const database = openDatabase(join(folder, 'keystore.db'), Buffer.from(pageKey));
    const find = database.prepare('SELECT sealed FROM material WHERE object = ?').pluck();
    const sealed = find.get(id) as Buffer;
    sealed[sealed.length - 1] = (sealed[sealed.length - 1] ?? 0) ^ 1;
    database.prepare('UPDATE material SET sealed = ? WHERE object = ?').run(sealed, id);
    database.close();
  };
  const parts = { folder, node, keeper, cluster, commitmentKey, keystore, backups, audit };
  return { ...parts, writer, bundle, reopen, spoil, ...keyActs(keystore) };
}

function keyActs(keystore: SqliteKeystore): Pick<BackupNode, 'create' | 'get'> {
  return {
    async create(name = 'vm', secret = randomBytes(32)): Promise<string> {
      const object = randomUUID();
      const objectType = ObjectType.SymmetricKey;
      const material = await keystore.seal(
        {
          ...{ uniqueIdentifier: object, group: 'default', objectType },
          ...{ algorithm: CryptographicAlgorithm.AES, length: 256 },
        },
        secret,
      );
      await keystore.change((draft) => {
        draft.append({
          ...{ kind: 'object-created', object, group: 'default', objectType, material },
          attributes: [
            ['Cryptographic Algorithm', 'Enumeration', CryptographicAlgorithm.AES] as const,
            ['Cryptographic Length', 'Integer', 256] as const,
            ['x-Name', 'TextString', name] as const,
          ].map(([title, type, value]) => ({
            name: title,
            index: 0,
            value: { type, value } as never,
          })),
          form: [{ tag: Tag.KeyFormatType, type: 'Enumeration', value: 1 }],
        });
      });
      return object;
    },
    async get(id: string): Promise<string> {
      const object = keystore.object(id);
      if (object === undefined) throw new Error('no such object');
      using material = await keystore.open(object);
      return material.bytes.toString('hex');
    },
  };
}

export async function* chunked(bytes: Buffer, size = 48_000): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) {
    yield Buffer.from(bytes.subarray(at, at + size));
    await Promise.resolve();
  }
}
