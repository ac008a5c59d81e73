import type { Facts } from '../../appliance/console/facts.ts';
import type { NetworkTest } from '../../appliance/console/surroundings.ts';
import { networkTests } from '../../appliance/service/network-test.ts';

/** Runs what F5 runs, where it is started, and prints what came of each; the facts are its word. */
const facts = JSON.parse(process.argv[2] ?? '{}') as Facts;

async function outcomeOf(test: NetworkTest): Promise<{ isGood: boolean; text: string }> {
  try {
    return { isGood: true, text: await test.run() };
  } catch (error) {
    return { isGood: false, text: error instanceof Error ? error.message : 'unknown' };
  }
}

for (const test of networkTests(() => facts, true)) {
  process.stdout.write(`${JSON.stringify({ name: test.name, ...(await outcomeOf(test)) })}\n`);
}
