import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Operation, ResultReason, nameOf } from '../../appliance/kmip/enumeration.ts';
import { reasonIn } from '../../appliance/kmip/reason.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import { kmipData, noData } from '../harness/kmip-data.ts';
import { exceptions } from './exception.ts';
import { exchangesOf, profileCases } from './profile-case.ts';
import type { Replayed } from './replay.ts';
import { find } from './scene.ts';
import { Stage } from './stage.ts';
import { inVersion2 } from './translation.ts';

/** The cases of 1.4 in the words of 2.0 and 2.1, whose own cases may not be in the data folder. */
const data = kmipData();
const cases =
  data === undefined ? [] : profileCases(data).filter(({ version }) => version === 'v1.4');
if (cases.length === 0) {
  console.log(`skipped: ${noData}`);
  test.skip(`the cases of 1.4 in 2.x: ${noData}`, (t) => t.pass());
}

const plain = (name: string): string => name.replace(/[^\da-z]/gi, '').toLowerCase();

/** The reasons that the error table of 2.1 has for an operation. */
function reasonsOf(operation: number): ReadonlySet<string> {
  const path = join(data ?? '', 'spec-tables', 'errors-2.1.json');
  const table = JSON.parse(readFileSync(path, 'utf8')) as Record<string, { reason: string }[]>;
  const name = nameOf(Operation, operation);
  const rows = Object.entries(table).find(([key]) => plain(key) === plain(name))?.[1] ?? [];
  return new Set(rows.flatMap(({ reason }) => reason.split(', ')).map(plain));
}

/** What remains when 2.x refuses with a finer reason of its own table. */
function differencesOf({ differences, came, exchange }: Replayed): readonly string[] {
  const reason = find(came, Tag.ResultReason)?.value;
  const operation = find(came, Tag.Operation)?.value;
  if (typeof reason !== 'number' || typeof operation !== 'number') return differences;
  const name = nameOf(ResultReason, reason);
  const listed = reasonsOf(operation).has(plain(name)) || name === 'GeneralFailure';
  if (!listed) return [...differences, `${name} is not in the table of ${operation}`];
  const before = nameOf(ResultReason, reasonIn(reason as ResultReason, 104));
  return differences.filter((text) => {
    const wanted = /^BatchItem\/ResultReason: expected (\w+)/.exec(text)?.[1];
    return wanted === undefined || wanted !== before || exchange.response.items.length !== 2;
  });
}

for (const minor of cases.length === 0 ? [] : [0, 1]) {
  test.serial(`KMIP 2.${minor}: the cases of 1.4 in its words`, async (t) => {
    const stage = await Stage.open();
    t.teardown(() => stage.close());
    for (const each of cases) {
      if (each.name in exceptions) continue;
      const run = await stage.play(each, inVersion2(exchangesOf(each), minor));
      t.deepEqual(run.replayed.flatMap(differencesOf), [], each.name);
    }
  });
}
