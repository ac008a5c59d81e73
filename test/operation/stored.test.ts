import test from 'ava';
import { CryptographicAlgorithm, KeyFormatType } from '../../appliance/kmip/enumeration.ts';
import { nameOf, ObjectType } from '../../appliance/kmip/enumeration.ts';
import { objectTag } from '../../appliance/kmip/object.ts';
import { encode } from '../../appliance/ttlv/encode.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { Asker } from '../conformance/error/asker.ts';
import * as fit from '../conformance/error/fitting.ts';
import { bytes, enumerated, id, integer, struct } from '../harness/operations.ts';
import { nearServer } from '../harness/near-server.ts';

/** Whatever the server computes with or not: what a client brings, every version gets back. */
const versions = [100, 101, 102, 103, 104, 200, 201];
const F = KeyFormatType;
const T = ObjectType;

/** A Key Block around bytes that nobody looks into. */
const block = (format: number, algorithm: number, hex: string): Item =>
  struct(
    'KeyBlock',
    enumerated('KeyFormatType', format),
    struct('KeyValue', bytes('KeyMaterial', hex)),
    enumerated('CryptographicAlgorithm', algorithm),
    integer('CryptographicLength', hex.length * 4),
  );

const hex = '00112233445566778899aabbccddeeff';

test('§2.2: a key of every algorithm is stored and given out, in every version', async (t) => {
  const server = nearServer(t);
  const asker = new Asker(201, server.now(), (message) => server.exchange(message));
  const algorithms = Object.values(CryptographicAlgorithm);
  for (const algorithm of algorithms) {
    // No arithmetic has to hold for a key that is not used: the bytes are opaque to the server.
    const object = struct('SymmetricKey', block(F.Raw, algorithm, hex));
    const made = await fit.registered(asker, T.SymmetricKey, object, fit.usage(4));
    for (const version of versions) {
      const { payload, reason } = await asker.in(version).ask('Get', [id(made)]);
      const what = `${nameOf(CryptographicAlgorithm, algorithm)} in ${version}: ${reason}`;
      const given = payload.at(-1);
      t.deepEqual(given && encode(given), encode(object), what);
    }
  }
  t.true(algorithms.length > 50);
});

/** An object of each type, as strange as may be, and the first version that has it. */
const objects: readonly (readonly [type: number, object: Item, since: number])[] = [
  [T.SymmetricKey, struct('SymmetricKey', block(F.Opaque, CryptographicAlgorithm.MARS, hex)), 100],
  [T.PublicKey, struct('PublicKey', block(F.Opaque, CryptographicAlgorithm.ECMQV, hex)), 100],
  [T.PrivateKey, struct('PrivateKey', block(F.Opaque, CryptographicAlgorithm.ECMQV, hex)), 100],
  [
    T.SplitKey,
    struct(
      'SplitKey',
      integer('SplitKeyParts', 3),
      integer('KeyPartIdentifier', 2),
      integer('SplitKeyThreshold', 2),
      enumerated('SplitKeyMethod', 1),
      block(F.Raw, CryptographicAlgorithm.Twofish, hex),
    ),
    100,
  ],
  [
    T.Certificate,
    // A certificate of PGP is kept as it is.
    struct('Certificate', enumerated('CertificateType', 2), bytes('CertificateValue', hex)),
    100,
  ],
  [T.SecretData, fit.secretObject('a password'), 100],
  [
    T.OpaqueObject,
    struct('OpaqueObject', enumerated('OpaqueDataType', 0x80000001), bytes('OpaqueDataValue', hex)),
    100,
  ],
  [
    T.PGPKey,
    struct('PGPKey', integer('PGPKeyVersion', 4), block(F.Raw, CryptographicAlgorithm.RSA, hex)),
    102,
  ],
  [
    T.CertificateRequest,
    struct(
      'CertificateRequest',
      enumerated('CertificateRequestType', 1),
      bytes('CertificateRequestValue', hex),
    ),
    200,
  ],
];

for (const version of versions) {
  test(`${version}: an object of each type comes back as it was`, async (t) => {
    const server = nearServer(t);
    const asker = new Asker(version, server.now(), (message) => server.exchange(message));
    for (const [type, object, since] of objects) {
      if (since > version) continue;
      const what = nameOf(T, type);
      const usage = type === T.OpaqueObject ? [] : [fit.usage(4)];
      const made = await fit.registered(asker, type, object, ...usage);
      const { payload } = await asker.ask('Get', [id(made)]);
      const given = payload.at(-1);
      t.deepEqual(given && encode(given), encode(object), what);
      t.is(payload[0]?.value, type, what);
    }
  });
}

test('these are all types but the template, which holds nothing', (t) => {
  const told = objects.map(([, object]) => object.tag);
  const all = Object.entries(objectTag).filter(([type]) => Number(type) !== T.Template);
  t.deepEqual(told.toSorted(), all.map(([, tag]) => tag).toSorted());
});
