import { createPrivateKey, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { AsynchronousIndicator, CredentialType } from '../../appliance/kmip/enumeration.ts';
import type { Tag } from '../../appliance/kmip/tag.ts';
import { Authority, makeAuthorityCertificate } from '../../appliance/pki/authority.ts';
import { makePrivateKey } from '../../appliance/pki/authority.ts';
import { fingerprint, readCertificate } from '../../appliance/pki/fingerprint.ts';
import { cutBlockedClients } from '../../appliance/server/blocked-client.ts';
import { Dispatch } from '../../appliance/server/dispatch.ts';
import { Listener } from '../../appliance/server/listener.ts';
import { decode } from '../../appliance/ttlv/decode.ts';
import { encode } from '../../appliance/ttlv/encode.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { Asker } from '../conformance/error/asker.ts';
import * as fit from '../conformance/error/fitting.ts';
import { enumerated, found, integer, struct, text } from '../harness/operations.ts';
import { twins, until } from '../harness/twin.ts';
import type { Twin } from '../harness/twin.ts';
import { find, readAnswer, request, wire, Wires } from '../harness/vcenter.ts';
import type { Answer, Wire } from '../harness/vcenter.ts';

const now = (): number => 1_700_000_000;
const random = (bytes: number): Buffer => randomBytes(bytes);

interface Served {
  readonly twin: Twin;
  readonly open: () => Wires;
}

/** Two nodes that serve KMIP, and a client that was enrolled on the first. */
async function served(t: ExecutionContext): Promise<{ one: Served; two: Served; id: string }> {
  const both = await twins(t);
  const der = makePrivateKey('p256');
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const own = makeAuthorityCertificate(key, 'authority', { now, random });
  const authority = new Authority(own, key, { now, random });
  const client = authority.makeClient('vcenter');
  const print = fingerprint(readCertificate(client.certificate));
  await both.one.keystore.change((draft) => {
    draft.append({
      kind: 'client-enrolled',
      client: 'c',
      name: 'vcenter',
      group: 'default',
      fingerprint: print,
      certificate: client.certificate,
      state: 'allowed',
    });
  });
  const serve = async (twin: Twin): Promise<Served> => {
    const { keystore } = twin;
    const log = (): void => {};
    const newIdentifier = (): string => randomUUID();
    const listener = new Listener({
      refused: () => undefined,
      key,
      certificate: own,
      keystore,
      dispatch: new Dispatch({ keystore, now, random, newIdentifier, log }),
      newRequestId: () => 'request',
      now,
      log,
      listen: { host: '127.0.0.1', port: 0 },
    });
    cutBlockedClients(keystore, (id) => listener.cut(id));
    const { port } = await listener.listen();
    t.teardown(() => listener.close());
    const files = { cert: client.certificate, key: client.key };
    return { twin, open: () => new Wires({ host: '127.0.0.1', port, ...files }) };
  };
  const [one, two] = [await serve(both.one), await serve(both.two)];
  await until(() => both.two.keystore.client(print) !== undefined);
  return { one, two, id: print };
}

async function ask(wires: Wires, item: Wire): Promise<Answer['results'][number]> {
  const [result] = (await wires.exchange(request([item]))).results;
  if (result === undefined) throw new Error('no result');
  return result;
}

test('a key made through one node is fetched through the other at once', async (t) => {
  const { one, two } = await served(t);
  const [first, second] = [one.open(), two.open()];
  for (const [maker, fetcher] of [
    [first, second],
    [second, first],
  ] as const) {
    const made = await ask(maker, wire.create());
    t.is(made.status, 0);
    const id = find(made.payload, 0x420094)?.body.toString() ?? '';
    const got = await ask(fetcher, wire.get(id));
    t.is(got.status, 0);
    const same = await ask(maker, wire.get(id));
    const path = [0x42008f, 0x420040, 0x420045, 0x420043] as const;
    t.deepEqual(find(got.payload, ...path)?.body, find(same.payload, ...path)?.body);
  }
  first.socket.destroy();
  second.socket.destroy();
});

test('when and by whom a key was fetched last is known at the other node too', async (t) => {
  const { one, two } = await served(t);
  const wires = one.open();
  const made = await ask(wires, wire.create());
  const id = find(made.payload, 0x420094)?.body.toString() ?? '';
  t.is((await ask(wires, wire.get(id))).status, 0);
  const fetched = { object: id, time: now(), client: 'vcenter' };
  await until(() => two.twin.keystore.fetched(id) !== undefined);
  t.deepEqual(two.twin.keystore.fetched(id), fetched);
  t.deepEqual(one.twin.keystore.fetched(id), fetched);
  wires.socket.destroy();
});

test('under `refuse` a client is told to use the other node, and Get goes on', async (t) => {
  const { one, two } = await served(t);
  const wires = one.open();
  const made = await ask(wires, wire.create());
  const id = find(made.payload, 0x420094)?.body.toString() ?? '';
  await two.twin.keystore.change((draft) => {
    draft.append({ kind: 'copy-policy-set', policy: 'refuse', seconds: 0 });
  });
  await until(() => one.twin.keystore.replica.copyPolicy().policy === 'refuse');
  two.twin.proxy.weather = { kind: 'refuse' };
  one.twin.proxy.weather = { kind: 'refuse' };
  two.twin.proxy.reset();
  one.twin.proxy.reset();
  await until(() => !one.twin.carrier.present);
  const answer = wires.next();
  wires.socket.write(request([wire.create()]));
  const raw = (await answer) ?? Buffer.alloc(0);
  t.is(readAnswer(raw).results[0]?.status, 1);
  t.true(raw.includes('use the other node'));
  t.is((await ask(wires, wire.get(id))).status, 0);
  t.is((await ask(wires, wire.activate(id))).status, 0);
  wires.socket.destroy();
});

test('blocking a certificate on one node ends its live connections on both', async (t) => {
  const { one, two } = await served(t);
  const sockets = [one.open(), two.open(), two.open()];
  for (const wires of sockets) t.is((await ask(wires, wire.create())).status, 0);
  const ended = sockets.map(({ socket }) => once(socket, 'close'));
  await one.twin.keystore.change((draft) => {
    draft.append({ kind: 'client-blocked', client: 'c' });
  });
  await Promise.all(ended);
  const late = two.open();
  await t.throwsAsync(ask(late, wire.create()));
  t.pass();
});

/** The same client at a node, in words of 2.1. */
function askerAt({ open }: Served): Asker {
  const wires = open();
  const exchange = async (message: Item): Promise<Item> =>
    decode((await wires.exchange(encode(message))).raw);
  return new Asker(201, now(), exchange);
}

const own = (items: readonly Item[], name: keyof typeof Tag): Item => {
  const item = found(items, name);
  if (item === undefined) throw new Error(`no ${name}`);
  return item;
};

test('2.1: the other node knows no later answer’s value, and has what was made', async (t) => {
  const { one, two } = await served(t);
  const [first, second] = [askerAt(one), askerAt(two)];
  const name = [
    'Name',
    struct('Name', text('NameValue', 'later'), enumerated('NameType', 1)),
  ] as const;
  const header = [enumerated('AsynchronousIndicator', AsynchronousIndicator.Mandatory)];
  const create = fit.requestOn(first, 'Create', [], [name]);
  const { status, fields } = await first.ask('Create', create, { header });
  t.is(status, 'OperationPending');
  const value = own(fields, 'AsynchronousCorrelationValue');
  for (const operation of ['Poll', 'Cancel', 'Process'] as const) {
    const { reason } = await second.ask(operation, [value]);
    t.is(reason, 'InvalidAsynchronousCorrelationValue');
  }
  const waiting = await second.ask('QueryAsynchronousRequests', []);
  t.deepEqual([waiting.reason, waiting.payload], ['Success', []]);
  t.is((await first.ask('Process', [value])).reason, 'Success');
  const polled = await first.ask('Poll', [value]);
  const made = own(polled.payload, 'UniqueIdentifier');
  const located = await second.ask('Locate', [struct('Attributes', name[1])]);
  t.deepEqual(located.payload.at(-1), made);
  t.deepEqual((await second.ask('Get', [made])).payload, (await first.ask('Get', [made])).payload);
});

test('a ticket is one node’s own: at the other a client logs in again', async (t) => {
  const { one, two } = await served(t);
  const [first, second] = [askerAt(one), askerAt(two)];
  const login = async (at: Asker): Promise<Item[]> => {
    const { payload } = await at.ask('Login', [integer('RequestCount', 9)]);
    const type = enumerated('CredentialType', CredentialType.Ticket);
    const bearing = struct('CredentialValue', own(payload, 'Ticket'));
    return [struct('Authentication', struct('Credential', type, bearing))];
  };
  const header = await login(first);
  const query = [enumerated('QueryFunction', 1)];
  t.is((await first.ask('Query', query, { header })).reason, 'Success');
  t.is((await second.ask('Query', query, { header })).reason, 'InvalidTicket');
  t.is((await second.ask('Query', query, { header: await login(second) })).reason, 'Success');
  // Its certificate is good on both, with no ticket at all.
  t.is((await second.ask('Query', query)).reason, 'Success');
});
