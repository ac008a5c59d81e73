import { parseArgs } from 'node:util';
import { Simulation } from './run.ts';

/** `npm run simulate -- --seeds N --from S`: the same seed is the same run. */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    verbose: { type: 'boolean', default: false },
  },
});
const from = Number(values.from);
const seeds = Number(values.seeds);
let [acknowledged, refused, injected] = [0, 0, 0];

for (let seed = from; seed < from + seeds; seed++) {
  const outcome = await new Simulation(seed).run();
  acknowledged += outcome.acknowledged;
  refused += outcome.refused;
  injected += outcome.injected;
  const failed = outcome.faults.length > 0;
  if (values.verbose || failed) process.stdout.write(`${outcome.schedule.join('\n')}\n`);
  if (failed) {
    process.stdout.write(`\nseed ${seed} fails:\n  ${outcome.faults.join('\n  ')}\n`);
    process.stdout.write(`again: npm run simulate -- --seeds 1 --from ${seed}\n`);
    process.exit(1);
  }
}
process.stdout.write(
  `${seeds} seeds from ${from}: ${acknowledged} keys answered, ${refused} refused, ` +
    `${injected} faults; nothing lost, nothing wrong, nothing divergent\n`,
);
process.exit(0);
