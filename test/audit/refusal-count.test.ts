import test from 'ava';
import { RefusalCount } from '../../appliance/audit/refusal-count.ts';

function counted(): {
  readonly told: [string, number][];
  readonly refusals: RefusalCount;
  readonly pass: (seconds: number) => void;
} {
  const told: [string, number][] = [];
  let time = 1_700_000_000;
  const refusals = new RefusalCount(
    () => time,
    (who, times) => told.push([who, times]),
  );
  return { told, refusals, pass: (seconds) => (time += seconds) };
}

test('the first refusal is told at once, those of the next minute together', (t) => {
  const { told, refusals, pass } = counted();
  for (let i = 0; i < 1_000; i++) refusals.count('a');
  refusals.count('b');
  t.deepEqual(told, [
    ['a', 1],
    ['b', 1],
  ]);
  pass(60);
  refusals.sweep();
  t.deepEqual(told.slice(2), [['a', 999]]);
  // Whoever goes on knocking is one entry a minute; whoever stops is none.
  refusals.count('a');
  pass(60);
  refusals.sweep();
  pass(60);
  refusals.sweep();
  t.deepEqual(told.slice(3), [['a', 1]]);
});

test('new certificates without end are counted together, and none is lost', (t) => {
  const { told, refusals } = counted();
  for (let i = 0; i < 10_000; i++) refusals.count(`certificate ${i}`);
  t.true(told.length <= 33, String(told.length));
  refusals.flush();
  t.is(told.at(-1)?.[0], 'others');
  t.is(
    told.reduce((sum, [, times]) => sum + times, 0),
    10_000,
  );
});

test('a clock that is put back silences nobody', (t) => {
  const { told, refusals, pass } = counted();
  refusals.count('a');
  refusals.count('a');
  pass(-86_400);
  refusals.count('a');
  t.deepEqual(told.slice(1), [['a', 1]]);
  refusals.flush();
  t.deepEqual(told.slice(2), [['a', 1]]);
});
