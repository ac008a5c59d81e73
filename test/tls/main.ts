import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, removeFolder, RunningAppliance, temporaryFolder } from '../harness/appliance.ts';

/**
 * `npm run tls-check`: testssl.sh (Debian: testssl.sh) looks at the KMIP port of an appliance; what
 * it rates above LOW ends it with 1. A minute or two.
 */
interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

/**
 * What is rated by the rules of public web sites and is meant as it is: the certificate is the
 * appliance's own and vCenter pins it, so no public authority stands behind it, no list revokes it,
 * and it lasts longer than 398 days.
 */
const ofPublicCertificates = new Set([
  ...['cert_chain_of_trust', 'cert_trust', 'cert_revocation', 'cert_validityPeriod'],
  'DNS_CAArecord',
]);

/** Said of what could not be tried, and no rating; renegotiation has a test of its own. */
const unrated = ['OK', 'INFO', 'DEBUG', 'WARN'];

function testssl(target: string, file: string): Promise<void> {
  const options = ['--quiet', '--warnings', 'batch', '--color', '0', '--jsonfile', file];
  const child = spawn('testssl', [...options, target], { stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      resolve();
    });
  });
}

try {
  execFileSync('testssl', ['--version'], { stdio: 'ignore' });
} catch {
  process.stderr.write('error: testssl.sh is not installed\nhint: apt-get install testssl.sh\n');
  process.exit(1);
}
const folder = temporaryFolder();
const state = join(folder, 'state');
const started = launch(['--state', state, '--token', 'softhsm', '--listen', '127.0.0.1:0']);
try {
  const first = await Promise.race([started.ready, started.ended]);
  if (typeof first !== 'string') throw new Error(first.stderr);
  const appliance = new RunningAppliance(state, first, started.child, started.ended);
  const file = join(folder, 'findings.json');
  await testssl(`${appliance.host}:${appliance.port}`, file);
  const findings = JSON.parse(readFileSync(file, 'utf8')) as Finding[];
  const rated = findings.filter(({ severity }) => !unrated.includes(severity));
  const bad = rated.filter(
    ({ id, severity }) => severity !== 'LOW' && !ofPublicCertificates.has(id),
  );
  for (const { id, severity, finding } of rated) {
    process.stdout.write(`${severity}: ${id}: ${finding}\n`);
  }
  process.stdout.write(`${findings.length} findings, ${bad.length} above LOW\n`);
  process.exitCode = bad.length === 0 && findings.length > 50 ? 0 : 1;
} finally {
  started.child.kill('SIGTERM');
  await started.ended;
  removeFolder(folder);
}
