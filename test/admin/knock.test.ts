import { randomBytes, X509Certificate } from 'node:crypto';
import test from 'ava';
import { Knocks } from '../../appliance/admin/knock.ts';
import type { Shown } from '../../appliance/admin/remote-listener.ts';
import { addAdministrator } from '../../appliance/admin/schema.ts';
import { makeIdentity } from '../../appliance/pki/authority.ts';
import { fingerprint } from '../../appliance/pki/fingerprint.ts';

const surroundings = { now: () => 1_700_000_000, random: randomBytes };
const certificateOf = (name: string): Shown => {
  const certificate = new X509Certificate(makeIdentity(name, surroundings).certificate);
  return { certificate, fingerprint: fingerprint(certificate) };
};
const namesIn = (knocks: Knocks): string[] => knocks.all().map(({ name }) => name);

test('the newest knocks are kept, one for each certificate, two of one address', (t) => {
  const knocks = new Knocks();
  const anna = certificateOf('anna');
  knocks.note(anna, '192.0.2.1', 1);
  for (const name of ['one', 'two', 'three']) knocks.note(certificateOf(name), '192.0.2.9', 2);
  t.deepEqual(namesIn(knocks), ['three', 'two', 'anna']);
  knocks.note(anna, '192.0.2.1', 3);
  t.deepEqual(namesIn(knocks), ['anna', 'three', 'two']);
  t.is(knocks.all()[0]?.time, 3);
  for (let i = 0; i < 20; i++) knocks.note(certificateOf(`host ${i}`), `192.0.3.${i}`, 4);
  t.is(knocks.all().length, 8);
  t.is(namesIn(knocks)[0], 'host 19');
});

test('one that has a role now is forgotten', (t) => {
  const knocks = new Knocks();
  knocks.note(certificateOf('anna'), '192.0.2.1', 1);
  knocks.settle(knocks.all()[0]?.fingerprint ?? '');
  t.deepEqual(namesIn(knocks), []);
});

test('a name that would move a terminal’s cursor is shown without that', (t) => {
  const knocks = new Knocks();
  knocks.note(certificateOf('\u001b[2Jroot\u202e'), '192.0.2.1', 1);
  knocks.note(certificateOf('x'.repeat(500)), '192.0.2.2', 1);
  t.deepEqual(namesIn(knocks), ['x'.repeat(64), '1B2Jroot']);
  // Whoever is let in by a knock keeps its name: it has to be one that an administrator may have.
  knocks.note(certificateOf('Łukasz, Büro (2)'), '192.0.2.3', 1);
  knocks.note(certificateOf('公'), '192.0.2.4', 1);
  for (const name of namesIn(knocks)) {
    t.true(addAdministrator.safeParse({ name, role: 'officer' }).success, name);
  }
});
