import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import test from 'ava';
import { CryptographicAlgorithm, QueryFunction } from '../../appliance/kmip/enumeration.ts';
import { RecommendedCurve } from '../../appliance/kmip/enumeration.ts';
import { ExtensionAlgorithm, extensionAlgorithms } from '../../appliance/kmip/extension.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { attribute, bytes, date, enumerated, found, id, integer } from '../harness/operations.ts';
import { identifier, mask, scene, struct, symmetricKey, value } from '../harness/operations.ts';
import { template } from '../harness/operations.ts';
import type { Scene } from '../harness/operations.ts';

const { ChaCha20, ChaCha20Poly1305, ECDH } = CryptographicAlgorithm;
const said = (...items: readonly Item[]): Item => struct('CryptographicParameters', ...items);
const algorithm = (of: number): Item => enumerated('CryptographicAlgorithm', of);
const hex = (text: string): string => Buffer.from(text).toString('hex');
const sunscreen = hex(
  "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, " +
    'sunscreen would be it.',
);
const counted = (from: number): string =>
  Buffer.from(Array.from({ length: 32 }, (_, i) => from + i)).toString('hex');

test('XTS: vector 2 of IEEE 1619, and back', async (t) => {
  const world = scene(t);
  const uses = mask('Encrypt', 'Decrypt');
  const key = await symmetricKey(world, '11'.repeat(16) + '22'.repeat(16), uses);
  const parameters = said(enumerated('BlockCipherMode', 0x0b));
  const iv = bytes('IVCounterNonce', `3333333333${'00'.repeat(11)}`);
  const data = bytes('Data', '44'.repeat(32));
  const sealed = await world.ask('Encrypt', [id(key), parameters, data, iv]);
  const wanted = 'c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0';
  t.is(value(sealed, 'Data'), wanted);
  const opened = await world.ask('Decrypt', [id(key), parameters, bytes('Data', wanted), iv]);
  t.is(value(opened, 'Data'), '44'.repeat(32));
});

test('ChaCha20: the vector of RFC 8439 §2.4.2', async (t) => {
  const world = scene(t);
  const key = await symmetricKey(world, counted(0), mask('Encrypt', 'Decrypt'));
  const parameters = said(algorithm(ChaCha20), integer('InitialCounterValue', 1));
  const iv = bytes('IVCounterNonce', '000000000000004a00000000');
  const asked = [id(key), parameters, bytes('Data', sunscreen), iv];
  const sealed = String(value(await world.ask('Encrypt', asked), 'Data'));
  t.is(sealed.slice(0, 64), '6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b');
  const opened = await world.ask('Decrypt', [id(key), parameters, bytes('Data', sealed), iv]);
  t.is(value(opened, 'Data'), sunscreen);
});

test('ChaCha20-Poly1305: RFC 8439 §2.8.2; a changed tag opens nothing', async (t) => {
  const world = scene(t);
  const key = await symmetricKey(world, counted(0x80), mask('Encrypt', 'Decrypt'));
  const parameters = said(algorithm(ChaCha20Poly1305));
  const iv = bytes('IVCounterNonce', '070000004041424344454647');
  const more = bytes('AuthenticatedEncryptionAdditionalData', '50515253c0c1c2c3c4c5c6c7');
  const asked = [id(key), parameters, bytes('Data', sunscreen), iv, more];
  const sealed = await world.ask('Encrypt', asked);
  t.is(value(sealed, 'AuthenticatedEncryptionTag'), '1ae10b594f09e26a7e902ecbd0600691');
  const data = bytes('Data', String(value(sealed, 'Data')));
  t.regex(String(value(sealed, 'Data')), /^d31a8d34648e60db7b86afbc53ef7ec2/);
  const open = (tag: string): ReturnType<Scene['ask']> =>
    world.ask('Decrypt', [
      ...[id(key), parameters, data, iv, more],
      bytes('AuthenticatedEncryptionTag', tag),
    ]);
  t.is(value(await open('1ae10b594f09e26a7e902ecbd0600691'), 'Data'), sunscreen);
  t.is((await open('1ae10b594f09e26a7e902ecbd0600692')).result, 'CryptographicFailure');
});

const active = (world: Scene): Item =>
  attribute('Activation Date', date('ActivationDate', world.now() - 1));

async function pair(
  world: Scene,
  of: number,
  ...more: readonly Item[]
): Promise<readonly [string, string]> {
  const made = await world.ask('CreateKeyPair', [
    struct(
      'CommonTemplateAttribute',
      active(world),
      attribute('Cryptographic Algorithm', algorithm(of)),
      ...more,
    ),
    struct('PrivateKeyTemplateAttribute', mask('Sign', 'DeriveKey')),
    struct('PublicKeyTemplateAttribute', mask('Verify', 'DeriveKey')),
  ]);
  const one = (name: 'PrivateKeyUniqueIdentifier' | 'PublicKeyUniqueIdentifier'): string =>
    String(value(made, name));
  return [one('PrivateKeyUniqueIdentifier'), one('PublicKeyUniqueIdentifier')];
}

test('FIPS 203, FIPS 204: pairs are made, given out, and sign', async (t) => {
  const world = scene(t);
  for (const { algorithm: of, name, publicBits } of extensionAlgorithms) {
    const [privateKey, publicKey] = await pair(world, of);
    const given = await world.ask('Get', [id(publicKey)]);
    t.is(value(given, 'CryptographicLength'), publicBits, name);
    const material = Buffer.from(String(value(given, 'KeyMaterial')), 'hex');
    const outside = createPublicKey({ key: material, format: 'der', type: 'spki' });
    t.is(String(outside.asymmetricKeyType), name.toLowerCase());
    t.is((await world.ask('Get', [id(privateKey)])).result, 'Success');
    if (!name.startsWith('ML-DSA')) continue;
    const data = Buffer.from('what is signed');
    const signed = await world.ask('Sign', [id(privateKey), bytes('Data', data)]);
    const signature = Buffer.from(String(value(signed, 'SignatureData')), 'hex');
    t.true(verify(null, data, outside, signature), name);
    const check = async (what: Item): Promise<unknown> =>
      value(
        await world.ask('SignatureVerify', [
          ...[id(publicKey), what],
          bytes('SignatureData', signature),
        ]),
        'ValidityIndicator',
      );
    t.is(await check(bytes('Data', data)), 1);
    t.is(await check(bytes('Data', 'c0ffee')), 2);
  }
});

test('an ML-DSA key made elsewhere is registered and verifies', async (t) => {
  const world = scene(t);
  const made = generateKeyPairSync('ml-dsa-44');
  const der = made.publicKey.export({ format: 'der', type: 'spki' });
  const block = struct(
    'KeyBlock',
    enumerated('KeyFormatType', 5),
    struct('KeyValue', bytes('KeyMaterial', der)),
    algorithm(ExtensionAlgorithm.ML_DSA_44),
    integer('CryptographicLength', 1312 * 8),
  );
  const registered = await world.ask('Register', [
    enumerated('ObjectType', 3),
    template(active(world), mask('Verify')),
    struct('PublicKey', block),
  ]);
  t.is(registered.result, 'Success', registered.message);
  const data = Buffer.from('anything');
  const asked = [
    id(identifier(registered)),
    bytes('Data', data),
    bytes('SignatureData', sign(null, data, made.privateKey)),
  ];
  t.is(value(await world.ask('SignatureVerify', asked), 'ValidityIndicator'), 1);
});

test('§7.13: Query names the algorithms that KMIP has no numbers for', async (t) => {
  const world = scene(t);
  const ask = async (name: keyof typeof QueryFunction, version: [number, number]) =>
    world.ask('Query', [enumerated('QueryFunction', QueryFunction[name])], { version });
  const map = await ask('QueryExtensionMap', [2, 1]);
  t.is(map.payload.length, extensionAlgorithms.length);
  t.is(value(map, 'ExtensionName'), 'ML-KEM-512');
  t.is(value(map, 'ExtensionTag'), 0x420028);
  t.is(Number(value(map, 'ExtensionEnumeration')) >>> 0, ExtensionAlgorithm.ML_KEM_512);
  const list = await ask('QueryExtensionList', [2, 1]);
  t.is(found(list.payload, 'ExtensionTag'), undefined);
  t.is((await ask('QueryExtensionMap', [1, 4])).payload.length, 0);
});

test('X25519: both sides of a pair of pairs derive the same key', async (t) => {
  const world = scene(t);
  const curve = attribute(
    'Cryptographic Domain Parameters',
    struct(
      'CryptographicDomainParameters',
      enumerated('RecommendedCurve', RecommendedCurve.CURVE25519),
    ),
  );
  const [mine, yours] = [await pair(world, ECDH, curve), await pair(world, ECDH, curve)];
  const derive = async (privateKey: string, publicKey: string): Promise<unknown> => {
    const derived = await world.ask('DeriveKey', [
      enumerated('ObjectType', 2),
      ...[id(privateKey), id(publicKey)],
      enumerated('DerivationMethod', 8),
      struct('DerivationParameters'),
      template(
        attribute('Cryptographic Algorithm', algorithm(3)),
        attribute('Cryptographic Length', integer('CryptographicLength', 256)),
        mask('Encrypt'),
      ),
    ]);
    return value(await world.ask('Get', [id(identifier(derived))]), 'KeyMaterial');
  };
  const secret = await derive(mine[0], yours[1]);
  t.regex(String(secret), /^[\da-f]{64}$/);
  t.is(secret, await derive(yours[0], mine[1]));
});
