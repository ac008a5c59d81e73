import test from 'ava';
import {
  BlockCipherMode,
  HashingAlgorithm,
  PaddingMethod,
} from '../../appliance/kmip/enumeration.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { attribute, bytes, date, enumerated, flag, id, integer } from '../harness/operations.ts';
import { long, mask, scene, struct, symmetricKey, value } from '../harness/operations.ts';

const key = '000102030405060708090a0b0c0d0e0f';
const uses = mask('Encrypt', 'Decrypt', 'MACGenerate', 'MACVerify');
const parameters = (...items: readonly Item[]): Item => struct('CryptographicParameters', ...items);
const mode = (name: keyof typeof BlockCipherMode): Item =>
  enumerated('BlockCipherMode', BlockCipherMode[name]);
const padding = (name: keyof typeof PaddingMethod): Item =>
  enumerated('PaddingMethod', PaddingMethod[name]);
const iv = bytes('IVCounterNonce', 'ff'.repeat(16));

test('§4.29, §4.30: what each mode and padding encrypts, it decrypts', async (t) => {
  const world = scene(t);
  const object = await symmetricKey(world, key, uses);
  const data = Buffer.from('thirty-three bytes of plain text.');
  const modes = ['CBC', 'ECB', 'CFB', 'OFB', 'CTR', 'GCM', 'CCM'] as const;
  const paddings = ['PKCS5', 'ANSIX9_23', 'ISO10126', 'SSL3', 'Zeros'] as const;
  for (const name of modes) {
    for (const pad of name === 'CBC' || name === 'ECB' ? paddings : (['None'] as const)) {
      const said = parameters(mode(name), padding(pad), flag('RandomIV', true));
      const sent = [id(object), said, bytes('Data', data)];
      const sealed = await world.ask('Encrypt', sent);
      t.is(sealed.result, 'Success', `${name} ${pad}`);
      t.not(value(sealed, 'Data'), data.toString('hex'));
      t.is(value(sealed, 'IVCounterNonce') === undefined, name === 'ECB');
      const back = sealed.payload.filter(({ tag }) => tag !== 0x420094);
      const opened = await world.ask('Decrypt', [id(object), said, ...back]);
      t.is(value(opened, 'Data'), data.toString('hex'), `${name} ${pad}`);
    }
  }
});

test('§4.29: in pieces as in one, and no piece is another client’s', async (t) => {
  const world = scene(t);
  const object = await symmetricKey(world, key, uses);
  const said = parameters(mode('CBC'), padding('PKCS5'));
  const whole = await world.ask('Encrypt', [id(object), said, bytes('Data', 'ab'.repeat(50)), iv]);
  const start = [id(object), said, bytes('Data', 'ab'.repeat(20)), iv, flag('InitIndicator', true)];
  const begun = await world.ask('Encrypt', start);
  const correlation = bytes('CorrelationValue', String(value(begun, 'CorrelationValue')));
  const further = [bytes('Data', 'ab'.repeat(13)), correlation];
  const theirs = await world.ask('Encrypt', [id(object), ...further], { client: 'another' });
  t.is(theirs.result, 'ItemNotFound');
  const other = await world.ask('Decrypt', [id(object), ...further]);
  t.is(other.result, 'ItemNotFound');
  const second = await symmetricKey(world, 'ff'.repeat(16), uses);
  const elsewhere = await world.ask('Encrypt', [id(second), ...further]);
  t.is(elsewhere.result, 'ItemNotFound', 'what is decided for one key holds for no other');
  const middle = await world.ask('Encrypt', further);
  const last = [bytes('Data', 'ab'.repeat(17)), correlation, flag('FinalIndicator', true)];
  const end = await world.ask('Encrypt', last);
  const pieces = [begun, middle, end].map((reply) => value(reply, 'Data')).join('');
  t.is(value(whole, 'Data'), pieces);
  t.is((await world.ask('Encrypt', last)).result, 'ItemNotFound');
});

test('a stream that nobody goes on with ends', async (t) => {
  const world = scene(t);
  const object = await symmetricKey(world, key, uses);
  const start = [id(object), parameters(mode('ECB')), flag('InitIndicator', true)];
  const begun = await world.ask('Encrypt', start);
  world.wait(301);
  const correlation = bytes('CorrelationValue', String(value(begun, 'CorrelationValue')));
  t.is((await world.ask('Encrypt', [correlation])).result, 'ItemNotFound');
});

test('an altered byte of an AEAD gives nothing but Cryptographic Failure', async (t) => {
  const world = scene(t);
  const object = await symmetricKey(world, key, uses);
  for (const name of ['GCM', 'CCM'] as const) {
    const said = parameters(mode(name), flag('RandomIV', true));
    const additional = bytes('AuthenticatedEncryptionAdditionalData', 'aa55');
    const sealed = await world.ask('Encrypt', [id(object), said, bytes('Data', '11'), additional]);
    const [, data, nonce, tag] = sealed.payload as [Item, Item, Item, Item];
    const good = await world.ask('Decrypt', [id(object), said, data, nonce, additional, tag]);
    t.is(value(good, 'Data'), '11');
    const forged = bytes('AuthenticatedEncryptionAdditionalData', 'aa54');
    const bad = await world.ask('Decrypt', [id(object), said, data, nonce, forged, tag]);
    t.deepEqual([bad.result, bad.payload.length], ['CryptographicFailure', 0]);
    const none = await world.ask('Decrypt', [id(object), said, data, nonce, additional]);
    t.not(none.result, 'Success');
  }
});

test('§3.21: Usage Limits count what protects, and never more than they allow', async (t) => {
  const world = scene(t);
  const limit = struct(
    'UsageLimits',
    long('UsageLimitsTotal', 40n),
    enumerated('UsageLimitsUnit', 1),
  );
  const object = await symmetricKey(world, key, uses, attribute('Usage Limits', limit));
  const send = (size: number): Promise<string> =>
    world
      .ask('Encrypt', [id(object), parameters(mode('ECB')), bytes('Data', '00'.repeat(size))])
      .then(({ result }) => result);
  const results = await Promise.all([send(16), send(16), send(16), send(16)]);
  t.is(results.filter((result) => result === 'Success').length, 2);
  t.is(results.filter((result) => result === 'PermissionDenied').length, 2);
  const left = await world.ask('GetAttributes', [id(object)]);
  t.is(value(left, 'UsageLimitsCount'), 8n);
});

test('§3.22, §3.25, §3.26: states and dates say what a key may be used for', async (t) => {
  const world = scene(t);
  const at = (name: string, seconds: number): Item =>
    attribute(name, date('ActivationDate', world.now() + seconds));
  const stopped = await symmetricKey(world, key, uses, at('Protect Stop Date', -5));
  const unstarted = await symmetricKey(world, key, uses, at('Process Start Date', 50));
  const sealOnly = await symmetricKey(world, key, mask('Encrypt'));
  const sent = [parameters(mode('ECB')), bytes('Data', '00'.repeat(16))];
  const ask = async (operation: 'Encrypt' | 'Decrypt', object: string): Promise<string> =>
    (await world.ask(operation, [id(object), ...sent])).result;
  t.is(await ask('Encrypt', stopped), 'PermissionDenied');
  t.is(await ask('Decrypt', stopped), 'Success');
  t.is(await ask('Decrypt', unstarted), 'PermissionDenied');
  t.is(await ask('Encrypt', unstarted), 'Success');
  t.is(await ask('Decrypt', sealOnly), 'PermissionDenied');
  world.wait(50);
  t.is(await ask('Decrypt', unstarted), 'Success');
  const reason = struct('RevocationReason', enumerated('RevocationReasonCode', 1));
  await world.ask('Revoke', [id(unstarted), reason]);
  t.is(await ask('Encrypt', unstarted), 'PermissionDenied');
  t.is(await ask('Decrypt', unstarted), 'Success');
  t.is(
    (await world.ask('Encrypt', [id(sealOnly), ...sent], { group: 'x' })).result,
    'ItemNotFound',
  );
});

test('§4.33, §4.34, §4.37: a MAC is found right or wrong; a hash is its vector', async (t) => {
  const world = scene(t);
  const object = await symmetricKey(world, '2b7e151628aed2a6abf7158809cf4f3c', uses);
  const said = parameters(mode('CMAC'));
  const data = bytes('Data', '6bc1bee22e409f96e93d7e117393172a');
  const made = await world.ask('MAC', [id(object), said, data]);
  // RFC 4493 §4, example 2.
  t.is(value(made, 'MACData'), '070a16b46b4d4144f79bdd9dd04a287c');
  const check = async (code: string): Promise<unknown> =>
    value(
      await world.ask('MACVerify', [id(object), said, data, bytes('MACData', code)]),
      'ValidityIndicator',
    );
  t.is(await check('070a16b46b4d4144f79bdd9dd04a287c'), 1);
  t.is(await check('070a16b46b4d4144f79bdd9dd04a287d'), 2);
  const hashed = await world.ask('Hash', [
    parameters(enumerated('HashingAlgorithm', HashingAlgorithm.SHA_256)),
    bytes('Data', Buffer.from('abc')),
  ]);
  t.regex(String(value(hashed, 'Data')), /^ba7816bf8f01cfea/);
  const drawn = await world.ask('RNGRetrieve', [integer('DataLength', 24)]);
  t.is(String(value(drawn, 'Data')).length, 48);
});
