import { createHash } from 'node:crypto';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { KeyFormatType, nameOf } from '../../appliance/kmip/enumeration.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { Asker } from '../conformance/error/asker.ts';
import type { OperationName } from '../conformance/error/asker.ts';
import * as fit from '../conformance/error/fitting.ts';
import { find, findAll, textOf } from '../conformance/scene.ts';
import { enumerated, flag, id, integer, interval, struct, text } from '../harness/operations.ts';
import { nearServer } from '../harness/near-server.ts';
import type { NearServer } from '../harness/near-server.ts';

/** What comes in another's place: Re-key, Re-key Key Pair and Re-certify. */
function world(t: ExecutionContext, version = 201): { server: NearServer; asker: Asker } {
  const server = nearServer(t);
  const exchange = (message: Item): Promise<Item> => server.exchange(message);
  return { server, asker: new Asker(version, server.now(), exchange) };
}

async function attributesOf(asker: Asker, object: string): Promise<Item> {
  const { payload } = await asker.ask('GetAttributes', [id(object)]);
  return struct('ResponsePayload', ...payload);
}

const rotateName = struct(
  'RotateName',
  text('RotateNameValue', 'the volume’s'),
  enumerated('RotateNameType', 1),
);

interface Kind {
  readonly operation: OperationName;
  readonly make: (asker: Asker) => Promise<string>;
  readonly replace: (asker: Asker, object: string) => Promise<string>;
}

const kinds: readonly Kind[] = [
  {
    operation: 'ReKey',
    make: (asker) => fit.key(asker),
    replace: async (asker, object) => (await asker.made('ReKey', [id(object)]))[0] ?? '',
  },
  {
    operation: 'ReKeyKeyPair',
    make: async (asker) => (await fit.pair(asker))[0] ?? '',
    replace: async (asker, object) => {
      const asked = [text('PrivateKeyUniqueIdentifier', object)];
      return (await asker.made('ReKeyKeyPair', asked))[0] ?? '';
    },
  },
  {
    operation: 'ReCertify',
    make: async (asker) => (await fit.fitting(asker, 'ReCertify'))[0] ?? '',
    replace: async (asker, object) => (await asker.made('ReCertify', [id(object)]))[0] ?? '',
  },
];

for (const { operation, make, replace } of kinds) {
  test(`2.1 §4.47 to §4.53: ${operation} counts generations, and one is the latest`, async (t) => {
    const { server, asker } = world(t);
    const first = await make(asker);
    for (const given of [rotateName, interval('RotateInterval', 60), interval('RotateOffset', 5)]) {
      await asker.made('AddAttribute', [id(first), struct('NewAttribute', given)]);
    }
    const all = [first];
    t.is(find(await attributesOf(asker, first), Tag.RotateGeneration), undefined);
    for (const generation of [1, 2, 3]) {
      server.wait(100);
      const made = await replace(asker, all.at(-1) ?? '');
      all.push(made);
      const said = await attributesOf(asker, made);
      t.is(find(said, Tag.RotateGeneration)?.value, generation);
      t.is(find(said, Tag.RotateDate)?.value, BigInt(server.now()));
      // What the client said of the rotation is said of what comes after too.
      t.is(find(said, Tag.RotateNameValue)?.value, 'the volume’s');
      t.is(find(said, Tag.RotateInterval)?.value, 60);
      t.is(find(said, Tag.RotateOffset)?.value, 5);
      const latest: unknown[] = [];
      for (const each of all) {
        latest.push(find(await attributesOf(asker, each), Tag.RotateLatest)?.value);
      }
      t.deepEqual(latest, [...all.slice(1).map(() => false), true]);
      const wanted = struct('Attributes', rotateName, flag('RotateLatest', true));
      const { payload } = await asker.ask('Locate', [wanted]);
      const located = payload.filter(({ tag }) => tag === Tag.UniqueIdentifier).map(textOf);
      t.true(located.includes(made));
      t.false(all.slice(0, -1).some((each) => located.includes(each)));
      // Older clients are not told.
      t.is(find(await attributesOf(asker.in(200), made), Tag.RotateLatest), undefined);
    }
  });

  test(`${operation}: what was replaced is not replaced again`, async (t) => {
    const { asker } = world(t);
    const first = await make(asker);
    const second = await replace(asker, first);
    const asked =
      operation === 'ReKeyKeyPair' ? text('PrivateKeyUniqueIdentifier', first) : id(first);
    for (const version of [101, 104, 200, 201]) {
      const { reason } = await asker.in(version).ask(operation, [asked]);
      t.is(reason, 'PermissionDenied');
    }
    const said = await attributesOf(asker, first);
    t.is(find(said, Tag.RotateLatest)?.value, false);
    const links = findAll(said, Tag.LinkedObjectIdentifier).map(textOf);
    t.is(links.filter((name) => name === second).length, 1);
  });
}

test('2.1 §4.47: the server does not promise to rotate by itself', async (t) => {
  const { asker } = world(t);
  const made = await fit.key(asker);
  const automatic = (value: boolean): Item =>
    struct('NewAttribute', flag('RotateAutomatic', value));
  const { reason } = await asker.ask('AddAttribute', [id(made), automatic(true)]);
  t.is(reason, 'FeatureNotSupported');
  t.is((await asker.ask('AddAttribute', [id(made), automatic(false)])).reason, 'Success');
});

const F = KeyFormatType;
const format = (value: number): Item => enumerated('KeyFormatType', value);

/** What Get gives is of, what the Digest is of, and whether it is the digest of those bytes. */
async function digested(
  asker: Asker,
  object: string,
): Promise<[kept: string, of: string, boolean]> {
  const digest = find(await attributesOf(asker, object), Tag.Digest);
  const of = digest && find(digest, Tag.KeyFormatType)?.value;
  const said = digest && find(digest, Tag.DigestValue);
  const given = async (...more: readonly Item[]): Promise<Item> => {
    const { payload } = await asker.ask('Get', [id(object), ...more]);
    return struct('ResponsePayload', ...payload);
  };
  const kept = find(await given(), Tag.KeyFormatType)?.value;
  const material = find(await given(format(Number(of))), Tag.KeyMaterial);
  const bytes = material?.type === 'ByteString' ? material.value : Buffer.alloc(0);
  const right = createHash('sha256').update(bytes).digest();
  const isRight = said?.type === 'ByteString' && right.equals(said.value);
  return [nameOf(F, Number(kept)), nameOf(F, Number(of)), isRight];
}

const RSA = 4;
const ECDSA = 6;
const Ed25519 = 0x37;

/** Pairs by algorithm, the formats asked for, and those that their digests are then of. */
const pairs: readonly (readonly [
  algorithm: number,
  formats: readonly [number, number],
  digests: readonly [number, number],
])[] = [
  [RSA, [F.PKCS_1, F.PKCS_1], [F.PKCS_1, F.PKCS_1]],
  [RSA, [F.PKCS_8, F.X_509], [F.PKCS_8, F.X_509]],
  [RSA, [F.TransparentRSAPrivateKey, F.TransparentRSAPublicKey], [F.PKCS_1, F.PKCS_1]],
  [ECDSA, [F.ECPrivateKey, F.X_509], [F.ECPrivateKey, F.X_509]],
  [ECDSA, [F.TransparentECPrivateKey, F.TransparentECPublicKey], [F.PKCS_8, F.X_509]],
  [Ed25519, [F.Raw, F.Raw], [F.Raw, F.Raw]],
  [Ed25519, [F.PKCS_8, F.X_509], [F.PKCS_8, F.X_509]],
];

test('§3.17, 2.1 §4.26: what is re-keyed keeps its format, and its Digest is of it', async (t) => {
  const { asker } = world(t);
  for (const [algorithm, formats, digests] of pairs) {
    const kind = [
      enumerated('CryptographicAlgorithm', algorithm),
      ...(algorithm === Ed25519
        ? []
        : [integer('CryptographicLength', algorithm === RSA ? 2048 : 256)]),
    ];
    const made = await asker.made('CreateKeyPair', [
      struct('CommonAttributes', ...kind),
      struct('PrivateKeyAttributes', integer('CryptographicUsageMask', 1), format(formats[0])),
      struct('PublicKeyAttributes', integer('CryptographicUsageMask', 2), format(formats[1])),
    ]);
    const asked = [text('PrivateKeyUniqueIdentifier', made[0] ?? '')];
    const renewed = await asker.made('ReKeyKeyPair', asked);
    for (const half of [0, 1] as const) {
      const wanted = [nameOf(F, formats[half]), nameOf(F, digests[half]), true] as const;
      t.deepEqual(await digested(asker, made[half] ?? ''), [...wanted]);
      t.deepEqual(await digested(asker, renewed[half] ?? ''), [...wanted]);
    }
  }
  const [open = ''] = await asker.made('Create', [
    enumerated('ObjectType', 2),
    struct('Attributes', ...asker.list(fit.keyAttributes()), format(F.TransparentSymmetricKey)),
  ]);
  const [renewed = ''] = await asker.made('ReKey', [id(open)]);
  for (const each of [open, renewed]) {
    t.deepEqual(await digested(asker, each), ['TransparentSymmetricKey', 'Raw', true]);
  }
  // Another format may be asked for.
  const [raw = ''] = await asker.made('ReKey', [id(renewed), struct('Attributes', format(F.Raw))]);
  t.deepEqual(await digested(asker, raw), ['Raw', 'Raw', true]);
});
