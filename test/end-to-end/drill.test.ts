import test from 'ava';
import { drill } from '../harness/drill.ts';

/** `npm run restore-test` does the same with 100,000. */
test('a thousand keys are fetched from a restored node, each with the same digest', async (t) => {
  t.timeout(280_000);
  const { keys, wrong } = await drill(1_000, (text) => {
    t.log(text);
  });
  t.is(keys, 1_000);
  t.is(wrong, 0);
});
