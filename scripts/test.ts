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

/** Known weaknesses of packages that run, where the registry answers: npm ends with 1 for both. */
async function audit(): Promise<void> {
  let text = '';
  const parameters = ['audit', '--omit', 'dev', '--audit-level', 'high', '--json'];
  await run('npm', parameters, (line) => (text += line));
  const { vulnerabilities, metadata } = JSON.parse(text === '' ? '{}' : text) as {
    vulnerabilities?: unknown;
    metadata?: { readonly vulnerabilities: { readonly high: number; readonly critical: number } };
  };
  if (vulnerabilities === undefined || metadata === undefined) {
    counts.skipped++;
    echo('skipped: npm audit, for the registry does not answer it');
    return;
  }
  const { high, critical } = metadata.vulnerabilities;
  const bad = high + critical > 0;
  counts[bad ? 'failed' : 'passed']++;
  echo(`${bad ? 'not ok' : 'ok'} - npm audit: ${high} high, ${critical} critical`);
}

await audit();
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
