import { createSecretKey, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { nameOf, Operation, ResultReason } from '../../appliance/kmip/enumeration.ts';
import { CryptographicUsageMask } from '../../appliance/kmip/mask.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import type { Client } from '../../appliance/keystore/client.ts';
import { SqliteKeystore } from '../../appliance/keystore/store.ts';
import type { KeystoreOptions } from '../../appliance/keystore/store.ts';
import { Dispatch } from '../../appliance/server/dispatch.ts';
import { decode } from '../../appliance/ttlv/decode.ts';
import { encode } from '../../appliance/ttlv/encode.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { removeFolder, temporaryFolder } from './appliance.ts';
import { NearKeeper } from './keeper.ts';

/** Items by the name of their tag, for requests that read like the specification's tables. */
type Name = keyof typeof Tag;
export const struct = (name: Name, ...value: readonly Item[]): Item => ({
  ...{ tag: Tag[name], type: 'Structure', value },
});
export const integer = (name: Name, value: number): Item => ({
  ...{ tag: Tag[name], type: 'Integer', value },
});
export const long = (name: Name, value: bigint): Item => ({
  ...{ tag: Tag[name], type: 'LongInteger', value },
});
export const enumerated = (name: Name, value: number): Item => ({
  ...{ tag: Tag[name], type: 'Enumeration', value },
});
export const text = (name: Name, value: string): Item => ({
  ...{ tag: Tag[name], type: 'TextString', value },
});
export const bytes = (name: Name, value: Uint8Array | string): Item => ({
  tag: Tag[name],
  type: 'ByteString',
  value: typeof value === 'string' ? Buffer.from(value, 'hex') : value,
});
export const flag = (name: Name, value: boolean): Item => ({
  ...{ tag: Tag[name], type: 'Boolean', value },
});
export const date = (name: Name, value: number): Item => ({
  ...{ tag: Tag[name], type: 'DateTime', value: BigInt(value) },
});
export const interval = (name: Name, value: number): Item => ({
  ...{ tag: Tag[name], type: 'Interval', value },
});
export const id = (value: string): Item => text('UniqueIdentifier', value);

/** An attribute as 1.x writes it; the item's own tag is replaced. */
export const attribute = (name: string, value: Item): Item =>
  struct('Attribute', text('AttributeName', name), { ...value, tag: Tag.AttributeValue });
export const mask = (...usages: readonly (keyof typeof CryptographicUsageMask)[]): Item =>
  attribute(
    'Cryptographic Usage Mask',
    integer(
      'CryptographicUsageMask',
      usages.reduce((sum, usage) => sum | CryptographicUsageMask[usage], 0),
    ),
  );
export const named = (value: string): Item =>
  attribute('Name', struct('Name', text('NameValue', value), enumerated('NameType', 1)));
export const template = (...attributes: readonly Item[]): Item =>
  struct('TemplateAttribute', ...attributes);

export interface Reply {
  /** `Success`, or the name of the Result Reason. */
  readonly result: string;
  readonly payload: readonly Item[];
  readonly message: string;
}

export interface Asked {
  readonly version?: readonly [number, number];
  readonly group?: string;
  readonly client?: string;
}

/** An answer's first item of a tag, at any depth. */
export function found(items: readonly Item[], name: Name): Item | undefined {
  for (const item of items) {
    if (item.tag === Tag[name]) return item;
    const inside = item.type === 'Structure' ? found(item.value, name) : undefined;
    if (inside !== undefined) return inside;
  }
  return undefined;
}

/** The value of an answer's first item of a tag: hexadecimal for bytes. */
export function value(reply: Reply, name: Name): unknown {
  const item = found(reply.payload, name);
  if (item?.type === 'Structure') return item.value;
  return item?.value instanceof Uint8Array ? Buffer.from(item.value).toString('hex') : item?.value;
}

export const identifier = (reply: Reply): string => String(value(reply, 'UniqueIdentifier'));

export interface Scene {
  readonly keystore: SqliteKeystore;
  readonly ask: (
    operation: keyof typeof Operation,
    payload?: readonly Item[],
    asked?: Asked,
  ) => Promise<Reply>;
  /** Lets seconds go by. */
  readonly wait: (seconds: number) => void;
  readonly now: () => number;
}

/** A dispatcher over a real keystore, whose clock the test moves. */
export function scene(t: ExecutionContext, options: Partial<KeystoreOptions> = {}): Scene {
  const folder = temporaryFolder();
  let time = 1_700_000_000;
  const now = (): number => time;
  const keystore = new SqliteKeystore({
    path: join(folder, 'keystore.db'),
    pageKey: randomBytes(32),
    recordKey: generateKeyPairSync('ed25519').privateKey,
    commitmentKey: createSecretKey(randomBytes(32)),
    keeper: new NearKeeper(),
    cluster: '01'.repeat(16),
    node: '02'.repeat(16),
    epoch: randomBytes(16).toString('hex'),
    now,
    log: () => {},
    ...options,
  });
  t.teardown(async () => {
    await keystore.close();
    removeFolder(folder);
  });
  const dispatch = new Dispatch({
    keystore,
    now,
    random: (size) => randomBytes(size),
    newIdentifier: () => randomUUID(),
    log: () => {},
  });
  return {
    keystore,
    now,
    wait: (seconds) => {
      time += seconds;
    },
    async ask(operation, payload = [], asked = {}) {
      const { version = [1, 4], group = 'default', client = group } = asked;
      const message = encode(requestOf(Operation[operation], payload, version));
      const who: Client = {
        ...{ id: client, name: client, group, fingerprint: client, certificate: '', added: 0 },
        state: 'allowed',
      };
      return replyOf(decode(await dispatch.answer(message, who, 'request')));
    },
  };
}

function requestOf(
  operation: number,
  payload: readonly Item[],
  [major, minor]: readonly [number, number],
): Item {
  const version = struct(
    'ProtocolVersion',
    integer('ProtocolVersionMajor', major),
    integer('ProtocolVersionMinor', minor),
  );
  return struct(
    'RequestMessage',
    struct('RequestHeader', version, integer('BatchCount', 1)),
    struct('BatchItem', enumerated('Operation', operation), struct('RequestPayload', ...payload)),
  );
}

function replyOf(message: Item): Reply {
  const items = message.type === 'Structure' ? message.value : [];
  const reason = found(items, 'ResultReason')?.value;
  const payload = found(items, 'ResponsePayload');
  return {
    result: typeof reason === 'number' ? nameOf(ResultReason, reason) : 'Success',
    payload: payload?.type === 'Structure' ? payload.value : [],
    message: messageOf(found(items, 'ResultMessage')),
  };
}

function messageOf(item: Item | undefined): string {
  return item?.type === 'TextString' ? item.value : '';
}

/** Registers a symmetric key of these bytes, activated, and gives its identifier. */
export async function symmetricKey(
  { ask, now }: Scene,
  key: Uint8Array | string,
  ...attributes: readonly Item[]
): Promise<string> {
  const material = bytes('KeyMaterial', key);
  const length = material.type === 'ByteString' ? material.value.length * 8 : 0;
  const reply = await ask('Register', [
    enumerated('ObjectType', 2),
    template(attribute('Activation Date', date('ActivationDate', now() - 10)), ...attributes),
    struct(
      'SymmetricKey',
      struct(
        'KeyBlock',
        enumerated('KeyFormatType', 1),
        struct('KeyValue', material),
        enumerated('CryptographicAlgorithm', 3),
        integer('CryptographicLength', length),
      ),
    ),
  ]);
  return identifier(reply);
}
