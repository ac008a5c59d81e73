import { createPublicKey, verify } from 'node:crypto';
import test from 'ava';
import { CryptographicAlgorithm, KeyFormatType } from '../../appliance/kmip/enumeration.ts';
import { RecommendedCurve } from '../../appliance/kmip/enumeration.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import {
  attribute,
  bytes,
  date,
  enumerated,
  found,
  id,
  identifier,
} from '../harness/operations.ts';
import {
  flag,
  integer,
  interval,
  long,
  mask,
  named,
  scene,
  struct,
} from '../harness/operations.ts';
import { symmetricKey, template, text, value } from '../harness/operations.ts';
import type { Scene } from '../harness/operations.ts';

const algorithm = (name: keyof typeof CryptographicAlgorithm): Item =>
  attribute(
    'Cryptographic Algorithm',
    enumerated('CryptographicAlgorithm', CryptographicAlgorithm[name]),
  );
const length = (bits: number): Item =>
  attribute('Cryptographic Length', integer('CryptographicLength', bits));
const active = (world: Scene): Item =>
  attribute('Activation Date', date('ActivationDate', world.now() - 1));

async function pair(world: Scene, ...common: readonly Item[]): Promise<readonly [string, string]> {
  const made = await world.ask('CreateKeyPair', [
    struct('CommonTemplateAttribute', active(world), ...common),
    struct('PrivateKeyTemplateAttribute', mask('Sign', 'Decrypt', 'UnwrapKey')),
    struct('PublicKeyTemplateAttribute', mask('Verify', 'Encrypt', 'WrapKey')),
  ]);
  return [
    String(value(made, 'PrivateKeyUniqueIdentifier')),
    String(value(made, 'PublicKeyUniqueIdentifier')),
  ];
}

test('§4.2: the keys of a pair link to each other, sign and verify', async (t) => {
  const world = scene(t);
  const curve = (name: keyof typeof RecommendedCurve): Item =>
    attribute(
      'Cryptographic Domain Parameters',
      struct(
        'CryptographicDomainParameters',
        enumerated('RecommendedCurve', RecommendedCurve[name]),
      ),
    );
  const kinds = [
    [algorithm('RSA'), length(2048)],
    [algorithm('ECDSA'), curve('P_256')],
    [algorithm('EC'), length(384)],
    [algorithm('EC'), curve('SECP256K1')],
    [algorithm('Ed25519')],
  ];
  const said = struct(
    'CryptographicParameters',
    enumerated('PaddingMethod', 0x0a),
    enumerated('HashingAlgorithm', 6),
  );
  for (const kind of kinds) {
    const [privateKey, publicKey] = await pair(world, ...kind);
    const links = await world.ask('GetAttributes', [id(privateKey), text('AttributeName', 'Link')]);
    t.is(value(links, 'LinkedObjectIdentifier'), publicKey);
    const data = bytes('Data', 'c0ffee');
    const signed = await world.ask('Sign', [id(privateKey), said, data]);
    const signature = found(signed.payload, 'SignatureData');
    if (signature === undefined) return t.fail(signed.message);
    const check = async (what: Item): Promise<unknown> =>
      value(
        await world.ask('SignatureVerify', [id(publicKey), said, what, signature]),
        'ValidityIndicator',
      );
    t.is(await check(data), 1);
    t.is(await check(bytes('Data', 'c0ffef')), 2);
  }
});

test('§4.11: one key in every format is the same key', async (t) => {
  const world = scene(t);
  const formats = {
    RSA: [
      ['PKCS_1', 'PKCS_8', 'TransparentRSAPrivateKey'],
      ['PKCS_1', 'X_509', 'TransparentRSAPublicKey'],
    ],
    EC: [
      ['ECPrivateKey', 'PKCS_8', 'TransparentECPrivateKey'],
      ['X_509', 'TransparentECPublicKey', 'TransparentECDSAPublicKey'],
    ],
  } as const;
  for (const [name, both] of Object.entries(formats)) {
    const objects = await pair(
      world,
      algorithm(name as 'RSA'),
      length(name === 'RSA' ? 2048 : 256),
    );
    for (const [i, object] of objects.entries()) {
      for (const format of both[i] ?? []) {
        const asked = enumerated('KeyFormatType', KeyFormatType[format]);
        const got = await world.ask('Get', [id(object), asked]);
        t.is(value(got, 'KeyFormatType'), KeyFormatType[format], `${name} ${format} ${got.result}`);
        // What was given is registered again, and gives the first form back.
        const tag = i === 0 ? ('PrivateKey' as const) : ('PublicKey' as const);
        const whole = found(got.payload, tag);
        const sent = [enumerated('ObjectType', i === 0 ? 4 : 3), template(), whole as Item];
        const again = identifier(await world.ask('Register', sent));
        const plain = KeyFormatType[i === 0 ? 'PKCS_8' : 'X_509'];
        const one = await world.ask('Get', [id(object), enumerated('KeyFormatType', plain)]);
        const two = await world.ask('Get', [id(again), enumerated('KeyFormatType', plain)]);
        t.is(value(one, 'KeyMaterial'), value(two, 'KeyMaterial'), `${name} ${format}`);
      }
    }
  }
  const [, publicKey] = await pair(world, algorithm('RSA'), length(2048));
  const wrong = enumerated('KeyFormatType', KeyFormatType.ECPrivateKey);
  t.is((await world.ask('Get', [id(publicKey), wrong])).result, 'KeyFormatTypeNotSupported');
});

test('§4.11, §3.48: wrapped keys leave in no other way when they are sensitive', async (t) => {
  const world = scene(t);
  const wrapping = await symmetricKey(world, '00112233445566778899aabbccddeeff', mask('WrapKey'));
  const secret = '0f'.repeat(16);
  const key = await symmetricKey(
    world,
    secret,
    mask('Encrypt'),
    attribute('Sensitive', flag('Sensitive', true)),
  );
  t.is((await world.ask('Get', [id(key)])).result, 'Sensitive');
  t.is((await world.ask('Get', [id(key)], { version: [1, 2] })).result, 'PermissionDenied');
  const specification = (identifierOf: string, encoding: number): Item =>
    struct(
      'KeyWrappingSpecification',
      enumerated('WrappingMethod', 1),
      struct('EncryptionKeyInformation', id(identifierOf)),
      enumerated('EncodingOption', encoding),
    );
  const got = await world.ask('Get', [id(key), specification(wrapping, 1)]);
  t.is(got.result, 'Success');
  const wrapped = String(value(got, 'KeyMaterial'));
  t.is(wrapped.length, 48);
  t.false(wrapped.includes(secret));
  const unknown = await world.ask('Get', [id(key), specification('nobody', 1)]);
  t.is(unknown.result, 'ItemNotFound');
  t.is((await world.ask('Get', [id(key), specification(key, 1)])).result, 'PermissionDenied');
  const hidden = await symmetricKey(
    world,
    secret,
    attribute('Extractable', flag('Extractable', false)),
  );
  t.is((await world.ask('Get', [id(hidden), specification(wrapping, 2)])).result, 'NotExtractable');
});

test('§4.4: a re-keyed key gives name and dates on, and links to its replacement', async (t) => {
  const world = scene(t);
  const limit = struct(
    'UsageLimits',
    long('UsageLimitsTotal', 10n),
    enumerated('UsageLimitsUnit', 2),
  );
  const old = await symmetricKey(
    world,
    'aa'.repeat(16),
    mask('Encrypt'),
    named('the key'),
    attribute('Deactivation Date', date('DeactivationDate', world.now() + 1000)),
    attribute('Usage Limits', limit),
  );
  await world.ask('GetUsageAllocation', [id(old), long('UsageLimitsCount', 4n)]);
  const made = await world.ask('ReKey', [id(old), interval('Offset', 100)]);
  const next = identifier(made);
  t.not(next, old);
  const of = async (object: string, name: string): Promise<unknown> => {
    const reply = await world.ask('GetAttributes', [id(object), text('AttributeName', name)]);
    return value(reply, 'AttributeValue');
  };
  t.is(await of(old, 'Name'), undefined);
  t.truthy(await of(next, 'Name'));
  t.is(await of(next, 'Activation Date'), BigInt(world.now() + 100));
  t.is(await of(next, 'Deactivation Date'), BigInt(world.now() + 100 + 1010));
  const reply = await world.ask('GetAttributes', [id(next)]);
  t.is(value(reply, 'UsageLimitsCount'), 10n);
  const links = await world.ask('GetAttributes', [id(old), text('AttributeName', 'Link')]);
  t.is(value(links, 'LinkedObjectIdentifier'), next);
  t.is((await world.ask('ReKey', [id(old)])).result, 'PermissionDenied');
  const [before, after] = [await world.ask('Get', [id(old)]), await world.ask('Get', [id(next)])];
  t.not(value(before, 'KeyMaterial'), value(after, 'KeyMaterial'));
});

test('§4.5: a re-keyed pair is new in both halves', async (t) => {
  const world = scene(t);
  const [privateKey] = await pair(world, algorithm('EC'), length(256));
  const made = await world.ask('ReKeyKeyPair', [text('PrivateKeyUniqueIdentifier', privateKey)]);
  t.is(made.result, 'Success');
  const next = String(value(made, 'PrivateKeyUniqueIdentifier'));
  const other = String(value(made, 'PublicKeyUniqueIdentifier'));
  const said = struct('CryptographicParameters', enumerated('HashingAlgorithm', 6));
  await world.ask('Activate', [id(next)]);
  const signed = await world.ask('Sign', [id(next), said, bytes('Data', 'aa')]);
  const got = await world.ask('Get', [id(other), enumerated('KeyFormatType', 5)]);
  const der = Buffer.from(String(value(got, 'KeyMaterial')), 'hex');
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  const signature = Buffer.from(String(value(signed, 'SignatureData')), 'hex');
  t.true(verify('sha256', Buffer.from([0xaa]), key, signature));
});

test('§4.22, §4.23: what is archived is found in the archive alone until recovered', async (t) => {
  const world = scene(t);
  const key = await symmetricKey(world, 'bb'.repeat(16), mask('Encrypt'), named('archived'));
  t.is((await world.ask('Archive', [id(key)])).result, 'Success');
  for (const operation of ['Get', 'GetAttributes', 'Encrypt', 'Archive', 'Revoke'] as const) {
    const reason = struct('RevocationReason', enumerated('RevocationReasonCode', 1));
    const extra = operation === 'Revoke' ? [reason] : [];
    t.is((await world.ask(operation, [id(key), ...extra])).result, 'ObjectArchived', operation);
  }
  const locate = async (storage?: number): Promise<unknown> => {
    const where = storage === undefined ? [] : [integer('StorageStatusMask', storage)];
    return value(await world.ask('Locate', [...where, named('archived')]), 'UniqueIdentifier');
  };
  t.is(await locate(), undefined);
  t.is(await locate(1), undefined);
  t.is(await locate(2), key);
  t.is(await locate(3), key);
  t.is((await world.ask('Recover', [id(key)])).result, 'Success');
  t.is((await world.ask('Get', [id(key)])).result, 'Success');
  t.is(await locate(), key);
});

test('§4.10, §4.17, §4.18: leases, allocation, and what Check says', async (t) => {
  const world = scene(t);
  const limit = struct(
    'UsageLimits',
    long('UsageLimitsTotal', 100n),
    enumerated('UsageLimitsUnit', 1),
  );
  const key = await symmetricKey(
    world,
    'cc'.repeat(16),
    mask('Encrypt'),
    attribute('Usage Limits', limit),
  );
  t.is(value(await world.ask('ObtainLease', [id(key)]), 'LeaseTime'), 3600);
  const take = async (amount: bigint): Promise<string> =>
    (await world.ask('GetUsageAllocation', [id(key), long('UsageLimitsCount', amount)])).result;
  t.is(await take(60n), 'Success');
  t.is(await take(41n), 'PermissionDenied');
  const asked = [id(key), long('UsageLimitsCount', 41n), integer('CryptographicUsageMask', 8)];
  const checked = await world.ask('Check', asked);
  t.is(value(checked, 'UsageLimitsCount'), 40n);
  t.is(value(checked, 'CryptographicUsageMask'), 4);
  t.is(await take(40n), 'Success');
  const free = await symmetricKey(world, 'dd'.repeat(16), mask('Encrypt'));
  const none = await world.ask('GetUsageAllocation', [id(free), long('UsageLimitsCount', 1n)]);
  t.is(none.result, 'IllegalOperation');
});

test('§4.9: date ranges, fresh members, offsets and standing attributes', async (t) => {
  const world = scene(t);
  const group = attribute('Object Group', text('ObjectGroup', 'pool'));
  const keys: string[] = [];
  for (const byte of ['01', '02', '03']) {
    keys.push(await symmetricKey(world, byte.repeat(16), mask('Encrypt'), group));
    world.wait(10);
  }
  const all = async (...items: readonly Item[]): Promise<unknown[]> =>
    (await world.ask('Locate', items)).payload
      .filter(({ tag }) => tag === 0x420094)
      .map((item) => item.value);
  t.deepEqual(await all(group), keys);
  t.deepEqual(await all(integer('MaximumItems', 1), integer('OffsetItems', 1), group), [keys[1]]);
  const cut = await world.ask('Locate', [integer('MaximumItems', 1), group]);
  t.is(value(cut, 'LocatedItems'), 3);
  const from = attribute('Initial Date', date('InitialDate', world.now() - 25));
  const to = attribute('Initial Date', date('InitialDate', world.now() - 5));
  t.deepEqual(await all(from, to), keys.slice(1));
  await world.ask('Get', [id(keys[0] ?? '')]);
  await world.keystore.change(() => undefined);
  t.deepEqual(await all(enumerated('ObjectGroupMember', 1), group), keys.slice(1));
  t.deepEqual(await all(enumerated('ObjectGroupMember', 2), group), keys.slice(0, 1));
  const plain = attribute('Sensitive', flag('Sensitive', false));
  t.deepEqual(await all(plain, group), keys);
  t.deepEqual(await all(attribute('Sensitive', flag('Sensitive', true)), group), []);
});

test('§3.48 to §3.51: what was once clear was not always sensitive', async (t) => {
  const world = scene(t);
  const say = (sensitive: boolean): Item => attribute('Sensitive', flag('Sensitive', sensitive));
  const key = await symmetricKey(world, 'ee'.repeat(16), say(true));
  const always = async (): Promise<unknown> => {
    const asked = [id(key), text('AttributeName', 'Always Sensitive')];
    return value(await world.ask('GetAttributes', asked), 'AttributeValue');
  };
  t.is(await always(), true);
  for (const sensitive of [false, true]) {
    const changed = await world.ask('ModifyAttribute', [id(key), say(sensitive)]);
    t.is(changed.result, 'Success');
    t.is(await always(), false);
  }
  const plain = await symmetricKey(world, 'ef'.repeat(16));
  t.is((await world.ask('ModifyAttribute', [id(plain), say(true)])).result, 'Success');
  t.is((await world.ask('Get', [id(plain)])).result, 'Sensitive');
});
