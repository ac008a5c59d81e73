import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/**
 * Runs the checks and the tests and counts what each says it did; the last line adds them up. A
 * check counts as one test. A test that is skipped prints its reason as a line `skipped: …`.
 */
const counts = { passed: 0, failed: 0, skipped: 0 };

function run(
  command: string,
  parameters: readonly string[],
  line: (text: string) => void,
): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface({ input: child.stdout }).on('line', line);
    child.once('close', (code) => {
      resolve(code ?? 1);
    });
  });
}

function echo(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function check(command: string, ...parameters: string[]): Promise<void> {
  const code = await run(command, parameters, echo);
  counts[code === 0 ? 'passed' : 'failed']++;
  echo(`${code === 0 ? 'ok' : 'not ok'} - ${command} ${parameters.join(' ')}`);
}

await check('tsc');
await check('eslint', '.');
await check('prettier', '--check', '--log-level', 'warn', '.');
const code = await run('ava', ['--tap'], (text) => {
  if (/^ok \d+/.test(text)) {
    if (text.includes('# SKIP')) counts.skipped++;
    else counts.passed++;
  } else if (/^not ok \d+/.test(text)) {
    counts.failed++;
  }
  if (!/^(TAP version|1\.\.|# (tests|pass|fail|skip))/.test(text)) echo(text);
});
if (code !== 0 && counts.failed === 0) counts.failed++;
await check('node', 'test/simulation/main.ts', '--seeds', '2000');
await check('node', 'test/seeded-bug/main.ts');
const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`;
echo(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exitCode = counts.failed === 0 ? 0 : 1;
