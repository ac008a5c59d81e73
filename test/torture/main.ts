import { parseArgs } from 'node:util';
import { removeFolder, temporaryFolder } from '../harness/appliance.ts';
import { failover } from './failover.ts';
import { TorturedPair } from './pair.ts';
import { torture } from './run.ts';
import type { Report } from './run.ts';

/**
 * `npm run torture -- --minutes 60 --seed 1`: two complete nodes, clients that drive them as
 * vCenter and vSAN hosts do, and faults. The same seed is the same schedule of faults. `--kills N`
 * instead: so many keys whose node is killed just after its answer.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    faults: { type: 'string' },
    seed: { type: 'string', default: '1' },
    skip: { type: 'string', default: '0' },
    keys: { type: 'string', default: '10' },
    kills: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes ?? (values.faults === undefined ? 60 : Infinity));
const end = performance.now() + minutes * 60_000;
const folder = temporaryFolder();
const print = (text: string): void => void process.stdout.write(`${text}\n`);

function at(values: readonly number[], share: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return `${(value / 1000).toFixed(1)} s`;
}

const convergenceMost = 10_000;

function table({ steps, faults, ledger, verdict, convergence, refills }: Report): string {
  const { reads, keys } = ledger;
  const rows: readonly (readonly [string, string | number])[] = [
    ['steps', steps],
    ['faults', [...faults.values()].reduce((sum, each) => sum + each, 0)],
    ['acknowledged creates', keys.size],
    ['root keys and wrapping keys rotated', ledger.rotations],
    ['refusals', ledger.refused],
    ['acts of vCenter without an answer', ledger.unanswered],
    ['acknowledged keys lost', verdict.lost],
    ['keys that differ between the nodes', verdict.divergent],
    ['keys with wrong material or state', verdict.wrong],
    ['destroyed keys that came back', verdict.resurrected],
    ['keys that a restored backup has otherwise', verdict.restore],
    ['reads answered by at least one node', reads.answered],
    ['reads answered by none while one was up', reads.unanswered],
    ['reads while both were down by order', reads.expected],
    ['availability of reads', `${(ledger.availability * 100).toFixed(4)} %`],
    ['convergence, median', at(convergence, 0.5)],
    ['convergence, p99', at(convergence, 0.99)],
    ['convergence, longest', at(convergence, 1)],
    ...refills.map(
      ({ milliseconds, keys }) =>
        [`an empty node has all ${keys} keys`, `${(milliseconds / 1000).toFixed(1)} s`] as const,
    ),
    ...[...faults].sort().map(([kind, count]) => [kind, count] as const),
  ];
  return ['| what | |', '| --- | --- |', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');
}

async function underFaults(): Promise<boolean> {
  const report = await torture({
    seed: Number(values.seed),
    skipped: Number(values.skip),
    steps: Number(values.faults ?? Infinity),
    isOver: () => performance.now() > end,
    keysOfStep: Number(values.keys),
    folder,
    say: print,
  });
  print(`seed ${values.seed}\n\n${table(report)}`);
  for (const wrong of report.ledger.wrongs) print(`wrong: ${wrong}`);
  const { lost, divergent, wrong, resurrected, restore } = report.verdict;
  const bad = lost + divergent + wrong + resurrected + restore + report.ledger.wrongs.length;
  const slow = Math.max(0, ...report.convergence) > convergenceMost;
  return bad === 0 && !slow && report.ledger.availability >= 0.9999;
}

async function underKills(count: number): Promise<boolean> {
  const pair = await TorturedPair.start(folder);
  try {
    await pair.setPolicy(['refuse']);
    const wrongs = await failover(pair, count, print);
    for (const wrong of wrongs) print(`wrong: ${wrong}`);
    print(`${count} nodes killed just after an answer: ${count - wrongs.length} keys given out`);
    return wrongs.length === 0;
  } finally {
    await pair.stop();
  }
}

try {
  const { kills } = values;
  const good = kills === undefined ? await underFaults() : await underKills(Number(kills));
  process.exitCode = good ? 0 : 1;
} finally {
  if (values.keep) print(`kept: ${folder}`);
  else removeFolder(folder);
}
