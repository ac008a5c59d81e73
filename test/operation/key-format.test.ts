import { createDecipheriv } from 'node:crypto';
import test from 'ava';
import { KeyFormatType, nameOf, ObjectType } from '../../appliance/kmip/enumeration.ts';
import { CryptographicUsageMask } from '../../appliance/kmip/mask.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { decode } from '../../appliance/ttlv/decode.ts';
import { encode } from '../../appliance/ttlv/encode.ts';
import { Asker } from '../conformance/error/asker.ts';
import { find } from '../conformance/scene.ts';
import { bytes, date, enumerated, id, integer, struct } from '../harness/operations.ts';
import { nearServer } from '../harness/near-server.ts';

const format = (value: number): Item => enumerated('KeyFormatType', value);
const aes: readonly Item[] = [
  enumerated('CryptographicAlgorithm', 3),
  integer('CryptographicLength', 128),
  integer('CryptographicUsageMask', 12),
];
const symmetric = enumerated('ObjectType', ObjectType.SymmetricKey);

test('§4.26: a new key is kept in the format that is asked for, or is not made', async (t) => {
  const server = nearServer(t);
  const asker = new Asker(201, server.now(), (message) => server.exchange(message));
  const { Raw, TransparentSymmetricKey, PKCS_1, PKCS_8, X_509 } = KeyFormatType;
  const formatOf = async (object: string): Promise<[said: unknown, given: unknown]> => {
    const said = await asker.ask('GetAttributes', [
      id(object),
      enumerated('AttributeReference', Tag.KeyFormatType),
    ]);
    const given = await asker.ask('Get', [id(object)]);
    const value = ({ payload }: typeof said): unknown =>
      find(struct('ResponsePayload', ...payload), Tag.KeyFormatType)?.value;
    return [value(said), value(given)];
  };
  for (const wanted of [undefined, Raw, TransparentSymmetricKey]) {
    const asked = wanted === undefined ? [] : [format(wanted)];
    const [object = ''] = await asker.made('Create', [
      symmetric,
      struct('Attributes', ...aes, ...asked),
    ]);
    t.deepEqual(await formatOf(object), [wanted ?? Raw, wanted ?? Raw]);
  }
  const refused = await asker.ask('Create', [
    symmetric,
    struct('Attributes', ...aes, format(PKCS_8)),
  ]);
  t.is(refused.reason, 'InvalidAttributeValue');

  const pair = (mine: number, theirs: number): readonly Item[] => [
    struct(
      'CommonAttributes',
      enumerated('CryptographicAlgorithm', 4),
      integer('CryptographicLength', 2048),
    ),
    struct('PrivateKeyAttributes', integer('CryptographicUsageMask', 1), format(mine)),
    struct('PublicKeyAttributes', integer('CryptographicUsageMask', 2), format(theirs)),
  ];
  for (const [mine, theirs] of [
    [PKCS_8, X_509],
    [PKCS_1, PKCS_1],
    [KeyFormatType.TransparentRSAPrivateKey, KeyFormatType.TransparentRSAPublicKey],
  ] as const) {
    const [privateKey = '', publicKey = ''] = await asker.made('CreateKeyPair', pair(mine, theirs));
    t.deepEqual(await formatOf(privateKey), [mine, mine], nameOf(KeyFormatType, mine));
    t.deepEqual(await formatOf(publicKey), [theirs, theirs], nameOf(KeyFormatType, theirs));
  }
  t.is((await asker.ask('CreateKeyPair', pair(X_509, X_509))).reason, 'InvalidAttributeValue');
});

test('§3.1.6: attributes travel with a wrapped key, in 2.x in one structure', async (t) => {
  const server = nearServer(t);
  const asker = new Asker(201, server.now(), (message) => server.exchange(message));
  const key = Buffer.alloc(16, 7);
  const register = async (material: Buffer, mask: number): Promise<string> => {
    const block = struct(
      'KeyBlock',
      format(KeyFormatType.Raw),
      struct('KeyValue', bytes('KeyMaterial', material)),
      enumerated('CryptographicAlgorithm', 3),
      integer('CryptographicLength', 128),
    );
    const said = [
      integer('CryptographicUsageMask', mask),
      date('ActivationDate', server.now() - 1),
    ];
    const [object = ''] = await asker.made('Register', [
      symmetric,
      struct('Attributes', ...said),
      struct('SymmetricKey', block),
    ]);
    return object;
  };
  const { WrapKey, Encrypt } = CryptographicUsageMask;
  const wrapping = await register(key, WrapKey);
  const object = await register(Buffer.alloc(16, 9), Encrypt);
  const specification = struct(
    'KeyWrappingSpecification',
    enumerated('WrappingMethod', 1),
    struct('EncryptionKeyInformation', id(wrapping)),
    enumerated('AttributeReference', Tag.CryptographicUsageMask),
    enumerated('AttributeReference', Tag.State),
  );
  const { reason, payload } = await asker.ask('Get', [id(object), specification]);
  t.is(reason, 'Success');
  const sealed = find(struct('ResponsePayload', ...payload), Tag.KeyValue);
  if (sealed?.type !== 'ByteString') return t.fail();
  // RFC 3394, with its own initial value.
  const opener = createDecipheriv('aes128-wrap', key, Buffer.alloc(8, 0xa6));
  const value = decode(Buffer.concat([opener.update(sealed.value), opener.final()]));
  const attributes = find(value, Tag.Attributes);
  t.is(find(value, Tag.Attribute), undefined);
  t.deepEqual(
    attributes?.type === 'Structure' ? attributes.value.map(({ tag }) => tag).toSorted() : [],
    [Tag.CryptographicUsageMask, Tag.State].toSorted(),
  );
});

test('§4.3: a key is taken and given back although no arithmetic holds for it', async (t) => {
  const server = nearServer(t);
  const asker = new Asker(201, server.now(), (message) => server.exchange(message));
  // Its length is a multiple of 8 bytes, and its first bit a sign.
  const big = (name: keyof typeof Tag, hex: string): Item => {
    const value = Buffer.from(hex.padStart(Math.ceil((hex.length + 1) / 16) * 16, '0'), 'hex');
    return { tag: Tag[name], type: 'BigInteger', value };
  };
  const { TransparentRSAPrivateKey, PKCS_1, PKCS_8 } = KeyFormatType;
  const fields = [
    big('Modulus', `c1${'5a'.repeat(127)}`),
    big('PrivateExponent', '77'.repeat(128)),
    big('PublicExponent', '10001'),
    ...[big('P', '66'.repeat(64)), big('Q', '44'.repeat(64))],
    ...[big('PrimeExponentP', '12'.repeat(64)), big('PrimeExponentQ', '14'.repeat(64))],
    big('CRTCoefficient', '16'.repeat(64)),
  ];
  const material = struct('KeyMaterial', ...fields);
  const block = struct(
    'KeyBlock',
    format(TransparentRSAPrivateKey),
    struct('KeyValue', material),
    enumerated('CryptographicAlgorithm', 4),
    integer('CryptographicLength', 1024),
  );
  const [object = ''] = await asker.made('Register', [
    enumerated('ObjectType', ObjectType.PrivateKey),
    struct('Attributes', integer('CryptographicUsageMask', CryptographicUsageMask.Sign)),
    struct('PrivateKey', block),
  ]);
  const given = await asker.ask('Get', [id(object)]);
  const back = find(struct('ResponsePayload', ...given.payload), Tag.KeyMaterial);
  t.deepEqual(back && encode(back), encode(material));
  for (const wanted of [PKCS_1, PKCS_8]) {
    const { reason, payload } = await asker.ask('Get', [id(object), format(wanted)]);
    t.is(reason, 'Success', nameOf(KeyFormatType, wanted));
    const bytes = find(struct('ResponsePayload', ...payload), Tag.KeyMaterial);
    t.is(bytes?.type, 'ByteString');
  }
});
