import test from 'ava';
import { DerivationMethod, HashingAlgorithm } from '../../appliance/kmip/enumeration.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { attribute, bytes, date, enumerated, flag, found, id } from '../harness/operations.ts';
import { identifier, integer, mask, scene, struct, symmetricKey } from '../harness/operations.ts';
import { template, text, value } from '../harness/operations.ts';
import type { Reply, Scene } from '../harness/operations.ts';

const hash = (name: keyof typeof HashingAlgorithm): Item =>
  struct('CryptographicParameters', enumerated('HashingAlgorithm', HashingAlgorithm[name]));

function derive(
  { ask }: Scene,
  base: string,
  method: keyof typeof DerivationMethod,
  bits: number,
  ...parameters: readonly Item[]
): Promise<Reply> {
  return ask(
    'DeriveKey',
    [
      enumerated('ObjectType', 2),
      id(base),
      enumerated('DerivationMethod', DerivationMethod[method]),
      struct('DerivationParameters', ...parameters),
      template(
        attribute('Cryptographic Algorithm', enumerated('CryptographicAlgorithm', 3)),
        attribute('Cryptographic Length', integer('CryptographicLength', bits)),
        mask('Encrypt'),
      ),
    ],
    { version: [1, 4] },
  );
}

async function material({ ask }: Scene, reply: Reply): Promise<unknown> {
  return value(await ask('Get', [id(identifier(reply))]), 'KeyMaterial');
}

test('§4.6: Secret Data is derived to the length that is asked for, and has none', async (t) => {
  const world = scene(t);
  const key = await symmetricKey(world, '0b'.repeat(20), mask('DeriveKey'));
  const reply = await world.ask('DeriveKey', [
    enumerated('ObjectType', 7),
    id(key),
    enumerated('DerivationMethod', DerivationMethod.HMAC),
    struct(
      'DerivationParameters',
      hash('SHA_256'),
      bytes('DerivationData', Buffer.from('Hi There')),
    ),
    template(
      attribute('Cryptographic Length', integer('CryptographicLength', 128)),
      mask('DeriveKey'),
    ),
  ]);
  t.is(await material(world, reply), 'b0344c61d8db38535ca8afceaf0bf12b');
  const list = await world.ask('GetAttributeList', [id(identifier(reply))]);
  const names = list.payload.map((each) => each.value);
  t.false(names.includes('Cryptographic Length'));
});

test('§3.48, §3.50, §4.6: data is no way out for what may not leave', async (t) => {
  const world = scene(t);
  const use = mask('DeriveKey');
  const own = await symmetricKey(world, '00'.repeat(16), use);
  const open = await symmetricKey(world, 'ab'.repeat(16), use);
  const kept = attribute('Extractable', flag('Extractable', false));
  const sensitive = attribute('Sensitive', flag('Sensitive', true));
  const from = (...bases: readonly string[]): Promise<Reply> =>
    world.ask('DeriveKey', [
      enumerated('ObjectType', 7),
      ...bases.map(id),
      enumerated('DerivationMethod', DerivationMethod.ENCRYPT),
      struct(
        'DerivationParameters',
        struct(
          'CryptographicParameters',
          enumerated('BlockCipherMode', 2),
          enumerated('PaddingMethod', 1),
        ),
      ),
      template(attribute('Cryptographic Length', integer('CryptographicLength', 128)), use),
    ]);
  t.is((await from(own, open)).result, 'Success');
  t.is(
    (await from(own, await symmetricKey(world, 'cd'.repeat(16), use, kept))).result,
    'NotExtractable',
  );
  t.is(
    (await from(own, await symmetricKey(world, 'ef'.repeat(16), use, sensitive))).result,
    'Sensitive',
  );
  t.is((await from(own, open, open)).result, 'InvalidField');
});

test('§4.6: PBKDF2, HMAC, HASH and SP 800-108 give what their vectors say', async (t) => {
  const world = scene(t);
  const password = await symmetricKey(world, Buffer.from('password'), mask('DeriveKey'));
  const salt = bytes('Salt', Buffer.from('salt'));
  const two = await derive(
    ...([world, password, 'PBKDF2', 160] as const),
    ...[hash('SHA_1'), salt, integer('IterationCount', 2)],
  );
  // RFC 6070 §2, the second vector.
  t.is(await material(world, two), 'ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957');
  const key = await symmetricKey(world, '0b'.repeat(20), mask('DeriveKey'));
  const data = bytes('DerivationData', Buffer.from('Hi There'));
  const hmac = await derive(world, key, 'HMAC', 256, hash('SHA_256'), data);
  // RFC 4231 §4.2.
  const expected = 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7';
  t.is(await material(world, hmac), expected);
  const long = await derive(world, key, 'HMAC', 512, hash('SHA_256'), data);
  t.is(long.result, 'CryptographicFailure');
  for (const method of ['NIST800_108_C', 'NIST800_108_F', 'NIST800_108_DPI'] as const) {
    const one = await derive(world, key, method, 512, hash('SHA_256'), data);
    const again = await derive(world, key, method, 512, hash('SHA_256'), data);
    t.is(await material(world, one), await material(world, again));
  }
  const links = await world.ask('GetAttributes', [id(key), text('AttributeName', 'Link')]);
  t.is(links.payload.filter(({ tag }) => tag === 0x420008).length, 7);
  const back = await world.ask('GetAttributes', [
    id(identifier(hmac)),
    text('AttributeName', 'Link'),
  ]);
  t.is(value(back, 'LinkedObjectIdentifier'), key);
});

test('§4.6: what may not derive does not', async (t) => {
  const world = scene(t);
  const key = await symmetricKey(world, '0b'.repeat(16), mask('Encrypt'));
  const refused = await derive(world, key, 'HMAC', 128, hash('SHA_256'));
  t.is(refused.result, 'InvalidField');
  const fine = await symmetricKey(world, '0b'.repeat(16), mask('DeriveKey'));
  t.is((await derive(world, fine, 'PBKDF2', 128)).result, 'InvalidField');
  const endless = [bytes('Salt', Buffer.from('salt')), integer('IterationCount', 10_000_000)];
  t.is((await derive(world, fine, 'PBKDF2', 8192, ...endless)).result, 'InvalidField');
});

test('§4.24: a chain is valid in its time, and not with a certificate of another', async (t) => {
  const world = scene(t);
  const certificateOf = async (): Promise<string> => {
    const made = await world.ask('CreateKeyPair', [
      struct(
        'CommonTemplateAttribute',
        attribute('Cryptographic Algorithm', enumerated('CryptographicAlgorithm', 6)),
        attribute('Cryptographic Length', integer('CryptographicLength', 256)),
      ),
      struct('PrivateKeyTemplateAttribute', mask('Sign')),
      struct('PublicKeyTemplateAttribute', mask('Verify')),
    ]);
    const publicKey = String(value(made, 'PublicKeyUniqueIdentifier'));
    return identifier(await world.ask('Certify', [id(publicKey), template()]));
  };
  const leaf = await certificateOf();
  const located = await world.ask('Locate', [
    attribute('Object Type', enumerated('ObjectType', 1)),
  ]);
  const root = located.payload.map((item) => item.value as string).find((each) => each !== leaf);
  const judge = async (...items: readonly Item[]): Promise<unknown> =>
    value(await world.ask('Validate', items), 'ValidityIndicator');
  t.is(await judge(id(leaf), id(root ?? '')), 1);
  t.is(await judge(id(leaf)), 2);
  const late = date('ValidityDate', world.now() + 40 * 365 * 86_400);
  t.is(await judge(id(leaf), id(root ?? ''), late), 2);
  const got = await world.ask('Get', [id(root ?? '')]);
  const given = found(got.payload, 'Certificate');
  t.is(await judge(...(given === undefined ? [] : [given]), id(leaf)), 1);
  t.is((await world.ask('Validate', [])).result, 'InvalidMessage');
});
