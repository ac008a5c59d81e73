import { parseArgs } from 'node:util';
import { drill } from '../harness/drill.ts';

/** `npm run restore-test -- --keys N`: loses a node with N keys (100,000) and restores it. */
const { values } = parseArgs({ options: { keys: { type: 'string', default: '100000' } } });
const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const came = await drill(Number(values.keys), say);
const { keys, bytes, wrong, mebibytes } = came;
say(`backup: ${(bytes / (1 << 20)).toFixed(1)} MiB`);
say(`most memory of a process: ${mebibytes.backup} MiB in backup, ${mebibytes.restore} in restore`);
say(`${keys - wrong} of ${keys} keys fetched through KMIP have the same digest`);
process.exit(wrong === 0 && keys === Number(values.keys) ? 0 : 1);
