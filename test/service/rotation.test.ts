import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { SealedFiles } from '../../appliance/keystore/sealed-file.ts';
import { Rotation } from '../../appliance/service/rotation.ts';
import { until } from '../harness/appliance.ts';
import { backupNode, by, chunked } from '../harness/backup-node.ts';
import { keeperSetting, removeToken } from '../harness/near-token.ts';

test.after.always(removeToken);

test('a key that opens no more is said once, and a backup brings it and the end', async (t) => {
  const { keeper } = await keeperSetting(t);
  const shares = await keeper.makeRecovery({ threshold: 2, shares: 3 });
  await keeper.proveRecovery(shares.slice(0, 2));
  const node = backupNode(t, keeper);
  const { keystore } = node;
  const ids: string[] = [];
  while (ids.length < 1_500) {
    const more = Array.from({ length: 300 }, () => node.create());
    ids.push(...(await Promise.all(more)));
  }
  const secrets = new Map<string, string>();
  for (const id of ids.slice(0, 20)) secrets.set(id, await node.get(id));
  const bundle = await node.bundle();
  const [broken = ''] = ids;
  node.spoil(broken);
  const generation = Buffer.from(await keeper.rotateWrappingKey(), 'hex');
  t.is(await keystore.outdated(generation), 1_500);

  const said: string[] = [];
  let looks = 0;
  const folder = join(node.folder, 'sealed');
  mkdirSync(folder);
  const rotation = new Rotation({
    keystore,
    files: new SealedFiles(folder, node.keeper, node.cluster),
    keeper: {
      status: () => {
        looks++;
        return node.keeper.status();
      },
      retire: (older) => Promise.resolve(keeper.retire(older)),
    },
    log: (_, message, fields) => said.push(JSON.stringify([message, fields?.['object']])),
    pauses: { look: 1, stuck: 1, settle: 1 },
  });
  t.teardown(() => {
    rotation.stop();
  });
  const stays = JSON.stringify(['a secret cannot be sealed anew; its generation is kept', broken]);
  await until('it was tried again', () => said.includes(stays) && looks > 5);
  t.is(said.filter((each) => each === stays).length, 1);
  t.is(rotation.left, 1);
  t.deepEqual(rotation.alarms(), [
    'a key opens no more, and the wrapping key stays: restore a backup',
  ]);
  t.is(keeper.status().older?.length, 1);
  t.is(await keystore.outdated(generation), 1);

  await node.backups.restore(chunked(bundle), by);
  await until('the rotation ends', () => rotation.left === undefined);
  t.is(keeper.status().older, undefined);
  t.deepEqual(rotation.alarms(), []);
  for (const [id, secret] of secrets) t.is(await node.get(id), secret);
});
