import { createSecretKey, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Client } from '../../appliance/keystore/client.ts';
import { SqliteKeystore } from '../../appliance/keystore/store.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import { Dispatch } from '../../appliance/server/dispatch.ts';
import type { DispatchOptions } from '../../appliance/server/dispatch.ts';
import { decode } from '../../appliance/ttlv/decode.ts';
import { encode } from '../../appliance/ttlv/encode.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { removeFolder, temporaryFolder } from './appliance.ts';
import { NearKeeper } from './keeper.ts';

export const nearNow = 1_700_000_000;

/** What a request made the keystore do. */
export interface Work {
  queries: number;
  unwraps: number;
  changes: number;
}

export function nearClient(group: string, state: Client['state'] = 'allowed'): Client {
  const common = { id: group, name: group, fingerprint: group, certificate: '', added: 0 };
  return { ...common, group, state };
}

export interface Asked {
  readonly operation: number;
  readonly payload: readonly Item[];
  readonly ephemeral?: boolean;
}

/** Dispatcher and keystore in the test’s own process; the test moves the clock, work is counted. */
export interface NearServer {
  readonly keystore: SqliteKeystore;
  readonly work: Work;
  readonly now: () => number;
  /** Lets seconds go by. */
  readonly wait: (seconds: number) => void;
  /** A new dispatcher over the same keystore, as after a restart of the process. */
  readonly restart: () => void;
  /** Sends a message as it stands. */
  readonly exchange: (message: Item, client?: Client) => Promise<Item>;
  /** Sends items in one message; gives the whole answer. */
  readonly send: (
    items: readonly Asked[],
    options?: { client?: Client; version?: number; header?: readonly Item[] },
  ) => Promise<Item>;
}

export function nearServer(
  t: Pick<ExecutionContext, 'teardown'>,
  options: Partial<Pick<DispatchOptions, 'patience'>> = {},
): NearServer {
  const folder = temporaryFolder();
  let time = nearNow;
  const now = (): number => time;
  const work: Work = { queries: 0, unwraps: 0, changes: 0 };
  const keystore = new SqliteKeystore({
    path: join(folder, 'keystore.db'),
    pageKey: randomBytes(32),
    recordKey: generateKeyPairSync('ed25519').privateKey,
    commitmentKey: createSecretKey(randomBytes(32)),
    keeper: new NearKeeper(),
    cluster: '01'.repeat(16),
    node: '02'.repeat(16),
    epoch: '03'.repeat(16),
    now,
    log: () => {},
  });
  count(keystore, work);
  t.teardown(async () => {
    await keystore.close();
    removeFolder(folder);
  });
  const begin = (): Dispatch =>
    new Dispatch({
      keystore,
      now,
      random: (bytes) => randomBytes(bytes),
      newIdentifier: () => randomUUID(),
      log: () => {},
      ...options,
    });
  let dispatch = begin();
  const restart = (): void => {
    dispatch = begin();
  };
  const exchange: NearServer['exchange'] = async (whole, client = nearClient('default')) =>
    decode(await dispatch.answer(encode(whole), client, 'request'));
  const send: NearServer['send'] = async (items, options = {}) => {
    const { client = nearClient('default'), version = 201, header = [] } = options;
    return exchange(message(items, version, header), client);
  };
  const wait = (seconds: number): void => {
    time += seconds;
  };
  return { keystore, work, now, wait, restart, exchange, send };
}

function count(keystore: SqliteKeystore, work: Work): void {
  const object = keystore.object.bind(keystore);
  const locate = keystore.locate.bind(keystore);
  const open = keystore.open.bind(keystore);
  const change = keystore.change.bind(keystore);
  keystore.object = (identifier) => {
    work.queries++;
    return object(identifier);
  };
  keystore.locate = (group, filter) => {
    work.queries++;
    return locate(group, filter);
  };
  keystore.open = (managed) => {
    work.unwraps++;
    return open(managed);
  };
  keystore.change = (mutation) => {
    work.changes++;
    return change((draft) => mutation(counted(draft, work)));
  };
}

function counted<D extends object>(draft: D, work: Work): D {
  return new Proxy(draft, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name === 'object' || name === 'locate') work.queries++;
      return (value as (...all: unknown[]) => unknown).bind(target);
    },
  });
}

function message(items: readonly Asked[], version: number, header: readonly Item[]): Item {
  const integer = (tag: number, value: number): Item => ({ tag, type: 'Integer', value });
  const structure = (tag: number, value: readonly Item[]): Item => ({
    ...{ tag, type: 'Structure', value },
  });
  return structure(Tag.RequestMessage, [
    structure(Tag.RequestHeader, [
      structure(Tag.ProtocolVersion, [
        integer(Tag.ProtocolVersionMajor, Math.floor(version / 100)),
        integer(Tag.ProtocolVersionMinor, version % 100),
      ]),
      ...header,
      integer(Tag.BatchCount, items.length),
    ]),
    ...items.map(({ operation, payload, ephemeral }, i) =>
      structure(Tag.BatchItem, [
        { tag: Tag.Operation, type: 'Enumeration', value: operation },
        ...(ephemeral === undefined
          ? []
          : [{ tag: Tag.Ephemeral, type: 'Boolean', value: ephemeral } as const]),
        { tag: Tag.UniqueBatchItemID, type: 'ByteString', value: Buffer.from([i + 1]) },
        structure(Tag.RequestPayload, payload),
      ]),
    ),
  ]);
}
