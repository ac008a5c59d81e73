import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { softhsm } from '../../appliance/service/software-token/softhsm.ts';
import { ckr, Shim } from '../harness/shim.ts';
import { encrypt } from './contract.ts';
import { refusalOf, TokenProcess } from './token-process.ts';

/**
 * What each vendor's module does differently, put on SoftHSM by the shim: the differences are those
 * that the vendor's file names, seen in its source or on an emulation, not on hardware.
 */
interface Setting {
  readonly process: TokenProcess;
  readonly shim: Shim;
  /** The vendor's ways from the next call on, with these orders besides. */
  readonly order: (...orders: readonly string[]) => void;
}

async function setting(
  t: ExecutionContext,
  ways: readonly string[],
  options: { readonly label: string; readonly serial?: string; readonly pin?: string },
): Promise<Setting> {
  let made: Shim | undefined;
  const process = await TokenProcess.start({
    ...options,
    deadline: 10_000,
    token: (folder) => {
      made = new Shim(folder);
      return Promise.resolve(made.before(softhsm(join(folder, 'softhsm'))));
    },
  });
  t.teardown(() => process.stop());
  const shim = made;
  if (shim === undefined) throw new Error('no shim');
  await process.answering();
  // As the vendor's own program leaves it: labelled, and with this PIN.
  const pin = Buffer.from(options.pin ?? '123456');
  const plain = ways.includes('pin-with-key-id') ? pin.subarray(4) : pin;
  await process.token.provision('made elsewhere', Buffer.from('654321'), plain);
  const order = (...orders: readonly string[]): void => {
    shim.order(...ways, ...orders);
  };
  order();
  process.kill();
  shim.forgetCalls();
  return { process, shim, order };
}

const cardHsm = [
  'say label SmartCard-HSM (UserPIN)',
  'say manufacturer www.CardContact.de',
  'say model PKCS#15 emulated',
  'say serial DENK0200123',
  'no-initialising',
  'attributes-after-login',
  'refuse-mechanism 1080',
];
const cardToken = { label: 'SmartCard-HSM (UserPIN)', serial: 'DENK0200123', pin: '648219' };

test('SmartCard-HSM: a key counts by its attributes after another login', async (t) => {
  const { process, shim } = await setting(t, cardHsm, cardToken);
  const token = await process.ready();
  t.is((await token.status()).vendor, 'SmartCard-HSM');
  shim.forgetCalls();
  const key = await token.makeRootKey('root');
  const names = shim.calls().map(({ name }) => name);
  const made = names.indexOf('C_GenerateKeyPair');
  t.true(made >= 0 && names.indexOf('C_Login', made) < names.indexOf('C_GetAttributeValue'));
  const sample = randomBytes(32);
  t.deepEqual(await token.decrypt(key.id, key.hash, encrypt(key, sample)), sample);
});

test('SmartCard-HSM: pulled and put in again it opens in the same process', async (t) => {
  const { process, shim, order } = await setting(t, cardHsm, cardToken);
  const token = await process.ready();
  const key = await token.makeRootKey('root');
  const sample = randomBytes(32);
  const sealed = encrypt(key, sample);
  const { pid } = process;
  shim.forgetCalls();
  order('removed');
  t.is(await refusalOf(token.decrypt(key.id, key.hash, sealed)), 'absent');
  t.is(await refusalOf(token.status()), 'absent');
  t.is(await refusalOf(token.login(process.pin)), 'absent');
  order();
  t.false((await token.status()).loggedIn);
  await token.login(process.pin);
  t.deepEqual(await token.decrypt(key.id, key.hash, sealed), sample);
  t.is(process.pid, pid);
  t.false(shim.calls().some(({ name }) => name === 'C_Finalize'));
});

test('SmartCard-HSM: a login that the card forgot is said to be gone', async (t) => {
  const { process, order } = await setting(t, cardHsm, cardToken);
  const token = await process.ready();
  const key = await token.makeRootKey('root');
  order(`fault C_DecryptInit 1 return ${ckr.userNotLoggedIn.toString(16)}`);
  const sealed = encrypt(key, Buffer.from('x'));
  t.is(await refusalOf(token.decrypt(key.id, key.hash, sealed)), 'pin-needed');
  t.false((await token.status()).loggedIn);
});

test('SmartCard-HSM: no try for what cannot be a PIN, and another card is not ours', async (t) => {
  const { process, shim } = await setting(t, cardHsm, cardToken);
  await process.answering();
  for (const pin of ['12345', '1234567890123456', '12345a']) {
    t.is(await refusalOf(process.token.login(Buffer.from(pin))), 'pin-wrong');
  }
  t.false(shim.calls().some(({ name }) => name === 'C_Login'));
  // The order that stands first counts: another card is in the place of ours.
  shim.order('say serial DENK0200999', ...cardHsm);
  process.kill();
  t.is(await process.answering(), 'absent');
});

test('SmartCard-HSM: a blank one is set up by its own program', async (t) => {
  const { process } = await setting(t, cardHsm, cardToken);
  await process.answering();
  const refusal = await t.throwsAsync(
    process.token.provision('x', Buffer.from('654321'), process.pin),
  );
  t.is((refusal as { code?: string }).code, 'set-up-elsewhere');
  t.regex(refusal.message, /sc-hsm-tool/);
});

const yubi = [
  'say label YubiHSM',
  'say manufacturer Yubico (www.yubico.com)',
  'say model YubiHSM',
  'say serial 07550054',
  'no-initialising',
  'pin-with-key-id',
];
const yubiToken = { label: 'YubiHSM', serial: '07550054', pin: '0001password' };

test('YubiHSM 2: its PIN is a key’s id and a password, and nothing else is sent', async (t) => {
  const { process, shim } = await setting(t, yubi, yubiToken);
  await process.answering();
  for (const pin of ['password', '0001short', 'zzzzpassword']) {
    t.is(await refusalOf(process.token.login(Buffer.from(pin))), 'pin-wrong');
  }
  t.false(shim.calls().some(({ name }) => name === 'C_Login'));
  t.is(await refusalOf(process.token.login(Buffer.from('0001passwort'))), 'pin-wrong');
  const token = await process.ready();
  t.is((await token.status()).vendor, 'YubiHSM 2');
  const key = await token.makeRootKey('root');
  const sample = randomBytes(32);
  t.deepEqual(await token.decrypt(key.id, key.hash, encrypt(key, sample)), sample);
});

test('YubiHSM 2: a session that the device forgot is opened anew', async (t) => {
  const { process, order } = await setting(t, yubi, yubiToken);
  const token = await process.ready();
  const key = await token.makeRootKey('root');
  const sample = randomBytes(32);
  const { pid } = process;
  order(`fault C_Decrypt 1 return ${ckr.sessionClosed.toString(16)}`);
  t.is(await refusalOf(token.decrypt(key.id, key.hash, encrypt(key, sample))), 'absent');
  await token.login(process.pin);
  t.deepEqual(await token.decrypt(key.id, key.hash, encrypt(key, sample)), sample);
  t.is(process.pid, pid);
});

const net = [
  'say label LocalHSM',
  'say manufacturer Nitrokey GmbH',
  'say model NetHSM',
  'say serial unknown',
  'no-initialising',
  'attribute-false 163',
  'plain-ids',
];

test('NetHSM: ids of letters and digits, no label, and CKA_LOCAL proves nothing', async (t) => {
  const { process } = await setting(t, net, { label: 'LocalHSM', pin: 'opPassphrase' });
  const token = await process.ready();
  t.is((await token.status()).vendor, 'NetHSM');
  const key = await token.makeRootKey('a root key with blanks');
  t.regex(Buffer.from(key.id).toString(), /^[\da-f]{32}$/);
  const sample = randomBytes(32);
  t.deepEqual(await token.decrypt(key.id, key.hash, encrypt(key, sample)), sample);
});

test('NetHSM: locked after its own boot it is absent, and comes back', async (t) => {
  const { process, order } = await setting(t, net, { label: 'LocalHSM', pin: 'opPassphrase' });
  const token = await process.ready();
  const key = await token.makeRootKey('root');
  const sealed = encrypt(key, Buffer.from('x'));
  const { pid } = process;
  order(`fault C_Decrypt 1 return ${ckr.tokenNotPresent.toString(16)}`);
  t.is(await refusalOf(token.decrypt(key.id, key.hash, sealed)), 'absent');
  await token.login(process.pin);
  t.deepEqual(await token.decrypt(key.id, key.hash, sealed), Buffer.from('x'));
  t.is(process.pid, pid);
});

test('TPM 2.0: no CKA_ENCRYPT, 2048 bits if need be, a new process after a reset', async (t) => {
  const tpm = [
    'say label contract',
    'say manufacturer Infineon',
    'say model SLB9670 TPM',
    'refuse-attribute 104',
    'most-bits 2048',
  ];
  const { process, order } = await setting(t, tpm, { label: 'contract' });
  const token = await process.ready();
  t.is((await token.status()).vendor, 'TPM 2.0');
  const key = await token.makeRootKey('root');
  t.is(encrypt(key, Buffer.from('x')).length, 256);
  const { pid } = process;
  order(`fault C_Decrypt 1 return ${ckr.generalError.toString(16)}`);
  const sealed = encrypt(key, Buffer.from('x'));
  t.is(await refusalOf(token.decrypt(key.id, key.hash, sealed)), 'restart-needed');
  await process.ready();
  t.not(process.pid, pid);
});

test('any other module: keys that could leave it, and no RSA-OAEP, are refused', async (t) => {
  const other = ['say label contract', 'say manufacturer Nobody', 'say model 1'];
  const { process, order } = await setting(t, other, { label: 'contract' });
  const token = await process.ready();
  t.is((await token.status()).vendor, 'PKCS#11');
  order('attribute-false 103');
  t.is(await refusalOf(token.makeRootKey('root')), 'attribute-wrong');
  order('refuse-mechanism 9');
  t.is(await refusalOf(token.makeRootKey('root')), 'mechanism-missing');
  order('refuse-mechanism 0');
  t.is(await refusalOf(token.makeRootKey('root')), 'mechanism-missing');
});
