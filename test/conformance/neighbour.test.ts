import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { kmipData, noData } from '../harness/kmip-data.ts';
import { exceptions } from './exception.ts';
import { exchangesOf, profileCases } from './profile-case.ts';
import { Stage } from './stage.ts';
import { inMinorVersion } from './translation.ts';
import type { Words } from './translation.ts';

/**
 * The cases of 1.0 and 1.2 said in 1.1, and those of 1.2 and 1.4 in 1.3: their own may not be in
 * the folder. What a neighbour has no words for is left out, and how much is left is counted.
 */
const data = kmipData();
const cases = data === undefined ? [] : profileCases(data);
if (cases.length === 0) {
  console.log(`skipped: ${noData}`);
  test.skip(`the cases of 1.x in 1.1 and 1.3: ${noData}`, (t) => t.pass());
}

/** A name as XML has it: without spaces and what the table notes behind it. */
const plain = (name: string): string => name.replace(/\(.*\)|\W/g, '');

function wordsOf(minor: number): Words {
  const path = join(data ?? '', 'spec-tables', `tables-1.${minor}.json`);
  const { tags, enums } = JSON.parse(readFileSync(path, 'utf8')) as {
    tags: Record<string, string>;
    enums: Record<string, Record<string, number>>;
  };
  return {
    tags: new Set(Object.values(tags).map((tag) => Number(`0x${tag}`))),
    // 1.3 and 1.4 advise against templates, and have them.
    objectTypes: new Set([...Object.keys(enums['Object Type'] ?? {}).map(plain), 'Template']),
  };
}

const neighbours = [
  ['v1.0', 1, 30],
  ['v1.2', 1, 30],
  ['v1.2', 3, 50],
  ['v1.4', 3, 45],
] as const;

for (const [version, minor, least] of cases.length === 0 ? [] : neighbours) {
  test.serial(`KMIP 1.${minor}: the cases of ${version} in its words`, async (t) => {
    const stage = await Stage.open();
    t.teardown(() => stage.close());
    let played = 0;
    for (const each of cases.filter((one) => one.version === version)) {
      if (each.name in exceptions) continue;
      const exchanges = inMinorVersion(exchangesOf(each), minor, wordsOf(minor));
      if (exchanges === undefined) continue;
      const run = await stage.play(each, exchanges);
      const found = run.replayed.flatMap(({ differences }) => differences);
      t.deepEqual(found, [], each.name);
      played++;
    }
    t.true(played >= least, `${played} cases have words in 1.${minor}`);
  });
}
