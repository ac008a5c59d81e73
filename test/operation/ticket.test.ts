import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import test from 'ava';
import { CredentialType, EndpointRole, Operation } from '../../appliance/kmip/enumeration.ts';
import { nameOf, ResultReason, TicketType } from '../../appliance/kmip/enumeration.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import { makeAuthorityCertificate, makePrivateKey } from '../../appliance/pki/authority.ts';
import type { Client } from '../../appliance/keystore/client.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { bytes, enumerated, found, id, integer, interval, long } from '../harness/operations.ts';
import { struct, text } from '../harness/operations.ts';
import { nearNow, nearServer } from '../harness/near-server.ts';
import type { NearServer } from '../harness/near-server.ts';

/** A client that the keystore knows, as every client of a real server is. */
async function enrolled(server: NearServer, name: string, group: string): Promise<Client> {
  await server.keystore.change((draft) => {
    const common = { client: name, name, group, fingerprint: name, certificate: '' };
    draft.append({ kind: 'client-enrolled', ...common, state: 'allowed' });
  });
  const client = server.keystore.client(name);
  if (client === undefined) throw new Error('nobody was enrolled');
  return client;
}

type Name = keyof typeof Operation;

interface Bearing {
  readonly client: Client;
  readonly ticket?: Item;
}

async function ask(
  server: NearServer,
  { client, ticket }: Bearing,
  operation: Name,
  ...payload: readonly Item[]
): Promise<{ readonly result: string; readonly items: readonly Item[] }> {
  const credential = (each: Item): Item =>
    struct(
      'Authentication',
      struct(
        'Credential',
        enumerated('CredentialType', CredentialType.Ticket),
        struct('CredentialValue', each),
      ),
    );
  const header = ticket === undefined ? [] : [credential(ticket)];
  const answer = await server.send([{ operation: Operation[operation], payload }], {
    client,
    header,
  });
  const items = answer.type === 'Structure' ? answer.value : [];
  const reason = found(items, 'ResultReason')?.value;
  return { result: typeof reason === 'number' ? nameOf(ResultReason, reason) : 'Success', items };
}

async function ticketOf(
  server: NearServer,
  client: Client,
  operation: Name,
  ...payload: readonly Item[]
): Promise<Item> {
  const { items, result } = await ask(server, { client }, operation, ...payload);
  const ticket = found(items, 'Ticket');
  if (ticket === undefined) throw new Error(`no ticket: ${result}`);
  return ticket;
}

async function made(server: NearServer, client: Client, group: string): Promise<string> {
  const { items } = await ask(
    server,
    { client },
    'Create',
    enumerated('ObjectType', 2),
    struct(
      'Attributes',
      enumerated('CryptographicAlgorithm', 3),
      integer('CryptographicLength', 256),
      integer('CryptographicUsageMask', 12),
      text('ObjectGroup', group),
    ),
  );
  const value = found(items, 'UniqueIdentifier')?.value;
  return typeof value === 'string' ? value : '';
}

const right = (...operations: readonly Name[]): readonly Item[] => [
  struct('Operations', ...operations.map((name) => enumerated('Operation', Operation[name]))),
];

test('§6.1.30: a ticket of Login is good for its client, for so long and so often', async (t) => {
  const server = nearServer(t);
  const client = await enrolled(server, 'one', 'default');
  const other = await enrolled(server, 'two', 'default');
  const key = await made(server, client, 'a');
  const ticket = await ticketOf(server, client, 'Login', integer('RequestCount', 2));
  const get = async (bearing: Bearing): Promise<string> =>
    (await ask(server, bearing, 'Get', id(key))).result;
  t.is(await get({ client: other, ticket }), 'InvalidTicket');
  t.is(await get({ client, ticket }), 'Success');
  t.is(await get({ client, ticket }), 'Success');
  t.is(await get({ client, ticket }), 'InvalidTicket');
  // Without it the certificate is what it was.
  t.is(await get({ client }), 'Success');

  const limits = struct(
    'UsageLimits',
    long('UsageLimitsTotal', 1n),
    long('UsageLimitsCount', 1n),
    enumerated('UsageLimitsUnit', 2),
  );
  const once = await ticketOf(server, client, 'Login', limits);
  t.is(await get({ client, ticket: once }), 'Success');
  t.is(await get({ client, ticket: once }), 'InvalidTicket');
  const late: Item = { tag: Tag.LeaseTime, type: 'DateTime', value: BigInt(nearNow) };
  t.is((await ask(server, { client }, 'Login', late)).result, 'InvalidField');
  t.is((await ask(server, { client }, 'Login', interval('LeaseTime', 60))).result, 'Success');
});

test('§6.1.31: Logout ends a ticket of the client’s own, and no other', async (t) => {
  const server = nearServer(t);
  const client = await enrolled(server, 'one', 'default');
  const other = await enrolled(server, 'two', 'default');
  const ticket = await ticketOf(server, client, 'Login');
  t.is((await ask(server, { client: other }, 'Logout', ticket)).result, 'InvalidTicket');
  t.is((await ask(server, { client, ticket }, 'Query')).result, 'Success');
  t.is((await ask(server, { client }, 'Logout', ticket)).result, 'Success');
  t.is((await ask(server, { client, ticket }, 'Query')).result, 'InvalidTicket');
  t.is((await ask(server, { client }, 'Logout', ticket)).result, 'InvalidTicket');
  const invented = struct(
    'Ticket',
    enumerated('TicketType', TicketType.Login),
    bytes('TicketValue', '00'.repeat(32)),
  );
  t.is((await ask(server, { client, ticket: invented }, 'Query')).result, 'InvalidTicket');
});

test('§6.1.12, §7.34: a delegate does what its rights say, in its own group', async (t) => {
  const server = nearServer(t);
  const client = await enrolled(server, 'one', 'default');
  const delegate = await enrolled(server, 'two', 'default');
  const stranger = await enrolled(server, 'three', 'others');
  const [key, other] = [await made(server, client, 'a'), await made(server, client, 'b')];
  const theirs = await made(server, stranger, 'a');
  const ticket = await ticketOf(
    server,
    client,
    'DelegatedLogin',
    struct(
      'Rights',
      struct('Right', ...right('Get'), struct('Objects', id(key), id(theirs))),
      struct('Right', ...right('GetAttributes'), struct('ObjectGroups', text('ObjectGroup', 'a'))),
      struct('Right', ...right('Query')),
    ),
  );
  const bearing = { client: delegate, ticket };
  const result = async (operation: Name, ...payload: Item[]): Promise<string> =>
    (await ask(server, bearing, operation, ...payload)).result;
  t.is(await result('Get', id(key)), 'Success');
  t.is(await result('Get', id(other)), 'PermissionDenied');
  t.is(await result('Get', id(theirs)), 'ObjectNotFound');
  t.is(await result('GetAttributes', id(key)), 'Success');
  t.is(await result('GetAttributes', id(other)), 'PermissionDenied');
  t.is(await result('Destroy', id(key)), 'PermissionDenied');
  t.is(await result('Locate'), 'PermissionDenied');
  t.is(await result('Query'), 'Success');
  t.is((await ask(server, { client: stranger, ticket }, 'Query')).result, 'InvalidTicket');

  // Who gave the ticket is no longer let in: neither is it.
  await server.keystore.change((draft) => {
    draft.append({ kind: 'client-blocked', client: 'one' });
  });
  t.is(await result('Query'), 'InvalidTicket');
});

test('what names no object counts against a ticket too', async (t) => {
  const server = nearServer(t);
  const client = await enrolled(server, 'one', 'default');
  const limits = struct(
    'UsageLimits',
    long('UsageLimitsTotal', 1n),
    enumerated('UsageLimitsUnit', 2),
  );
  const der = makePrivateKey('p256');
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const surroundings = { now: server.now, random: randomBytes };
  const root = makeAuthorityCertificate(key, 'root', surroundings);
  const split = [
    enumerated('ObjectType', 5),
    integer('SplitKeyParts', 2),
    integer('SplitKeyThreshold', 2),
    enumerated('SplitKeyMethod', 1),
    struct(
      'Attributes',
      enumerated('CryptographicAlgorithm', 3),
      integer('CryptographicLength', 128),
      integer('CryptographicUsageMask', 12),
    ),
  ];
  const certificate = struct(
    'Certificate',
    enumerated('CertificateType', 1),
    bytes('CertificateValue', new X509Certificate(root).raw),
  );
  for (const [operation, payload] of [
    ['CreateSplitKey', split],
    ['Validate', [certificate]],
  ] as const) {
    const once = await ticketOf(server, client, 'Login', limits);
    t.is((await ask(server, { client, ticket: once }, operation, ...payload)).result, 'Success');
    const again = await ask(server, { client, ticket: once }, operation, ...payload);
    t.is(again.result, 'InvalidTicket', operation);
    // A right that names objects is none to do without one, and nothing is left of the try.
    const rights = struct('Rights', struct('Right', struct('Objects', id('a'))));
    const narrow = await ticketOf(server, client, 'DelegatedLogin', rights);
    const { records } = server.keystore.count();
    const refused = await ask(server, { client, ticket: narrow }, operation, ...payload);
    t.is(refused.result, 'PermissionDenied', operation);
    t.is(server.keystore.count().records, records);
  }
});

test('§6.1.54: the server stays the server', async (t) => {
  const server = nearServer(t);
  const client = await enrolled(server, 'one', 'default');
  const role = (value: number): Item => enumerated('EndpointRole', value);
  const kept = await ask(server, { client }, 'SetEndpointRole', role(EndpointRole.Server));
  t.is(found(kept.items, 'EndpointRole')?.value, EndpointRole.Server);
  const asked = await ask(server, { client }, 'SetEndpointRole', role(EndpointRole.Client));
  t.is(asked.result, 'PermissionDenied');
});
