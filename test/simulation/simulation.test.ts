import test from 'ava';
import { Simulation } from './run.ts';

/** A taste of `npm run simulate`, which `scripts/test` runs over two thousand seeds. */
test('pairs under every trouble lose nothing and come together again', async (t) => {
  let acknowledged = 0;
  for (let seed = 1_000_001; seed <= 1_000_020; seed++) {
    const outcome = await new Simulation(seed).run();
    t.deepEqual(outcome.faults, [], `seed ${seed}\n${outcome.schedule.join('\n')}`);
    acknowledged += outcome.acknowledged;
  }
  t.true(acknowledged > 100);
});

test('a seed is the same run again', async (t) => {
  const [once, again] = [await new Simulation(7).run(), await new Simulation(7).run()];
  t.deepEqual(again, once);
});
