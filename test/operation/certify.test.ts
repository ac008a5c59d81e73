import { execFileSync } from 'node:child_process';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { CertificateRequestType, LinkType, ObjectType } from '../../appliance/kmip/enumeration.ts';
import { KeyFormatType } from '../../appliance/kmip/enumeration.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { Asker } from '../conformance/error/asker.ts';
import { find, findAll, textOf } from '../conformance/scene.ts';
import { removeFolder, temporaryFolder } from '../harness/appliance.ts';
import { bytes, date, enumerated, id, integer, interval } from '../harness/operations.ts';
import { struct, text } from '../harness/operations.ts';
import { nearServer } from '../harness/near-server.ts';
import type { NearServer } from '../harness/near-server.ts';

const { CRMF, PEM, PKCS_10 } = CertificateRequestType;
const asker = (server: NearServer, version: number): Asker =>
  new Asker(version, server.now(), (message) => server.exchange(message));
const whole = (payload: readonly Item[]): Item => struct('ResponsePayload', ...payload);
const type = (value: number): Item => enumerated('CertificateRequestType', value);

interface Requested {
  readonly pem: Buffer;
  readonly der: Buffer;
  /** DER, as X.509 has it. */
  readonly publicKey: Buffer;
}

/** A request that openssl makes, with the public half of its key. */
function request(t: ExecutionContext, name: string): Requested {
  const folder = temporaryFolder();
  t.teardown(() => {
    removeFolder(folder);
  });
  const key = join(folder, 'key.pem');
  const file = join(folder, 'request.pem');
  const made = ['-new', '-newkey', 'rsa:2048', '-nodes', '-utf8', '-keyout', key, '-out', file];
  execFileSync('openssl', ['req', ...made, '-subj', `/CN=${name}`], { stdio: 'pipe' });
  const convert = (...more: string[]): Buffer =>
    execFileSync('openssl', ['req', '-in', file, ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
  const pem = convert();
  const spki = convert('-noout', '-pubkey');
  return {
    pem,
    der: convert('-outform', 'DER'),
    publicKey: createPublicKey(spki).export({ format: 'der', type: 'spki' }),
  };
}

async function registerPublicKey(ask: Asker, { publicKey }: Requested): Promise<string> {
  const block = struct(
    'KeyBlock',
    enumerated('KeyFormatType', KeyFormatType.X_509),
    struct('KeyValue', bytes('KeyMaterial', publicKey)),
    enumerated('CryptographicAlgorithm', 4),
    integer('CryptographicLength', 2048),
  );
  const mask = integer('CryptographicUsageMask', 2);
  const [object = ''] = await ask.made('Register', [
    enumerated('ObjectType', ObjectType.PublicKey),
    ask.with('TemplateAttribute', ['Cryptographic Usage Mask', mask]),
    struct('PublicKey', block),
  ]);
  return object;
}

async function certificateOf(ask: Asker, object: string): Promise<X509Certificate> {
  const { payload } = await ask.ask('Get', [id(object)]);
  const value = find(whole(payload), Tag.CertificateValue);
  if (value?.type !== 'ByteString') throw new Error('no certificate');
  return new X509Certificate(value.value);
}

for (const version of [100, 104, 200, 201]) {
  test(`${version}: a PKCS #10 request is certified, in DER or PEM, for its key`, async (t) => {
    const ask = asker(nearServer(t), version);
    const asked = request(t, 'the rack’s switch');
    const publicKey = await registerPublicKey(ask, asked);
    const field = (value: Buffer): Item =>
      bytes(version >= 200 ? 'CertificateRequestValue' : 'CertificateRequest', value);
    for (const [kind, value] of [
      [PKCS_10, asked.der],
      [PEM, asked.pem],
    ] as const) {
      const [made = ''] = await ask.made('Certify', [id(publicKey), type(kind), field(value)]);
      const certificate = await certificateOf(ask, made);
      t.is(certificate.subject, 'CN=the rack’s switch');
      const spki = certificate.publicKey.export({ format: 'der', type: 'spki' });
      t.deepEqual(spki, asked.publicKey);
    }
    const reasonOf = async (...payload: Item[]): Promise<string> =>
      (await ask.ask('Certify', [id(publicKey), ...payload])).reason;
    const wanted = version >= 200 ? 'InvalidCSR' : 'InvalidField';
    // Not read at all, of another key, with a signature that is not right.
    t.is(await reasonOf(type(CRMF), field(asked.der)), wanted);
    t.is(await reasonOf(type(PKCS_10), field(request(t, 'other').der)), wanted);
    const forged = Buffer.from(asked.der);
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    t.is(await reasonOf(type(PKCS_10), field(forged)), wanted);
  });
}

for (const version of [200, 201]) {
  test(`${version}: a certificate request that is an object is certified`, async (t) => {
    const ask = asker(nearServer(t), version);
    const asked = request(t, 'stored');
    const register = (kind: number, value: Buffer): Promise<string[]> =>
      ask.made('Register', [
        enumerated('ObjectType', ObjectType.CertificateRequest),
        struct('Attributes'),
        struct('CertificateRequest', type(kind), bytes('CertificateRequestValue', value)),
      ]);
    const [object = ''] = await register(PKCS_10, asked.der);
    const [inPem = ''] = await register(PEM, asked.pem);
    const got = await ask.ask('Get', [id(object)]);
    const value = find(whole(got.payload), Tag.CertificateRequestValue);
    t.deepEqual(value?.type === 'ByteString' && Buffer.from(value.value), asked.der);
    for (const each of [object, inPem]) {
      const [made = ''] = await ask.made('Certify', [id(each)]);
      t.is((await certificateOf(ask, made)).subject, 'CN=stored');
      const links = await ask.ask('GetAttributes', [id(each), ask.named('Link')]);
      t.is(find(whole(links.payload), Tag.LinkType)?.value, LinkType.CertificateLink);
      t.is(find(whole(links.payload), Tag.LinkedObjectIdentifier)?.value, made);
      // It has no key of its own here, and is certified again all the same.
      const [again = ''] = await ask.made('ReCertify', [id(made)]);
      const [one, two] = [await certificateOf(ask, made), await certificateOf(ask, again)];
      t.is(two.subject, one.subject);
      t.not(two.serialNumber, one.serialNumber);
    }
    // Named beside the public key whose request it is.
    const publicKey = await registerPublicKey(ask, asked);
    const named = text('CertificateRequestUniqueIdentifier', inPem);
    const [made = ''] = await ask.made('Certify', [id(publicKey), named]);
    t.is((await certificateOf(ask, made)).subject, 'CN=stored');
    const wrong = text('CertificateRequestUniqueIdentifier', publicKey);
    t.is((await ask.ask('Certify', [id(publicKey), wrong])).reason, 'InvalidObjectType');
    const strange = text('CertificateRequestUniqueIdentifier', 'nothing');
    t.is((await ask.ask('Certify', [id(publicKey), strange])).reason, 'ObjectNotFound');
  });
}

test('§4.8: the dates of a certificate follow the offset from those of the old', async (t) => {
  const server = nearServer(t);
  const ask = asker(server, 104);
  const publicKey = await registerPublicKey(ask, request(t, 'dated'));
  const [first = ''] = await ask.made('Certify', [
    id(publicKey),
    ask.with(
      'TemplateAttribute',
      ['Activation Date', date('ActivationDate', server.now())],
      ['Deactivation Date', date('DeactivationDate', server.now() + 1000)],
    ),
  ]);
  server.wait(600);
  const [second = ''] = await ask.made('ReCertify', [id(first), interval('Offset', 50)]);
  const dates = async (object: string): Promise<number[]> => {
    const { payload } = await ask.ask('GetAttributes', [
      id(object),
      ask.named('Initial Date'),
      ask.named('Activation Date'),
      ask.named('Deactivation Date'),
    ]);
    const values = findAll(whole(payload), Tag.AttributeValue);
    return values.map(({ value }) => Number(value) - server.now());
  };
  t.deepEqual(await dates(first), [-600, -600, 400]);
  t.deepEqual(await dates(second), [0, 50, 1050]);
});

test('2.x: the parts of a certificate’s names are attributes, and found by Locate', async (t) => {
  const ask = asker(nearServer(t), 201);
  const publicKey = await registerPublicKey(ask, request(t, 'plain'));
  const name = struct('Name', text('NameValue', 'a name'), enumerated('NameType', 1));
  const [made = ''] = await ask.made('Certify', [id(publicKey), struct('Attributes', name)]);
  const { payload } = await ask.ask('GetAttributes', [id(made)]);
  const certificate = await certificateOf(ask, made);
  const all = whole(payload);
  t.is(find(all, Tag.CertificateSubjectCN)?.value, 'a name');
  const issuer = find(all, Tag.CertificateIssuerCN);
  t.is(`CN=${issuer === undefined ? '' : textOf(issuer)}`, certificate.issuer);
  const identifierField = find(all, Tag.X_509CertificateIdentifier);
  const serial = identifierField && find(identifierField, Tag.CertificateSerialNumber);
  t.regex(
    serial?.type === 'ByteString' ? Buffer.from(serial.value).toString('hex') : '',
    new RegExp(`${certificate.serialNumber}$`, 'i'),
  );
  t.is(find(all, Tag.CertificateLength)?.value, certificate.raw.length);
  t.is(find(all, Tag.CertificateIdentifier), undefined);
  const located = await ask.ask('Locate', [
    struct('Attributes', text('CertificateSubjectCN', 'a name')),
  ]);
  t.deepEqual(
    findAll(whole(located.payload), Tag.UniqueIdentifier).map(({ value }) => value),
    [made],
  );
});
