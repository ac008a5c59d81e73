import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import test from 'ava';
import type { Client } from '../../appliance/keystore/client.ts';
import {
  Authority,
  makeAuthorityCertificate,
  makePrivateKey,
} from '../../appliance/pki/authority.ts';
import { fingerprint, readCertificate } from '../../appliance/pki/fingerprint.ts';
import { ExpiryWatch, expiryTexts } from '../../appliance/service/expiry.ts';

const day = 86_400;
const made = 1_800_000_000;
const tenYears = made + 3650 * day;

function certificates(): { readonly server: string; readonly client: Client } {
  const key = createPrivateKey({ key: makePrivateKey('p256'), format: 'der', type: 'pkcs8' });
  const surroundings = { now: () => made, random: randomBytes };
  const root = makeAuthorityCertificate(key, 'root', surroundings);
  const authority = new Authority(root, key, surroundings);
  const certificate = authority.clientCertificate(createPublicKey(key), 'vcenter');
  return {
    server: authority.serverCertificate(createPublicKey(key), ['node']),
    client: {
      ...{ id: 'c', name: 'vcenter', group: 'default', state: 'allowed', added: made },
      ...{ certificate, fingerprint: fingerprint(readCertificate(certificate)) },
    },
  };
}

test('no certificate that is made here lasts less than two years', (t) => {
  const { server, client } = certificates();
  for (const pem of [server, client.certificate]) {
    t.true(Date.parse(readCertificate(pem).validTo) / 1000 - made >= 730 * day);
  }
});

test('an end is told 90 days before, is an alarm from 30 on, and is logged at each step', (t) => {
  const { server, client } = certificates();
  const logged: unknown[] = [];
  const watch = new ExpiryWatch((_level, _message, fields) => logged.push(fields?.['days']));
  const look = (daysBefore: number): ReturnType<typeof expiryTexts> =>
    expiryTexts(watch.look(server, [client], tenYears - daysBefore * day));

  t.deepEqual(look(91), { alarms: [], warnings: [] });
  const first = look(89);
  t.is(first.warnings.length, 2);
  t.deepEqual(first.alarms, []);
  t.true(first.warnings.some((text) => text.includes('certificate of vcenter ends in 89 days')));
  t.true(first.warnings.some((text) => text.endsWith('twinlock certificate renew')));
  const days = [88, 61, 59, 40, 29, 20, 13, 8, 6, 1];
  for (const daysBefore of days) {
    const { alarms, warnings } = look(daysBefore);
    t.is(alarms.length, daysBefore < 30 ? 2 : 0);
    t.is(warnings.length, daysBefore < 30 ? 0 : 2);
  }
  t.true(look(-1).alarms.every((text) => text.includes('has ended')));
  t.deepEqual(logged, [89, 89, 59, 59, 29, 29, 13, 13, 6, 6, -1, -1]);
});

test('who is shut out, waits or signs others is not counted down', (t) => {
  const { server, client } = certificates();
  const watch = new ExpiryWatch(() => {});
  for (const state of ['blocked', 'pending', 'authority'] as const) {
    t.is(watch.look(server, [{ ...client, state }], tenYears - day).length, 1);
  }
});
