import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { environmentFor } from './addon.ts';
import { seedsOf, targets } from './seed.ts';
import type { TargetName } from './seed.ts';

/**
 * `npm run fuzz -- --minutes N`: Jazzer.js (libFuzzer) on each target, so many minutes over all of
 * them. What makes one fail lies under dist/fuzz/found/ afterwards; the corpus is kept beside it.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    target: { type: 'string', default: targets.join() },
    seeds: { type: 'string' },
  },
});

const root = join(import.meta.dirname, '..', '..');
const place = join(root, 'dist', 'fuzz');
const jazzer = join(place, 'node_modules', '@jazzer.js');

/** What the fuzzer reports of a run, and where its last line stood. */
interface Report {
  readonly name: string;
  readonly code: number | null;
  readonly executions: number;
  readonly edges: number;
  readonly corpus: number;
}

/** The fuzzer has a lock file of its own: nobody who builds or tests needs its hundred packages. */
function install(): void {
  mkdirSync(place, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) {
    copyFileSync(join(import.meta.dirname, name), join(place, name));
  }
  if (existsSync(join(jazzer, 'core'))) return;
  execFileSync('npm', ['ci', '--ignore-scripts'], { cwd: place, stdio: 'inherit' });
}

function compile(): void {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const project = join(root, 'tsconfig.fuzz.json');
  execFileSync(process.execPath, [tsc, '-p', project], { cwd: root, stdio: 'inherit' });
}

function begin(name: TargetName): { readonly corpus: string; readonly found: string } {
  const corpus = join(place, 'corpus', name);
  const found = join(place, 'found', name);
  for (const folder of [corpus, found]) mkdirSync(folder, { recursive: true });
  for (const [i, seed] of seedsOf(name, values.seeds).entries()) {
    writeFileSync(join(corpus, `seed-${i}`), seed);
  }
  return { corpus, found };
}

function run(name: TargetName, seconds: number, environment: NodeJS.ProcessEnv): Promise<Report> {
  const { corpus, found } = begin(name);
  const target = join(place, 'test', 'fuzz', 'target', `${name}.js`);
  const asynchronous = name === 'dispatch' || name === 'backup';
  const parameters = [
    ...[join(jazzer, 'core', 'dist', 'cli.js'), target, corpus],
    ...['--includes', 'dist/fuzz/appliance/', '--excludes', 'node_modules', '--timeout', '5000'],
    ...(asynchronous ? [] : ['--sync']),
    ...['--', `-max_total_time=${seconds}`, `-artifact_prefix=${found}/`],
    ...['-max_len=4096', '-rss_limit_mb=1024', '-print_final_stats=1', '-use_value_profile=1'],
  ];
  const child = spawn(process.execPath, parameters, {
    ...{ cwd: place, stdio: ['ignore', 'pipe', 'pipe'] },
    env: { ...process.env, ...environment },
  });
  let text = '';
  const heard = (chunk: Buffer): void => {
    text = (text + chunk.toString()).slice(-(1 << 20));
  };
  child.stdout.on('data', heard);
  child.stderr.on('data', heard);
  return new Promise((resolve) => {
    child.once('close', (code) => {
      const last = (pattern: RegExp): number =>
        Number([...text.matchAll(pattern)].at(-1)?.[1] ?? 0);
      if (code !== 0) process.stdout.write(text.slice(-6_000));
      resolve({
        ...{ name, code },
        executions: last(/^#(\d+)/gm),
        edges: last(/ cov: (\d+)/g),
        corpus: last(/ corp: (\d+)/g),
      });
    });
  });
}

const names = targets.filter((name) => values.target.split(',').includes(name));
const seconds = Math.max(5, Math.round((Number(values.minutes) * 60) / names.length));
install();
compile();
const folder = mkdtempSync(join(place, 'run-'));
try {
  const addon = join(
    jazzer,
    'fuzzer',
    'prebuilds',
    `fuzzer-${process.platform}-${process.arch}.node`,
  );
  const environment = environmentFor(addon, folder);
  process.stdout.write(
    `| target | executions | edges | corpus | found |\n| --- | --- | --- | --- | --- |\n`,
  );
  for (const name of names) {
    const { code, executions, edges, corpus } = await run(name, seconds, environment);
    const found = readdirSync(join(place, 'found', name)).length;
    process.stdout.write(`| ${name} | ${executions} | ${edges} | ${corpus} | ${found} |\n`);
    if (code !== 0 || executions === 0) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
