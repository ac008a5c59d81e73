import test from 'ava';
import { kmipData, noData } from '../harness/kmip-data.ts';
import { exceptions } from './exception.ts';
import { mutationsNotSeen } from './mutation.ts';
import { profileCases } from './profile-case.ts';
import { Stage } from './stage.ts';

/** Every OASIS profile case of the data folder, played to a real appliance over TLS. */
const data = kmipData();
const cases = data === undefined ? [] : profileCases(data);
if (cases.length === 0) {
  console.log(`skipped: ${noData}`);
  test.skip(`the OASIS profile cases: ${noData}`, (t) => t.pass());
}

let stage: Stage;
if (cases.length > 0) {
  test.before(async () => {
    stage = await Stage.open();
  });
  test.after.always(() => stage.close());
}

for (const each of cases) {
  test.serial(each.name, async (t) => {
    const reason = exceptions[each.name];
    const outcome = await stage.play(each).then(
      (run) => ({ run, found: run.replayed.flatMap(({ differences }) => differences) }),
      (error: unknown) => ({ run: undefined, found: [String(error)] }),
    );
    if (reason !== undefined) {
      t.not(outcome.found.length, 0, 'it passes: take it from the list of exceptions');
      return;
    }
    t.deepEqual(outcome.found, []);
    // The judge itself: an expected answer that says something else has to fail.
    if (outcome.run !== undefined) t.deepEqual(mutationsNotSeen(outcome.run), []);
  });
}

test('each exception names a case there is, and a reason', (t) => {
  const names = new Set(cases.map(({ name }) => name));
  for (const [name, reason] of Object.entries(exceptions)) {
    if (cases.length > 0) t.true(names.has(name), name);
    t.true(reason.length > 10, name);
  }
  t.pass();
});
