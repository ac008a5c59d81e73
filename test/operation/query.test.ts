import test from 'ava';
import * as e from '../../appliance/kmip/enumeration.ts';
import { Operation, ProfileName, QueryFunction } from '../../appliance/kmip/enumeration.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import { profilesIn } from '../../appliance/operation/profile.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { Asker } from '../conformance/error/asker.ts';
import { exceptions } from '../conformance/exception.ts';
import { exchangesOf, profileCases } from '../conformance/profile-case.ts';
import { find, findAll } from '../conformance/scene.ts';
import { kmipData } from '../harness/kmip-data.ts';
import { bytes, enumerated, struct } from '../harness/operations.ts';
import { nearClient, nearServer } from '../harness/near-server.ts';
import type { NearServer } from '../harness/near-server.ts';
import { until } from '../harness/appliance.ts';

const askerOf = (server: NearServer, version: number): Asker =>
  new Asker(version, server.now(), (message) => server.exchange(message));
const versions = [100, 101, 102, 103, 104, 200, 201];
const whole = (payload: readonly Item[]): Item => struct('ResponsePayload', ...payload);

/** The field that answers each Query Function, and the first version that has it (§4.25). */
const fields = {
  QueryOperations: ['Operation', 100],
  QueryObjects: ['ObjectType', 100],
  QueryServerInformation: ['ServerInformation', 100],
  QueryExtensionMap: ['ExtensionInformation', 200],
  QueryRNGs: ['RNGParameters', 103],
  QueryProfiles: ['ProfileInformation', 103],
  QueryCapabilities: ['CapabilityInformation', 103],
  QueryClientRegistrationMethods: ['ClientRegistrationMethod', 103],
  QueryDefaultsInformation: ['DefaultsInformation', 200],
  QueryStorageProtectionMasks: ['ProtectionStorageMask', 200],
} as const;

for (const version of versions) {
  test(`${version}: each Query Function is answered by its field and no other`, async (t) => {
    const asker = askerOf(nearServer(t), version);
    for (const [name, [field, since]] of Object.entries(fields)) {
      if (since > version) continue;
      const asked = enumerated('QueryFunction', QueryFunction[name as keyof typeof fields]);
      const { reason, payload } = await asker.ask('Query', [asked]);
      t.is(reason, 'Success', name);
      const tags = new Set(payload.map(({ tag }) => tag));
      if (field === 'ServerInformation') t.true(tags.delete(Tag.VendorIdentification));
      t.deepEqual([...tags], [Tag[field]], name);
    }
  });
}

test('Query says nothing where there is nothing', async (t) => {
  const asker = askerOf(nearServer(t), 201);
  for (const name of ['QueryApplicationNamespaces', 'QueryAttestationTypes', 'QueryValidations']) {
    const value = QueryFunction[name as keyof typeof QueryFunction];
    const { reason, payload } = await asker.ask('Query', [enumerated('QueryFunction', value)]);
    t.deepEqual([reason, payload], ['Success', []], name);
  }
});

test('fields stand in the order of the table, whatever the order of the functions', async (t) => {
  const asker = askerOf(nearServer(t), 201);
  const functions = Object.values(QueryFunction).toReversed();
  const { payload } = await asker.ask(
    'Query',
    functions.map((each) => enumerated('QueryFunction', each)),
  );
  const order = [...new Set(payload.map(({ tag }) => tag))];
  const { Operation: operation, ObjectType, VendorIdentification, ServerInformation } = Tag;
  const { ExtensionInformation, RNGParameters, ProfileInformation } = Tag;
  t.deepEqual(order, [
    ...[operation, ObjectType, VendorIdentification, ServerInformation, ExtensionInformation],
    ...[RNGParameters, ProfileInformation, Tag.CapabilityInformation],
    ...[Tag.ClientRegistrationMethod, Tag.DefaultsInformation, Tag.ProtectionStorageMask],
  ]);
});

/** The family of cases behind a profile's name. */
const families: readonly (readonly [name: RegExp, family: RegExp])[] = [
  [/^TapeLibrary/, /^TL-M$/],
  [/^SymmetricKeyLifecycle/, /^SKLC-M$/],
  [/^AsymmetricKeyLifecycle/, /^AKLC-M$/],
  [/^BasicCryptographic/, /^CS-BC-M/],
  [/^AdvancedCryptographic/, /^CS-AC-M/],
  [/^RNGCryptographic/, /^CS-RNG-M$/],
  [/^SymmetricKeyFoundry/, /^SKFF-M$/],
  [/^OpaqueManagedObjectStore/, /^OMOS-M$/],
  [/^StorageArray/, /^SASED-M$/],
  [/^AESXTS/, /^AX-M$/],
];

test('a profile is claimed only where no case of it is excepted', (t) => {
  const data = kmipData();
  const cases = data === undefined ? [] : profileCases(data);
  for (const { profileName } of versions.flatMap((version) => profilesIn(version))) {
    const [name = ''] = Object.entries(ProfileName).find(([, code]) => code === profileName) ?? [];
    t.not(name, '', `${profileName} is no profile`);
    if (name.startsWith('Baseline')) continue;
    const family = families.find(([pattern]) => pattern.test(name))?.[1];
    t.truthy(family, name);
    const minor = /V1_(\d)$/.exec(name)?.[1];
    const own = cases.filter(
      (each) =>
        family?.test(each.family) && (minor === undefined || each.version === `v1.${minor}`),
    );
    // 2.x goes by the newest cases there are.
    const newest = own.filter(({ version }) => minor !== undefined || version === 'v1.4');
    for (const each of newest) t.false(each.name in exceptions, `${name}: ${each.name}`);
    if (newest[0] !== undefined) t.true(exchangesOf(newest[0]).length > 0);
  }
});

test('2.x names a profile with its version, 1.x with the name alone', async (t) => {
  const server = nearServer(t);
  const ask = async (version: number): Promise<Item> => {
    const asked = enumerated('QueryFunction', QueryFunction.QueryProfiles);
    return whole((await askerOf(server, version).ask('Query', [asked])).payload);
  };
  const now = await ask(201);
  t.is(find(now, Tag.ProfileVersionMajor)?.value, 2);
  t.is(find(now, Tag.ProfileVersionMinor)?.value, 1);
  t.is(find(await ask(200), Tag.ProfileVersionMinor)?.value, 0);
  const before = await ask(104);
  t.is(find(before, Tag.ProfileVersion), undefined);
  const names = (item: Item): unknown[] => findAll(item, Tag.ProfileName).map(({ value }) => value);
  t.true(names(now).every((name) => Number(name) > 0x100));
  t.true(names(before).every((name) => Number(name) < 0x100));
  t.true(names(before).includes(ProfileName.SymmetricKeyLifecycleServerKMIPV1_1));
  t.false(names(await ask(103)).includes(ProfileName.SymmetricKeyLifecycleServerKMIPV1_4));
});

test('2.1: a client sees which later answers it has to fetch, and nobody else does', async (t) => {
  const server = nearServer(t);
  const asker = askerOf(server, 201);
  const header = [enumerated('AsynchronousIndicator', e.AsynchronousIndicator.Mandatory)];
  const create = [
    enumerated('ObjectType', e.ObjectType.SymmetricKey),
    asker.with(
      'TemplateAttribute',
      ['Cryptographic Algorithm', enumerated('CryptographicAlgorithm', 3)],
      ['Cryptographic Length', { tag: 0, type: 'Integer', value: 128 }],
      ['Cryptographic Usage Mask', { tag: 0, type: 'Integer', value: 12 }],
    ),
  ];
  const later = async (operation: number, payload: readonly Item[]): Promise<Item> => {
    const answer = await server.send([{ operation, payload }], { header });
    const value = find(answer, Tag.AsynchronousCorrelationValue);
    if (value === undefined) throw new Error('it was answered at once');
    return value;
  };
  const first = await later(Operation.Create, create);
  server.wait(5);
  await later(Operation.Locate, []);
  const list = async (...payload: Item[]): Promise<Item[]> => {
    const { reason, payload: came } = await asker.ask('QueryAsynchronousRequests', payload, {
      header,
    });
    t.is(reason, 'Success');
    return [...came];
  };
  await until('both are done', async () => {
    const stages = findAll(whole(await list()), Tag.ProcessingStage);
    return stages.every(({ value }) => value === e.ProcessingStage.Completed);
  });
  const both = whole(await list());
  t.deepEqual(
    findAll(both, Tag.Operation).map(({ value }) => value),
    [Operation.Create, Operation.Locate],
  );
  t.deepEqual(
    findAll(both, Tag.SubmissionDate).map(({ value }) => Number(value) - server.now()),
    [-5, 0],
  );
  const named = await list(struct('AsynchronousCorrelationValues', first));
  t.deepEqual(find(whole(named), Tag.AsynchronousCorrelationValue), first);
  t.is(named.length, 1);
  const located = await list(struct('Operations', enumerated('Operation', Operation.Locate)));
  t.is(located.length, 1);
  t.is(
    (
      await list(
        struct('AsynchronousCorrelationValues', bytes('AsynchronousCorrelationValue', '00')),
      )
    ).length,
    0,
  );
  const asked = { operation: Operation.QueryAsynchronousRequests, payload: [] };
  const theirs = await server.send([asked], { client: nearClient('others') });
  t.is(find(theirs, Tag.AsynchronousRequest), undefined);
  await server.send([{ operation: Operation.Poll, payload: [first] }]);
  t.is((await list()).length, 1);
  const before = await askerOf(server, 200).ask('QueryAsynchronousRequests', []);
  t.is(before.reason, 'OperationNotSupported');
});
