import test from 'ava';
import { CryptographicAlgorithm, ObjectType } from '../../appliance/kmip/enumeration.ts';
import { QueryFunction } from '../../appliance/kmip/enumeration.ts';
import { configurersRule } from '../../appliance/keystore/group-rule.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { enumerated, found, id, identifier, integer, scene } from '../harness/operations.ts';
import { struct, symmetricKey, text, value } from '../harness/operations.ts';
import type { Asked, Reply, Scene } from '../harness/operations.ts';

const v21: Asked = { version: [2, 1] };
const { AES, HMAC_SHA256, RSA, Ed25519 } = CryptographicAlgorithm;
const algorithm = (of: number): Item => enumerated('CryptographicAlgorithm', of);
const length = (bits: number): Item => integer('CryptographicLength', bits);
const uses = (bits: number): Item => integer('CryptographicUsageMask', bits);
const group = (name: string): Item => text('ObjectGroup', name);
const groups = (name: string): Item => struct('ObjectGroups', group(name));

const create = ({ ask }: Scene, attributes: readonly Item[], asked = v21): Promise<Reply> =>
  ask('Create', [enumerated('ObjectType', 2), struct('Attributes', ...attributes)], asked);

async function kindOf(world: Scene, made: Reply, asked = v21): Promise<unknown[]> {
  const reply = await world.ask('GetAttributes', [id(identifier(made))], asked);
  const named = [
    'CryptographicAlgorithm',
    'CryptographicLength',
    'CryptographicUsageMask',
  ] as const;
  return named.map((name) => value(reply, name));
}

const defaults = (...each: readonly Item[]): Item => struct('DefaultsInformation', ...each);
const ofKeys = (attributes: readonly Item[], ...more: readonly Item[]): Item =>
  struct(
    'ObjectDefaults',
    enumerated('ObjectType', ObjectType.SymmetricKey),
    struct('Attributes', ...attributes),
    ...more,
  );

test('§4: from 2.0 on, what a request leaves out is supplied', async (t) => {
  const world = scene(t);
  t.deepEqual(await kindOf(world, await create(world, [])), [AES, 256, 12]);
  t.deepEqual(await kindOf(world, await create(world, [length(128)])), [AES, 128, 12]);
  // A length belongs to its algorithm.
  t.is((await create(world, [algorithm(HMAC_SHA256)])).result, 'InvalidField');
  const pair = await world.ask('CreateKeyPair', [], v21);
  const made = await world.ask(
    'GetAttributes',
    [id(String(value(pair, 'PrivateKeyUniqueIdentifier')))],
    v21,
  );
  t.is(value(made, 'CryptographicAlgorithm'), RSA);
  t.is(value(made, 'CryptographicLength'), 3072);
  const edwards = struct('CommonAttributes', algorithm(Ed25519));
  t.is((await world.ask('CreateKeyPair', [edwards], v21)).result, 'Success');
  const asked = enumerated('QueryFunction', QueryFunction.QueryDefaultsInformation);
  const said = await world.ask('Query', [asked], v21);
  t.is(value(said, 'CryptographicLength'), 256);
  const older = await world.ask('Create', [
    enumerated('ObjectType', 2),
    struct('TemplateAttribute'),
  ]);
  t.is(older.result, 'InvalidField');
});

/** As the administrator's command does. */
const trust = ({ keystore }: Scene, ...clients: readonly string[]): Promise<void> =>
  keystore.change((draft) => {
    const value = configurersRule(clients);
    draft.append({ kind: 'group-rule-set', group: 'default', rule: 'configurers', value });
  });

test('a client sets its key group’s rules only where an administrator lets it', async (t) => {
  const world = scene(t);
  const asked = [
    ['SetDefaults', defaults(ofKeys([length(128)]))],
    ['SetConstraints', struct('Constraints', struct('Constraint'))],
  ] as const;
  const results = async (client: string, of = 'default'): Promise<string[]> => {
    const all = asked.map(([name, item]) => world.ask(name, [item], { ...v21, client, group: of }));
    return (await Promise.all(all)).map(({ result }) => result);
  };
  const [denied, fine] = ['PermissionDenied', 'Success'];
  t.deepEqual(await results('one'), [denied, denied]);
  t.is(world.keystore.count().records, 1);
  await trust(world, 'one');
  t.deepEqual(await results('one'), [fine, fine]);
  t.deepEqual(await results('two'), [denied, denied]);
  // The right is one in this key group.
  t.deepEqual(await results('one', 'others'), [denied, denied]);
  await trust(world);
  t.deepEqual(await results('one'), [denied, denied]);
});

test('§6.1.53: a key group’s defaults come before the server’s own', async (t) => {
  const world = scene(t);
  await trust(world, 'default');
  const set = defaults(
    ofKeys([length(192), uses(4)], groups('tapes')),
    ofKeys([length(128), text('Comment', 'by default')]),
  );
  t.is((await world.ask('SetDefaults', [set], v21)).result, 'Success');
  t.deepEqual(await kindOf(world, await create(world, [])), [AES, 128, 12]);
  t.deepEqual(await kindOf(world, await create(world, [group('tapes')])), [AES, 192, 4]);
  t.deepEqual(await kindOf(world, await create(world, [length(256)])), [AES, 256, 12]);
  const others = { ...v21, group: 'others' };
  t.deepEqual(await kindOf(world, await create(world, [], others), others), [AES, 256, 12]);
  const asked = enumerated('QueryFunction', QueryFunction.QueryDefaultsInformation);
  t.is(value(await world.ask('Query', [asked], v21), 'CryptographicLength'), 192);
  const read = ofKeys([enumerated('State', 2)]);
  t.is((await world.ask('SetDefaults', [defaults(read)], v21)).result, 'AttributeReadOnly');
  t.is((await world.ask('SetDefaults', [], v21)).result, 'Success');
  t.deepEqual(await kindOf(world, await create(world, [])), [AES, 256, 12]);
  t.is((await world.ask('SetDefaults', [], { version: [2, 0] })).result, 'OperationNotSupported');
});

test('§6.1.52, §6.1.22: what a key group does not have is not made in it', async (t) => {
  const world = scene(t);
  await trust(world, 'default');
  const types = struct('ObjectTypes', enumerated('ObjectType', ObjectType.SymmetricKey));
  const set = struct(
    'Constraints',
    struct('Constraint', types, struct('Attributes', length(256), length(192), uses(12))),
    struct('Constraint', types, groups('tapes'), struct('Attributes', length(256))),
  );
  t.is((await world.ask('SetConstraints', [set], v21)).result, 'Success');
  t.is((await create(world, [])).result, 'Success');
  t.is((await create(world, [length(192), uses(4)])).result, 'Success');
  t.is((await create(world, [length(128)])).result, 'ConstraintViolation');
  t.is((await create(world, [uses(16)])).result, 'ConstraintViolation');
  t.is((await create(world, [length(192), group('tapes')])).result, 'ConstraintViolation');
  t.is((await create(world, [length(128)], { ...v21, group: 'others' })).result, 'Success');
  // Register, and in older versions, whose word for it is another one.
  await symmetricKey(world, '00'.repeat(16));
  t.is(world.keystore.list({ limit: 10 }).filter((each) => each.group === 'default').length, 2);
  const said = await world.ask('GetConstraints', [], v21);
  t.deepEqual(found(said.payload, 'Constraints'), set);
  t.is((await world.ask('SetConstraints', [struct('Constraints')], v21)).result, 'Success');
  t.is((await create(world, [length(128)])).result, 'Success');
  const none = await world.ask('GetConstraints', [], { ...v21, group: 'others' });
  t.deepEqual(found(none.payload, 'Constraints'), struct('Constraints'));
});
