import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { readmePath, willInstall } from './path.ts';

/**
 * `npm run first-key`: types what the README has a new user type, from its first command to a key
 * at both nodes, and says how many steps that took and how long. `--clone` begins with a clone of
 * what is committed, which installs the pinned packages anew.
 */
const root = join(import.meta.dirname, '..', '..');
const { values } = parseArgs({ options: { clone: { type: 'boolean', default: false } } });
const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** The README's addresses belong to whoever has them: where it may be, a network of its own. */
function inOwnNetwork(): number | undefined {
  const isInside = process.env['TWINLOCK_OWN_NETWORK'] !== undefined;
  if (isInside || values.clone || willInstall(root)) return undefined;
  const words = [...(process.getuid?.() === 0 ? [] : ['--map-root-user']), '--net'];
  const up = ['sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
  try {
    execFileSync('unshare', [...words, ...up, 'true'], { stdio: 'ignore' });
  } catch {
    say('no network of its own can be made here: the README’s ports have to be free');
    return undefined;
  }
  const own = [...words, ...up, process.execPath, import.meta.filename];
  const env = { ...process.env, TWINLOCK_OWN_NETWORK: 'yes' };
  try {
    execFileSync('unshare', own, { stdio: 'inherit', env });
    return 0;
  } catch {
    return 1;
  }
}

/** A folder in which the README's commands are typed: nothing is there but the project. */
function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'twinlock-first-'));
  if (!values.clone) {
    symlinkSync(join(root, 'scripts'), join(folder, 'scripts'));
    return folder;
  }
  const began = performance.now();
  const into = join(folder, 'twinlock');
  execFileSync('git', ['clone', '--quiet', root, into], { stdio: 'inherit' });
  say(`clone   ${seconds(began)}`);
  return into;
}

/** Types a line; gives its process, and its end. */
function type(line: string, cwd: string): { child: ChildProcess; ended: Promise<number> } {
  // A group of its own: Ctrl-C at a terminal reaches all of it.
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const child = spawn('sh', ['-c', line], { cwd, stdio: [...stdio], detached: true });
  const ended = new Promise<number>((resolve) => {
    child.once('exit', (code) => {
      resolve(code ?? 1);
    });
  });
  return { child, ended };
}

/** Resolves once these lines were printed; false where the process ends before. */
function shown(child: ChildProcess, lines: readonly string[]): Promise<boolean> {
  const missing = new Set(lines);
  return new Promise((resolve) => {
    if (child.stdout === null) throw new Error('no output is read');
    const reader = createInterface({ input: child.stdout });
    reader.on('line', (line) => {
      missing.delete(line);
      if (missing.size === 0) resolve(true);
    });
    reader.once('close', () => {
      resolve(false);
    });
  });
}

async function walk(cwd: string): Promise<number> {
  const { steps, seen } = readmePath(root);
  const [first, ...others] = steps;
  if (first === undefined || seen.length === 0) throw new Error('the README begins with nothing');
  const began = performance.now();
  const node = type(first, cwd);
  try {
    if (!(await shown(node.child, seen))) throw new Error(`${first} ended before ${String(seen)}`);
    say(`step 1  ${first}   (${seconds(began)})`);
    for (const [i, line] of others.entries()) {
      const since = performance.now();
      const { child, ended } = type(line, cwd);
      child.stdout?.pipe(process.stdout);
      if ((await ended) !== 0) throw new Error(`${line} failed`);
      say(`step ${i + 2}  ${line}   (${seconds(since)})`);
    }
    say(`${steps.length} steps, ${seconds(began)} from the first command to the first key`);
    return 0;
  } finally {
    if (node.child.pid !== undefined) process.kill(-node.child.pid, 'SIGINT');
    await node.ended;
    // Its output ends with the last process that it left behind.
    if (!(await closed(node.child))) say('something still runs after Ctrl-C');
  }
}

/** Milliseconds within which nothing is left of what Ctrl-C ended. */
const leftMilliseconds = 20_000;

function closed({ stdout }: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    if (stdout === null || stdout.readableEnded || stdout.destroyed) {
      resolve(true);
      return;
    }
    const timer = setTimeout(() => {
      resolve(false);
    }, leftMilliseconds);
    stdout.once('close', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

async function main(): Promise<number> {
  const own = inOwnNetwork();
  if (own !== undefined) return own;
  const folder = freshFolder();
  try {
    return await walk(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : 'unknown'}\n`);
    process.exit(1);
  },
);
