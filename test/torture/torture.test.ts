import test from 'ava';
import { removeFolder, temporaryFolder } from '../harness/appliance.ts';
import { linkFaults, nodeFaults, plan } from './plan.ts';
import type { Step } from './plan.ts';
import { torture } from './run.ts';

function steps(seed: number, count: number): Step[] {
  const generator = plan(seed);
  return Array.from({ length: count }, () => generator.next().value);
}

test('a seed is a schedule: every fault has its turn, and leaves one copy', (t) => {
  t.deepEqual(steps(7, 200), steps(7, 200));
  t.notDeepEqual(steps(7, 200), steps(8, 200));
  const drawn = steps(7, nodeFaults.length + linkFaults.length).map(({ faults }) => faults[0].kind);
  t.is(new Set(drawn).size, nodeFaults.length + linkFaults.length);
  for (const { regime, faults } of steps(7, 2_000)) {
    const kinds = faults.map(({ kind }) => kind);
    if (regime !== 'refuse') t.is(faults.length, 1);
    if (faults.length === 1) continue;
    // Two nodes that lose something at once would leave no copy.
    t.true(kinds.filter((kind) => /^disk lost|^old disk/.test(kind)).length <= 1);
    t.false(faults[0].place === faults[1].place && kinds.every((kind) => !kind.includes('link')));
  }
});

test('300 keys over 30 faults: none lost, divergent, wrong or resurrected', async (t) => {
  t.timeout(1_200_000);
  const folder = temporaryFolder();
  t.teardown(() => {
    removeFolder(folder);
  });
  const said: string[] = [];
  const report = await torture({
    ...{ seed: 189, steps: 30, keysOfStep: 10, folder },
    say: (line) => said.push(line),
  });
  for (const line of said) t.log(line);
  const { ledger, verdict } = report;
  t.deepEqual(ledger.wrongs, []);
  t.deepEqual(verdict, { lost: 0, divergent: 0, wrong: 0, resurrected: 0, restore: 0 });
  t.true(ledger.keys.size >= 300, `${ledger.keys.size} keys`);
  t.true([...report.faults.values()].reduce((sum, each) => sum + each, 0) >= 30);
  t.true(ledger.reads.answered > 300);
  t.true(ledger.availability >= 0.9999, `${ledger.reads.unanswered} reads not answered`);
});
