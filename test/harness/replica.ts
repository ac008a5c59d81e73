import { createPublicKey, createSecretKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { CryptographicAlgorithm, ObjectType } from '../../appliance/kmip/enumeration.ts';
import type { Keeper } from '../../appliance/keeper-client/keeper.ts';
import type { Change } from '../../appliance/keystore/change.ts';
import type { Draft, KeyMaterial } from '../../appliance/keystore/keystore.ts';
import { SqliteKeystore } from '../../appliance/keystore/store.ts';
import type { KeystoreOptions } from '../../appliance/keystore/store.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import { removeFolder, temporaryFolder } from './appliance.ts';
import { NearKeeper } from './keeper.ts';

/** What the nodes of one cluster share. */
export interface TestCluster {
  readonly cluster: string;
  readonly commitmentKey: KeystoreOptions['commitmentKey'];
  readonly keeper: Keeper;
}

export function testCluster(): TestCluster {
  const commitmentKey = createSecretKey(randomBytes(32));
  return { cluster: randomBytes(16).toString('hex'), commitmentKey, keeper: new NearKeeper() };
}

/** One node's identity and folder, from which its keystore is opened again and again. */
export class TestNode {
  readonly id = randomBytes(16).toString('hex');
  readonly folder = temporaryFolder();
  readonly recordKey = generateKeyPairSync('ed25519').privateKey;
  readonly #pageKey = randomBytes(32);
  readonly #cluster: TestCluster;
  #time = 1_700_000_000;

  constructor(t: ExecutionContext, cluster: TestCluster) {
    this.#cluster = cluster;
    t.teardown(() => {
      removeFolder(this.folder);
    });
  }

  get path(): string {
    return join(this.folder, 'keystore.db');
  }

  get pageKey(): Buffer {
    return Buffer.from(this.#pageKey);
  }

  /** Ed25519, as other nodes are told it. */
  get publicKey(): string {
    const key = createPublicKey(this.recordKey);
    return key.export({ format: 'der', type: 'spki' }).toString('base64');
  }

  open(options: Partial<KeystoreOptions> = {}): SqliteKeystore {
    return new SqliteKeystore({
      ...this.#cluster,
      path: this.path,
      pageKey: this.pageKey,
      recordKey: this.recordKey,
      node: this.id,
      epoch: randomBytes(16).toString('hex'),
      now: () => this.#time,
      log: () => {},
      ...options,
    });
  }

  /** The record with which a member lets this node in. */
  get joining(): Change {
    const { id: node, publicKey: recordKey } = this;
    const name = node.slice(0, 8);
    return { kind: 'member-joined', node, recordKey, transportKey: '', name, addresses: [] };
  }
}

/** Two nodes that know each other. */
export async function pairOf(
  t: ExecutionContext,
  cluster = testCluster(),
): Promise<{ a: TestNode; b: TestNode; one: SqliteKeystore; two: SqliteKeystore }> {
  const a = new TestNode(t, cluster);
  const b = new TestNode(t, cluster);
  const one = a.open();
  const two = b.open();
  await one.change((draft) => {
    draft.append(a.joining);
    draft.append(b.joining);
  });
  await two.replica.trust(a.id, a.publicKey, 'paired');
  return { a, b, one, two };
}

/** Makes a key with a secret, and `also` something in the same change; gives its identifier. */
export async function makeKey(
  keystore: SqliteKeystore,
  secret: Uint8Array,
  object: string = randomUUID(),
  also: (draft: Draft) => void = () => {},
): Promise<string> {
  const context = {
    uniqueIdentifier: object,
    group: 'default',
    objectType: ObjectType.SymmetricKey,
    algorithm: CryptographicAlgorithm.AES,
    length: 256,
  };
  const material = await keystore.seal(context, secret);
  const attribute = (name: string, type: 'Enumeration' | 'Integer', value: number) =>
    ({ name, index: 0, value: { type, value } }) as const;
  await keystore.change((draft) => {
    draft.append({
      kind: 'object-created',
      object,
      group: 'default',
      objectType: ObjectType.SymmetricKey,
      attributes: [
        attribute('Cryptographic Algorithm', 'Enumeration', CryptographicAlgorithm.AES),
        attribute('Cryptographic Length', 'Integer', 256),
      ],
      form: [{ tag: Tag.KeyFormatType, type: 'Enumeration', value: 1 }],
      material,
    });
    also(draft);
  });
  return object;
}

export async function secretOf(keystore: SqliteKeystore, id: string): Promise<Buffer> {
  const object = keystore.object(id);
  if (object === undefined) throw new Error(`${id} is not there`);
  using material: KeyMaterial = await keystore.open(object);
  return Buffer.from(material.bytes);
}

/** Brings all that one keystore has into the other, a few records at a time. */
export async function carry(
  from: SqliteKeystore,
  to: SqliteKeystore,
  records = 5,
): Promise<number> {
  let count = 0;
  for (let heads = to.replica.heads(); ;) {
    const page = from.replica.after(heads, { records, bytes: 1 << 20 });
    if (page.entries.length === 0) return count;
    count += page.entries.length;
    await to.replica.ingest(page.entries, from.replica.node);
    heads = page.heads;
  }
}
