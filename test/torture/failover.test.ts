import test from 'ava';
import { removeFolder, temporaryFolder } from '../harness/appliance.ts';
import { failover } from './failover.ts';
import { TorturedPair } from './pair.ts';

test('a key whose node is killed just after its answer is had from the other one', async (t) => {
  t.timeout(300_000);
  const folder = temporaryFolder();
  const pair = await TorturedPair.start(folder);
  t.teardown(async () => {
    await pair.stop();
    removeFolder(folder);
  });
  await pair.setPolicy(['refuse']);
  t.deepEqual(await failover(pair, 16, t.log), []);
});
