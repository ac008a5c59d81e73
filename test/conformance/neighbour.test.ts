import test from 'ava';
import { kmipData, noData } from '../harness/kmip-data.ts';
import { exceptions } from './exception.ts';
import { exchangesOf, profileCases } from './profile-case.ts';
import { Stage } from './stage.ts';
import { inMinorVersion } from './translation.ts';

/** The cases of 1.2 said in 1.3, whose own may not be in the folder. */
const data = kmipData();
const cases = data === undefined ? [] : profileCases(data);
if (cases.length === 0) {
  console.log(`skipped: ${noData}`);
  test.skip(`the cases of 1.2 in 1.3: ${noData}`, (t) => t.pass());
}

for (const [version, minor] of cases.length === 0 ? [] : ([['v1.2', 3]] as const)) {
  test.serial(`KMIP 1.${minor}: the cases of ${version} in its words`, async (t) => {
    const stage = await Stage.open();
    t.teardown(() => stage.close());
    for (const each of cases.filter((one) => one.version === version)) {
      if (each.name in exceptions) continue;
      const run = await stage.play(each, inMinorVersion(exchangesOf(each), minor));
      t.deepEqual(
        run.replayed.flatMap(({ differences }) => differences),
        [],
        each.name,
      );
    }
  });
}
