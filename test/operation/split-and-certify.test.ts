import { X509Certificate } from 'node:crypto';
import test from 'ava';
import { joinShares, splitSecret } from '../../appliance/cryptography/split.ts';
import { SplitKeyMethod } from '../../appliance/kmip/enumeration.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { attribute, enumerated, flag, id, identifier, integer } from '../harness/operations.ts';
import { mask, scene, struct, symmetricKey, template, text, value } from '../harness/operations.ts';
import type { Reply } from '../harness/operations.ts';

const { XOR, PolynomialSharingGF28 } = SplitKeyMethod;
const secret = Buffer.from('00112233445566778899aabbccddeeff', 'hex');

test('any threshold of parts gives the secret back, and one part less does not', (t) => {
  let counter = 7;
  const random = (size: number): Buffer =>
    Buffer.from(Array.from({ length: size }, () => (counter = (counter * 73 + 41) % 251)));
  const shares = splitSecret(PolynomialSharingGF28, secret, 5, 3, random);
  for (const [a, b, c] of [
    [0, 1, 2],
    [4, 2, 0],
    [1, 3, 4],
  ] as const) {
    const three = [shares[a], shares[b], shares[c]].filter((share) => share !== undefined);
    t.deepEqual(joinShares(PolynomialSharingGF28, three), secret);
  }
  t.notDeepEqual(joinShares(PolynomialSharingGF28, shares.slice(0, 2)), secret);
  t.deepEqual(joinShares(XOR, splitSecret(XOR, secret, 4, 4, random)), secret);
  const large = Buffer.alloc(1 << 20);
  t.throws(() => splitSecret(PolynomialSharingGF28, large, 255, 255, random));
  const many = Array.from({ length: 255 }, (_, i) => ({ part: i + 1, bytes: large }));
  t.throws(() => joinShares(PolynomialSharingGF28, many));
});

const identifiers = (reply: Reply): string[] =>
  reply.payload.filter(({ tag }) => tag === 0x420094).map((item) => item.value as string);

const splitting = (object: string, method: number, parts: number, threshold: number): Item[] => [
  enumerated('ObjectType', 5),
  id(object),
  integer('SplitKeyParts', parts),
  integer('SplitKeyThreshold', threshold),
  enumerated('SplitKeyMethod', method),
];

test('§4.38, §4.39: a key is split and joined; too few or foreign parts are refused', async (t) => {
  const world = scene(t);
  const key = await symmetricKey(world, secret, mask('Encrypt'));
  const parts = identifiers(
    await world.ask('CreateSplitKey', splitting(key, PolynomialSharingGF28, 4, 3)),
  );
  t.is(parts.length, 4);
  const join = (chosen: readonly string[], group = 'default'): Promise<Reply> =>
    world.ask('JoinSplitKey', [enumerated('ObjectType', 2), ...chosen.map(id)], { group });
  const joined = await join(parts.slice(1));
  const got = await world.ask('Get', [id(identifier(joined))]);
  t.is(value(got, 'KeyMaterial'), secret.toString('hex'));
  t.is(value(got, 'CryptographicLength'), 128);
  t.is((await join(parts.slice(2))).result, 'CryptographicFailure');
  t.is((await join([...parts.slice(0, 2), parts[0] ?? ''])).result, 'InvalidField');
  t.is((await join([...parts.slice(0, 2), key])).result, 'InvalidField');
  t.is((await join(parts, 'others')).result, 'ItemNotFound');
  const hidden = await symmetricKey(world, secret, attribute('Sensitive', flag('Sensitive', true)));
  const refused = await world.ask('CreateSplitKey', splitting(hidden, XOR, 2, 2));
  t.is(refused.result, 'Sensitive');
  t.is((await world.ask('CreateSplitKey', splitting(key, 3, 3, 2))).result, 'InvalidField');
});

test('§3.48, §3.50: of parts that may not leave no key is joined that may', async (t) => {
  const world = scene(t);
  const [, ...how] = splitting('', XOR, 2, 2).slice(1);
  for (const [name, said, reason] of [
    ['Extractable', false, 'NotExtractable'],
    ['Sensitive', true, 'Sensitive'],
  ] as const) {
    const parts = identifiers(
      await world.ask('CreateSplitKey', [
        enumerated('ObjectType', 5),
        ...how,
        template(
          attribute('Cryptographic Algorithm', enumerated('CryptographicAlgorithm', 3)),
          attribute('Cryptographic Length', integer('CryptographicLength', 128)),
          attribute(name, flag(name, said)),
        ),
      ]),
    );
    t.is(parts.length, 2, name);
    t.is((await world.ask('Get', [id(parts[0] ?? '')])).result, reason);
    const wish = template(attribute(name, flag(name, !said)));
    const joined = await world.ask('JoinSplitKey', [
      enumerated('ObjectType', 2),
      ...parts.map(id),
      wish,
    ]);
    t.is(joined.result, 'Success', name);
    t.is((await world.ask('Get', [id(identifier(joined))])).result, reason);
  }
});

test('§4.7, §4.8: a certificate is signed by the group’s authority, and again', async (t) => {
  const world = scene(t);
  const made = await world.ask('CreateKeyPair', [
    struct(
      'CommonTemplateAttribute',
      attribute('Cryptographic Algorithm', enumerated('CryptographicAlgorithm', 4)),
      attribute('Cryptographic Length', integer('CryptographicLength', 2048)),
    ),
    struct('PrivateKeyTemplateAttribute', mask('Sign')),
    struct('PublicKeyTemplateAttribute', mask('Verify')),
  ]);
  const publicKey = String(value(made, 'PublicKeyUniqueIdentifier'));
  const certify = async (): Promise<string> =>
    identifier(await world.ask('Certify', [id(publicKey), template()]));
  const read = async (object: string): Promise<X509Certificate> => {
    const got = await world.ask('Get', [id(object)]);
    return new X509Certificate(Buffer.from(String(value(got, 'CertificateValue')), 'hex'));
  };
  const first = await certify();
  const certificate = await read(first);
  const authorities = await world.ask('Locate', [
    attribute('Object Type', enumerated('ObjectType', 1)),
  ]);
  const all = await Promise.all(identifiers(authorities).map(read));
  const issuer = all.find(({ ca }) => ca);
  t.true(issuer !== undefined && certificate.verify(issuer.publicKey));
  t.false(certificate.ca);
  // The group has its authority now: the next certificate is of the same.
  const second = await read(await certify());
  t.true(issuer !== undefined && second.verify(issuer.publicKey));
  const again = await world.ask('ReCertify', [id(first), template()]);
  t.is(again.result, 'Success');
  const third = await read(identifier(again));
  t.not(third.serialNumber, certificate.serialNumber);
  t.is(third.subject, certificate.subject);
  t.true(issuer !== undefined && third.verify(issuer.publicKey));
});

test('2.x: Ping, Log and Interop are answered, and not before their version', async (t) => {
  const world = scene(t);
  t.is((await world.ask('Ping', [], { version: [2, 1] })).result, 'Success');
  t.is((await world.ask('Ping', [], { version: [2, 0] })).result, 'OperationNotSupported');
  const said = [text('LogMessage', 'hello')];
  t.is((await world.ask('Log', said, { version: [2, 0] })).result, 'Success');
  t.is((await world.ask('Log', said)).result, 'OperationNotSupported');
  const begin = [enumerated('InteropFunction', 1), text('InteropIdentifier', 'case')];
  t.is((await world.ask('Interop', begin, { version: [2, 0] })).result, 'Success');
});
