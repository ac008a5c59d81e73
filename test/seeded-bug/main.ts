import { spawn } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bugs } from './bugs.ts';
import type { SeededBug } from './bugs.ts';

/**
 * `npm run seeded-bugs`: the tests' own proof. Each bug is written into a copy of the tree, never
 * into the tree itself, and what is named has to catch it; a text that is not there any more ends
 * this, so that no bug is left behind by a change. `--only WORDS` runs some of them.
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    seeds: { type: 'string', default: '400' },
    from: { type: 'string', default: '1' },
    workers: { type: 'string', default: '2' },
  },
});
const root = join(import.meta.dirname, '..', '..');
const copied = ['appliance', 'test', 'package.json'];

interface Verdict {
  readonly caught: boolean;
  /** The seeds that were needed, or the test that failed. */
  readonly how: string;
}

function copyTree(): string {
  const folder = mkdtempSync(join(tmpdir(), 'twinlock-seeded-bug-'));
  for (const name of copied) cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(realpathSync(join(root, 'node_modules')), join(folder, 'node_modules'));
  return folder;
}

/** Gives the file's text with the bug in it. Throws where it does not apply any more. */
function seeded({ name, file, edits }: SeededBug): string {
  let text = readFileSync(join(root, file), 'utf8');
  for (const [found, instead] of edits) {
    if (text.split(found).length !== 2) {
      throw new Error(`"${name}" does not apply: ${file} has not once\n${found}`);
    }
    text = text.replace(found, () => instead);
  }
  return text;
}

function run(folder: string, ...command: string[]): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve) => {
    const [program = '', ...parameters] = command;
    const child = spawn(program, parameters, { cwd: folder });
    let text = '';
    child.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => (text += bytes.toString()));
    child.once('close', (code) => {
      resolve({ code, text });
    });
  });
}

async function trial(folder: string, bug: SeededBug): Promise<Verdict> {
  const path = join(folder, bug.file);
  const whole = readFileSync(path);
  writeFileSync(path, seeded(bug));
  try {
    return bug.caughtBy === 'simulation' ? await simulated(folder) : await folded(folder);
  } finally {
    writeFileSync(path, whole);
  }
}

async function simulated(folder: string): Promise<Verdict> {
  const main = join(folder, 'test', 'simulation', 'main.ts');
  const range = ['--seeds', values.seeds, '--from', values.from, '--workers', '1'];
  const { code, text } = await run(folder, process.execPath, main, ...range);
  // What broke the run itself is no finding.
  const found = /^seed (\d+) fails:\n {2}(.*)$/m.exec(text);
  const broke = found?.[2]?.startsWith('the run broke') === true;
  if (code === 0 || found === null || broke) return { caught: false, how: text.slice(-600) };
  const seeds = Number(found[1]) - Number(values.from) + 1;
  return { caught: true, how: `seed ${seeds}: ${found[2]?.slice(0, 90) ?? ''}` };
}

async function folded(folder: string): Promise<Verdict> {
  const script = join(folder, 'test', 'seeded-bug', 'properties.ts');
  // The cases are drawn anew each time: one round of them may miss what the next one finds.
  let { code, text } = await run(folder, process.execPath, script);
  for (let more = 0; code === 0 && more < 5; more++) {
    ({ code, text } = await run(folder, process.execPath, script));
  }
  const found = /^(.*) does not hold$/m.exec(text);
  if (code === 0 || found === null) return { caught: false, how: text.slice(-600) };
  return { caught: true, how: `fold: ${found[0]}` };
}

const wanted = bugs.filter(({ name }) => name.includes(values.only));
for (const bug of bugs) seeded(bug);
const waiting = [...wanted];
let caught = 0;

async function work(): Promise<void> {
  const folder = copyTree();
  try {
    for (let bug = waiting.shift(); bug !== undefined; bug = waiting.shift()) {
      const verdict = await trial(folder, bug);
      if (verdict.caught) caught++;
      process.stdout.write(`${verdict.caught ? 'caught' : 'NOT CAUGHT'}: ${bug.name}\n`);
      process.stdout.write(`  ${verdict.how}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await Promise.all(Array.from({ length: Number(values.workers) }, work));
process.stdout.write(`${caught} of ${wanted.length} seeded bugs caught\n`);
process.exitCode = caught === wanted.length ? 0 : 1;
