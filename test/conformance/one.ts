import { kmipData, noData } from '../harness/kmip-data.ts';
import { nameOf } from '../../appliance/kmip/enumeration.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { exchangesOf, profileCases } from './profile-case.ts';
import { textOf } from './scene.ts';
import { inVersion2 } from './translation.ts';
import { Stage } from './stage.ts';

/**
 * Plays the cases whose names begin with an argument and shows what differs, with the messages as
 * they were: `node test/conformance/one.ts SKLC-M-1-12 CS-AC`. Families run whole and in order.
 * AS_2=1 in the environment plays them as KMIP 2.1 would put them.
 */
function shown(item: Item, depth = 1): string {
  const head = `${'  '.repeat(depth)}${nameOf(Tag, item.tag)}`;
  if (item.type !== 'Structure') return `${head} ${item.type} ${textOf(item)}\n`;
  return `${head}\n${item.value.map((each) => shown(each, depth + 1)).join('')}`;
}

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

async function main(wanted: readonly string[]): Promise<void> {
  const data = kmipData();
  if (data === undefined) throw new Error(noData);
  const all = profileCases(data);
  const asked = all.filter(({ name }) => wanted.some((prefix) => name.startsWith(prefix)));
  const families = new Set(asked.map(({ version, family }) => `${version} ${family}`));
  const stage = await Stage.open();
  let failed = 0;
  try {
    for (const each of all) {
      if (!families.has(`${each.version} ${each.family}`)) continue;
      const exchanges = exchangesOf(each);
      const minor = process.env['AS_2'];
      const played = minor === undefined ? exchanges : inVersion2(exchanges, Number(minor));
      const run = await stage.play(each, played).catch((error: unknown) => {
        say(`✘ ${each.name}: ${String(error)}`);
        failed++;
      });
      if (run === undefined) continue;
      const bad = run.replayed.filter(({ differences }) => differences.length > 0);
      if (bad.length > 0) failed++;
      say(`${bad.length > 0 ? '✘' : '✔'} ${each.name}`);
      if (!asked.includes(each)) continue;
      for (const { sent, came, differences } of asked.length > 3 ? [] : bad) {
        say(`${shown(sent)}${shown(came)}`);
        for (const difference of differences) say(`  ✘ ${difference}`);
      }
      if (asked.length > 3) {
        for (const { differences } of bad) for (const text of differences) say(`    ${text}`);
      }
    }
  } finally {
    await stage.close();
  }
  process.exitCode = failed > 0 ? 1 : 0;
}

await main(process.argv.slice(2));
