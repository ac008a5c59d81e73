import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { foldClient, foldObject } from '../../appliance/keystore/fold.ts';
import { recordId } from '../../appliance/keystore/record.ts';
import * as property from '../harness/fold-property.ts';
import { Author, generators } from '../harness/history.ts';

// A hundred thousand cases in all.
const properties: readonly (readonly [string, (runs: number) => void, number])[] = [
  ['any order and any repetition fold to the same bytes', property.orderDoesNotMatter, 35_000],
  ['any split of any union folds to the same bytes', property.splitsDoNotMatter, 25_000],
  ['states never go back and nothing vanishes', property.statesNeverGoBack, 10_000],
  ['of concurrent records the restrictive one wins', property.restrictionsHold, 10_000],
  ['no value is dropped unseen', property.nothingIsDroppedUnseen, 10_000],
  ['no purge without the word of every member', property.purgesAreUnanimous, 8_000],
  ['nothing that was taken back is purged', property.nothingTakenBackIsPurged, 10_000],
];

for (const [name, holds, runs] of properties) {
  test(name, (t) => {
    holds(runs);
    t.pass();
  });
}

test('every kind of record that there is takes part', (t) => {
  const file = join(import.meta.dirname, '..', '..', 'appliance', 'keystore', 'payload.ts');
  const payloads = /interface Payloads \{(.*?)^\}/ms.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
  const kinds = [...payloads.matchAll(/^ {2}readonly '([a-z-]+)':/gm)].map(([, kind]) => kind);
  t.true(kinds.length > 10);
  t.deepEqual(Object.keys(generators).sort(), kinds.sort());
});

const creation = { group: 'g', type: 2, attributes: [], form: '', commitment: null } as const;

test('a second creation under one identifier is kept as a conflict and never served', (t) => {
  const first = new Author(0).write('object-created', 'o1', creation);
  const second = new Author(1).write('object-created', 'o1', creation);
  const folded = foldObject([second, first]);
  t.deepEqual(folded?.conflicts, [{ about: 'creation', record: recordId(second) }]);
  t.deepEqual(folded, foldObject([first, second]));
});

test('a block that an allowing record did not see holds', (t) => {
  const [one, other] = [new Author(0), new Author(1)];
  const enrolled = one.write('client-enrolled', 'c1', {
    name: 'c',
    group: 'g',
    fingerprint: 'f',
    certificate: 'p',
    state: 'allowed',
  });
  other.learn([enrolled]);
  const block = one.write('client-blocked', 'c1', {});
  const unseen = other.write('client-blocked', 'c1', {});
  const allow = one.write('client-allowed', 'c1', { group: 'g', replaces: [recordId(block)] });
  t.is(foldClient([enrolled, block])?.state, 'blocked');
  t.is(foldClient([enrolled, block, allow])?.state, 'allowed');
  t.is(foldClient([allow, unseen, block, enrolled])?.state, 'blocked');
});

test('two values given to one attribute at once: one holds, the other is named', (t) => {
  const [one, other] = [new Author(0), new Author(1)];
  const name = ['Contact Information', 0, '42'] as const;
  const made = one.write('object-created', 'o1', { ...creation, attributes: [name] });
  other.learn([made]);
  const instance = `${recordId(made)}/0`;
  const payload = { name: name[0], index: 0, instance, replaces: [instance] };
  const here = one.write('attribute-set', 'o1', { ...payload, value: '43' });
  const there = other.write('attribute-set', 'o1', { ...payload, value: '44' });
  const folded = foldObject([here, made, there]);
  t.is(folded?.attributes[0]?.value, '44');
  t.deepEqual(folded?.conflicts, [{ about: 'Contact Information', record: recordId(here) }]);
  // A person who sees both settles it.
  one.learn([there]);
  const replaces = folded?.attributes[0]?.heads ?? [];
  const settled = one.write('attribute-set', 'o1', { ...payload, value: '43', replaces });
  const after = foldObject([settled, there, made, here]);
  t.is(after?.attributes[0]?.value, '43');
  t.deepEqual(after?.conflicts, []);
});

test('a revocation by a node whose clock is far ahead holds at once', (t) => {
  const author = new Author(0);
  const made = author.write('object-created', 'o1', creation);
  const year2100 = 4_102_444_800;
  const active = author.write('object-activated', 'o1', { date: year2100 });
  t.true(foldObject([made, active])?.activated);
  const payload = { code: 5, message: null, date: year2100, occurrence: null };
  const revoked = author.write('object-revoked', 'o1', payload);
  t.true(foldObject([revoked, made, active])?.deactivated);
});
