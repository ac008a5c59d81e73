import test from 'ava';
import { ObjectType, State } from '../../appliance/kmip/enumeration.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { attribute, bytes, date, enumerated, flag, found, id } from '../harness/operations.ts';
import { identifier, integer, mask, named, scene, struct } from '../harness/operations.ts';
import { symmetricKey, text, value } from '../harness/operations.ts';
import type { Asked, Reply, Scene } from '../harness/operations.ts';

const aes = 'ab'.repeat(32);
const wrapping = '11'.repeat(32);

const key = (material: Item, ...rest: readonly Item[]): Item =>
  struct(
    'SymmetricKey',
    struct(
      'KeyBlock',
      enumerated('KeyFormatType', 1),
      struct('KeyValue', material),
      enumerated('CryptographicAlgorithm', 3),
      integer('CryptographicLength', 256),
      ...rest,
    ),
  );
const state = (value: State): Item => attribute('State', enumerated('State', value));

function imported(
  { ask }: Scene,
  chosen: string,
  more: readonly Item[] = [],
  asked: Asked = {},
  object = key(bytes('KeyMaterial', aes)),
): Promise<Reply> {
  const attributes = more.filter(({ tag }) => tag === attributeTag);
  const fields = more.filter(({ tag }) => tag !== attributeTag);
  return ask('Import', [id(chosen), ...fields, mask('Encrypt'), ...attributes, object], asked);
}
const attributeTag = mask('Encrypt').tag;

const material = async ({ ask }: Scene, named: string, asked: Asked = {}): Promise<unknown> =>
  value(await ask('Get', [id(named)], asked), 'KeyMaterial');
const stateOf = async ({ ask }: Scene, named: string): Promise<unknown> => {
  const reply = await ask('GetAttributes', [id(named), text('AttributeName', 'State')]);
  return value(reply, 'AttributeValue');
};

test('§4.40, §4.41: an export is imported under its identifier', async (t) => {
  const world = scene(t);
  const source = await symmetricKey(world, aes, mask('Encrypt', 'Decrypt'), named('tape 7'));
  const exported = await world.ask('Export', [id(source)]);
  t.is(exported.result, 'Success');
  t.is(value(exported, 'KeyMaterial'), aes);
  const attributes = exported.payload.filter(({ tag }) => tag === attributeTag);
  t.true(attributes.length > 10);
  const object = exported.payload.at(-1);
  if (object === undefined) return t.fail();
  const request = [id(source), ...attributes, object];
  const there = { group: 'elsewhere' };
  const made = await world.ask('Import', request, there);
  t.is(made.result, 'Success', made.message);
  t.is(identifier(made), source);
  t.is(await material(world, source, there), aes);
  const wanted = await world.ask('GetAttributes', [id(source)]);
  const given = await world.ask('GetAttributes', [id(source)], there);
  const changing = new Set(['Last Change Date', 'Fresh']);
  const said = (reply: Reply): (readonly Item[])[] =>
    reply.payload
      .filter(({ tag }) => tag === attributeTag)
      .map((each) => (each.type === 'Structure' ? each.value : []))
      .filter(([name]) => !changing.has(nameOf(name)))
      .sort(([a], [b]) => nameOf(a).localeCompare(nameOf(b)));
  t.deepEqual(said(given), said(wanted));
  // Each group keeps its own.
  await world.ask('Revoke', [id(source), revoked(1)], there);
  t.is(await stateOf(world, source), State.Active);
});

const nameOf = (item: Item | undefined): string => (item?.type === 'TextString' ? item.value : '');

const revoked = (code: number): Item =>
  struct('RevocationReason', enumerated('RevocationReasonCode', code));

test('§11.42: a taken identifier is refused, unless what has it is to be replaced', async (t) => {
  const world = scene(t);
  const first = await symmetricKey(world, '01'.repeat(32), mask('Encrypt'), named('one'));
  t.is((await imported(world, first)).result, 'ObjectAlreadyExists');
  t.is(await material(world, first), '01'.repeat(32));
  const replace = flag('ReplaceExisting', true);
  // What Destroy would not destroy is not replaced (§4.21).
  const active = await imported(world, first, [replace, named('one')]);
  t.is(active.result, 'PermissionDenied');
  t.is(await material(world, first), '01'.repeat(32));
  await world.ask('Revoke', [id(first), revoked(6)]);
  await world.ask('Archive', [id(first)]);
  t.is((await imported(world, first, [replace, named('one')])).result, 'ObjectArchived');
  await world.ask('Recover', [id(first)]);
  t.is((await imported(world, first, [replace, named('one')])).result, 'Success');
  t.is(await material(world, first), aes);
  // The key that was given to a client once is not lost: it stays sealed for the retention time.
  const kept = world.keystore.list({ limit: 10 }).find((each) => each.uniqueIdentifier === first);
  t.is(kept?.state, State.Destroyed);
  t.true(kept?.hasMaterial);
  // Chosen names are replaced likewise.
  for (const each of ['Success', 'ObjectAlreadyExists']) {
    t.is((await imported(world, 'my own name')).result, each);
  }
  t.is((await imported(world, 'my own name', [replace])).result, 'Success');
  const located = await world.ask('Locate', []);
  t.deepEqual(located.payload.map((each) => each.value).sort(), [first, 'my own name'].sort());
  const unique = attribute('Unique Identifier', id('my own name'));
  t.is(identifier(await world.ask('Locate', [unique])), 'my own name');
});

test('an identifier of another group is as free as one that nobody has', async (t) => {
  const world = scene(t);
  const theirs = await symmetricKey(world, '01'.repeat(32), mask('Encrypt'));
  const strange = { group: 'others' };
  for (const chosen of [theirs, 'free']) {
    const made = await imported(world, chosen, [], strange);
    t.is(made.result, 'Success');
    t.is(identifier(made), chosen);
    t.is(await material(world, chosen, strange), aes);
  }
  t.is(await material(world, theirs), '01'.repeat(32));
  t.is((await world.ask('Get', [id('free')])).result, 'ItemNotFound');
});

test('§4.41: an import says what else the server says, the states among it', async (t) => {
  const world = scene(t);
  const past = world.now() - 1000;
  const activated = attribute('Activation Date', date('ActivationDate', past));
  const made = attribute('Original Creation Date', date('OriginalCreationDate', past - 5));
  const states = [
    [State.Active, [activated, made]],
    [State.Active, []],
    [State.Deactivated, [activated]],
    [State.Compromised, [activated]],
    [State.PreActive, []],
    [State.Destroyed, []],
  ] as const;
  for (const [i, [wanted, more]] of states.entries()) {
    const reply = await imported(world, `key ${i}`, [state(wanted), ...more]);
    t.is(reply.result, 'Success', reply.message);
    t.is(await stateOf(world, `key ${i}`), wanted);
  }
  const dates = await world.ask('GetAttributes', [
    id('key 0'),
    text('AttributeName', 'Original Creation Date'),
  ]);
  t.is(found(dates.payload, 'AttributeValue')?.value, BigInt(past - 5));
  // A state that the dates have passed by is none.
  const wrong = await imported(world, 'wrong', [state(State.PreActive), activated]);
  t.is(wrong.result, 'InvalidField');
  const other = attribute('Object Type', enumerated('ObjectType', ObjectType.SecretData));
  t.is((await imported(world, 'wrong', [other])).result, 'InvalidField');
  t.is((await world.ask('Get', [id('key 5')])).result, 'ItemNotFound');
});

test('§4.40: a destroyed object is exported without its key, and imported again', async (t) => {
  const world = scene(t);
  const source = await symmetricKey(world, aes, mask('Encrypt'));
  const whole = await world.ask('Export', [id(source)]);
  await world.ask('Revoke', [id(source), revoked(1)]);
  await world.ask('Destroy', [id(source)]);
  const gone = await world.ask('Export', [id(source)]);
  t.is(gone.result, 'Success');
  t.is(found(gone.payload, 'KeyValue'), undefined);
  t.is(value(gone, 'CryptographicLength'), 256);
  const object = whole.payload.at(-1);
  if (object === undefined) return t.fail();
  t.is((await world.ask('Import', [id(source), mask('Encrypt'), object])).result, 'Success');
  t.is(await material(world, source), aes);
});

test('what may not leave in a Get does not leave in an Export', async (t) => {
  const world = scene(t);
  const sensitive = attribute('Sensitive', flag('Sensitive', true));
  const kept = attribute('Extractable', flag('Extractable', false));
  const one = await symmetricKey(world, aes, mask('Encrypt'), sensitive);
  const other = await symmetricKey(world, aes, mask('Encrypt'), kept);
  t.is((await world.ask('Export', [id(one)])).result, 'Sensitive');
  t.is((await world.ask('Export', [id(other)])).result, 'NotExtractable');
});

/** A key wrapped under another, as a client would bring it: the server's own Get wraps it. */
async function wrappedUnder(world: Scene, kek: string, method = 1): Promise<Item | undefined> {
  const source = await symmetricKey(world, aes, mask('Encrypt'));
  const information = [
    ...(method === 2 ? [] : [struct('EncryptionKeyInformation', id(kek))]),
    ...(method === 1 ? [] : [struct('MAC_SignatureKeyInformation', id(kek))]),
  ];
  const how = struct(
    'KeyWrappingSpecification',
    enumerated('WrappingMethod', method),
    ...information,
  );
  const given = await world.ask('Get', [id(source), how]);
  return given.payload.at(-1);
}

test('§2.1.5, §4.11, §4.41: by encryption, MAC or both; given wrapped or not', async (t) => {
  const world = scene(t);
  const kek = await symmetricKey(
    world,
    wrapping,
    mask('WrapKey', 'UnwrapKey', 'MACGenerate', 'MACVerify'),
  );
  for (const method of [1, 2, 3, 4]) {
    const object = await wrappedUnder(world, kek, method);
    if (object === undefined) return t.fail();
    t.is(found([object], 'MAC_Signature') === undefined, method === 1);
    const registered = await world.ask('Register', [
      enumerated('ObjectType', 2),
      struct('TemplateAttribute', mask('Encrypt')),
      object,
    ]);
    t.is(registered.result, 'Success', registered.message);
    const own = identifier(registered);
    const asIs = await world.ask('Get', [id(own)]);
    t.deepEqual(asIs.payload.at(-1), object);
    const asked = [id(own), enumerated('KeyWrapType', 2)];
    t.deepEqual((await world.ask('Get', asked)).payload.at(-1), object);
    const clear = await world.ask('Get', [id(own), enumerated('KeyWrapType', 1)]);
    t.is(value(clear, 'KeyMaterial'), aes, clear.message);
    t.is(found(clear.payload, 'KeyWrappingData'), undefined);

    const name = `import ${method}`;
    const type = enumerated('KeyWrapType', 1);
    t.is((await imported(world, name, [type], {}, object)).result, 'Success');
    t.is(await material(world, name), aes);
    t.is((await imported(world, `${name} wrapped`, [], {}, object)).result, 'Success');
    t.deepEqual((await world.ask('Get', [id(`${name} wrapped`)])).payload.at(-1), object);
  }
});

test('nothing changed is unwrapped, nor by a key of others', async (t) => {
  const world = scene(t);
  const usage = mask('WrapKey', 'UnwrapKey', 'MACGenerate', 'MACVerify');
  const kek = await symmetricKey(world, wrapping, usage);
  const type = enumerated('KeyWrapType', 1);
  for (const method of [1, 2, 3, 4]) {
    const object = await wrappedUnder(world, kek, method);
    const inside = object === undefined ? undefined : found([object], 'KeyValue');
    if (object === undefined || inside?.type !== 'ByteString') return t.fail();
    const last = inside.value.length - 1;
    inside.value[last] = (inside.value[last] ?? 0) ^ 1;
    const reply = await imported(world, 'x', [type], {}, object);
    t.is(reply.result, 'CryptographicFailure', `method ${method}`);
    inside.value[last] = (inside.value[last] ?? 0) ^ 1;
    // To another group the wrapping key does not exist.
    const strange = await imported(world, 'x', [type], { group: 'others' }, object);
    t.is(strange.result, 'ItemNotFound');
  }
  t.is((await world.ask('Get', [id('x')])).result, 'ItemNotFound');
});

test('§3.48: a Sensitive key leaves neither unwrapped nor under a MAC alone', async (t) => {
  const world = scene(t);
  const usage = mask('WrapKey', 'UnwrapKey', 'MACGenerate', 'MACVerify');
  const kek = await symmetricKey(world, wrapping, usage);
  const object = await wrappedUnder(world, kek);
  if (object === undefined) return t.fail();
  const sensitive = attribute('Sensitive', flag('Sensitive', true));
  await imported(world, 'secret', [sensitive], {}, object);
  t.is((await world.ask('Get', [id('secret')])).result, 'Success');
  const unwrap = [id('secret'), enumerated('KeyWrapType', 1)];
  t.is((await world.ask('Get', unwrap)).result, 'Sensitive');
  const how = struct(
    'KeyWrappingSpecification',
    enumerated('WrappingMethod', 2),
    struct('MAC_SignatureKeyInformation', id(kek)),
  );
  t.is((await world.ask('Get', [...unwrap, how])).result, 'Sensitive');
  // Nor as it came, where it came under a MAC alone.
  const open = await wrappedUnder(world, kek, 2);
  if (open === undefined) return t.fail();
  await imported(world, 'open', [sensitive], {}, open);
  t.is((await world.ask('Get', [id('open')])).result, 'Sensitive');
});
