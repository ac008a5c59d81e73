import { constants, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { OaepHash, RootKey } from '../../appliance/token/token.ts';
import { refusalOf, TokenProcess } from './token-process.ts';
import type { TokenProcessOptions } from './token-process.ts';

const digestBytes: Readonly<Record<OaepHash, number>> = { sha256: 32, sha1: 20 };

export function encrypt(key: RootKey, plaintext: Uint8Array, hash = key.hash): Buffer {
  const publicKey = createPublicKey({
    key: Buffer.from(key.publicKey),
    format: 'der',
    type: 'spki',
  });
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  return publicEncrypt({ key: publicKey, padding, oaepHash: hash }, plaintext);
}

type Says = (what: string, act: (t: ExecutionContext) => Promise<void>) => void;

/** The one token that a run of the contract is about, and the root keys made in it so far. */
interface Subject {
  readonly process: TokenProcess;
  readonly keys: RootKey[];
  readonly firstKey: () => RootKey;
}

/** What every token has to do, whoever made it; one test after the other, on one token. */
export function contract(name: string, options: TokenProcessOptions): void {
  const keys: RootKey[] = [];
  let process: TokenProcess | undefined;
  const subject = {
    keys,
    get process(): TokenProcess {
      if (process === undefined) throw new Error('the token process did not start');
      return process;
    },
    firstKey: (): RootKey => {
      const [key] = keys;
      if (key === undefined) throw new Error('there is no root key');
      return key;
    },
  };
  const says: Says = (what, act) => {
    test.serial(`${name}: ${what}`, act);
  };
  test.serial.before(`${name}: starts`, async () => {
    process = await TokenProcess.start(options);
  });
  test.after.always(`${name}: stops`, async () => {
    await process?.stop();
  });
  login(says, subject);
  decryption(says, subject);
  destruction(says, subject);
  survival(says, subject);
}

function login(says: Says, subject: Subject): void {
  says('a blank token is absent until it is made ours', async (t) => {
    t.is(await subject.process.answering(), 'absent');
    t.is(await refusalOf(subject.process.token.login(subject.process.pin)), 'absent');
    await subject.process.token.provision(
      subject.process.label,
      Buffer.from('654321'),
      subject.process.pin,
    );
    const status = await subject.process.token.status();
    t.is(status.label, subject.process.label);
    t.false(status.loggedIn);
  });

  says('without a login no key is made', async (t) => {
    const token = await subject.process.fresh();
    t.is(await refusalOf(token.makeRootKey('early')), 'pin-needed');
  });

  says('a wrong PIN is refused as wrong, and the right one is taken after it', async (t) => {
    const token = await subject.process.fresh();
    t.is(await refusalOf(token.login(Buffer.from('999999'))), 'pin-wrong');
    t.false((await token.status()).loggedIn);
    await token.login(subject.process.pin);
    t.true((await token.status()).loggedIn);
  });

  says('a login on top of a login changes nothing', async (t) => {
    const token = await subject.process.ready();
    await token.login(subject.process.pin);
    await token.login(Buffer.from('not even looked at'));
    t.true((await token.status()).loggedIn);
  });
}

function decryption(says: Says, subject: Subject): void {
  says('a root key is an RSA pair with an identifier of its own', async (t) => {
    const token = await subject.process.ready();
    const key = await token.makeRootKey('first');
    subject.keys.push(key);
    t.is(key.id.length, 16);
    const { publicKey } = key;
    const spki = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
    t.is(spki.asymmetricKeyType, 'rsa');
    t.true([3072, 2048].includes(spki.asymmetricKeyDetails?.modulusLength ?? 0));
    t.is(spki.asymmetricKeyDetails?.publicExponent, 65_537n);
  });

  says('what its public half encrypted it decrypts, from one byte to the longest', async (t) => {
    const token = await subject.process.ready();
    const key = subject.firstKey();
    const longest = encrypt(key, Buffer.from('x')).length - 2 * digestBytes[key.hash] - 2;
    for (const length of [1, 32, 69, longest]) {
      const plaintext = randomBytes(length);
      t.deepEqual(await token.decrypt(key.id, key.hash, encrypt(key, plaintext)), plaintext);
    }
  });

  says('calls made at once are answered each with its own', async (t) => {
    const token = await subject.process.ready();
    const key = subject.firstKey();
    const plaintexts = Array.from({ length: 6 }, () => randomBytes(32));
    const opened = plaintexts.map((each) => token.decrypt(key.id, key.hash, encrypt(key, each)));
    t.deepEqual(await Promise.all(opened), plaintexts);
  });

  says('an unknown key, and no login, are told apart', async (t) => {
    const key = subject.firstKey();
    const sealed = encrypt(key, Buffer.from('x'));
    const token = await subject.process.ready();
    t.is(await refusalOf(token.decrypt(randomBytes(16), key.hash, sealed)), 'key-missing');
    const stranger = await subject.process.fresh();
    t.is(await refusalOf(stranger.decrypt(key.id, key.hash, sealed)), 'pin-needed');
  });
}

function destruction(says: Says, subject: Subject): void {
  says('a destroyed root key decrypts nothing, the others all, and twice is once', async (t) => {
    const first = subject.firstKey();
    const token = await subject.process.ready();
    const doomed = await token.makeRootKey('doomed');
    const plaintext = randomBytes(32);
    const sealed = encrypt(doomed, plaintext);
    t.deepEqual(await token.decrypt(doomed.id, doomed.hash, sealed), plaintext);
    t.true(await token.destroyRootKey(doomed.id));
    t.false(await token.destroyRootKey(doomed.id));
    t.is(await refusalOf(token.decrypt(doomed.id, doomed.hash, sealed)), 'key-missing');
    const still = encrypt(first, plaintext);
    t.deepEqual(await token.decrypt(first.id, first.hash, still), plaintext);
    const next = await subject.process.ready();
    t.is(await refusalOf(next.decrypt(doomed.id, doomed.hash, sealed)), 'key-missing');
    t.deepEqual(await next.decrypt(first.id, first.hash, still), plaintext);
    const stranger = await subject.process.fresh();
    t.is(await refusalOf(stranger.destroyRootKey(first.id)), 'pin-needed');
  });
}

function survival(says: Says, subject: Subject): void {
  says('a ciphertext that is not whole opens nothing and costs no login for good', async (t) => {
    const key = subject.firstKey();
    const plaintext = randomBytes(32);
    const sealed = encrypt(key, plaintext);
    const changed = Buffer.from(sealed);
    changed[200] = (changed[200] ?? 0) ^ 1;
    for (const broken of [changed, sealed.subarray(0, 100), Buffer.alloc(sealed.length)]) {
      const token = await subject.process.ready();
      t.not(await refusalOf(token.decrypt(key.id, key.hash, broken)), 'no refusal');
      const next = await subject.process.ready();
      t.deepEqual(await next.decrypt(key.id, key.hash, sealed), plaintext);
    }
  });

  says('keys outlive the process that made them', async (t) => {
    const key = subject.firstKey();
    const plaintext = randomBytes(32);
    const token = await subject.process.ready();
    await token.decrypt(key.id, key.hash, encrypt(key, plaintext));
    const next = await subject.process.fresh();
    await next.login(subject.process.pin);
    t.deepEqual(await next.decrypt(key.id, key.hash, encrypt(key, plaintext)), plaintext);
  });

  says('a second and a third key leave the first as it was', async (t) => {
    for (const label of ['second', 'third']) {
      await subject.process.fresh();
      subject.keys.push(await (await subject.process.ready()).makeRootKey(label));
    }
    t.is(new Set(subject.keys.map(({ id }) => Buffer.from(id).toString('hex'))).size, 3);
    for (const key of subject.keys) {
      // A TPM without a resource manager has room for two subject.keys in one login.
      await subject.process.fresh();
      const token = await subject.process.ready();
      const plaintext = randomBytes(32);
      t.deepEqual(await token.decrypt(key.id, key.hash, encrypt(key, plaintext)), plaintext);
    }
  });
}
