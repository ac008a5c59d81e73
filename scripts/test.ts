import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/**
 * Runs the checks and the tests and counts what each says it did; the last line adds them up. A
 * check counts as one test. A test that is skipped prints its reason as a line `skipped: …`.
 */
const counts = { passed: 0, failed: 0, skipped: 0 };

/** What failed, said once more at the end: a log that is cut in the middle still names it. */
const failures: string[] = [];
const linesOfOneFailure = 40;

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
  const last: string[] = [];
  const code = await run(command, parameters, (text) => {
    echo(text);
    last.push(text);
    if (last.length > linesOfOneFailure) last.shift();
  });
  const title = `${code === 0 ? 'ok' : 'not ok'} - ${command} ${parameters.join(' ')}`;
  counts[code === 0 ? 'passed' : 'failed']++;
  if (code !== 0) failures.push(title, ...last);
  echo(title);
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
  const title = `${bad ? 'not ok' : 'ok'} - npm audit: ${high} high, ${critical} critical`;
  counts[bad ? 'failed' : 'passed']++;
  if (bad) failures.push(title);
  echo(title);
}

await audit();
await check('tsc');
await check('eslint', '.');
await check('prettier', '--check', '--log-level', 'warn', '.');
let linesLeft = 0;
const code = await run('ava', ['--tap'], (text) => {
  if (/^ok \d+/.test(text)) {
    if (text.includes('# SKIP')) counts.skipped++;
    else counts.passed++;
    linesLeft = 0;
  } else if (/^not ok \d+/.test(text)) {
    counts.failed++;
    linesLeft = linesOfOneFailure;
  }
  if (linesLeft-- > 0) failures.push(text);
  if (!/^(TAP version|1\.\.|# (tests|pass|fail|skip))/.test(text)) echo(text);
});
if (code !== 0 && counts.failed === 0) {
  counts.failed++;
  failures.push(`not ok - ava ended with ${code}`);
}
await check('node', 'test/simulation/main.ts', '--seeds', '2000');
await check('node', 'test/seeded-bug/main.ts');
for (const line of failures) echo(line);
const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`;
echo(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exitCode = counts.failed === 0 ? 0 : 1;
