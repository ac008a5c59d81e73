import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { behindPowerCut, compilePowerCut, watchedRoot } from '../harness/power-cut.ts';
import { memoryFolder, Simulation } from './run.ts';
import type { Outcome } from './run.ts';

/**
 * `npm run simulate -- --seeds N --from S`: the same seed is the same run. `--traces` says of each
 * seed a digest of all that happened, `--verbose` the schedule.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    step: { type: 'string', default: '1' },
    workers: { type: 'string', default: String(availableParallelism()) },
    verbose: { type: 'boolean', default: false },
    traces: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});
const from = Number(values.from);
const seeds = Number(values.seeds);

/** One of several processes behind the shim: every `step`th seed, each outcome as a line. */
async function work(folder: string): Promise<number> {
  for (let seed = from; seed < from + seeds; seed += Number(values.step)) {
    const outcome = await new Simulation(seed, folder).run();
    process.stdout.write(`${JSON.stringify(outcome)}\n`);
  }
  return 0;
}

/** Compiles the shim, starts the processes behind it, and adds up what they say. */
async function conduct(): Promise<number> {
  const folder = mkdtempSync(join(memoryFolder(), 'twinlock-simulation-'));
  try {
    const workers = Math.max(1, Math.min(Number(values.workers), seeds));
    const library = compilePowerCut(folder);
    const sum = new Sum();
    const codes = await Promise.all(
      Array.from({ length: workers }, (_, i) =>
        startWorker(behindPowerCut(library, join(folder, `worker${i}`)), i, workers, sum),
      ),
    );
    if (sum.failed === 0 && sum.seeds === seeds && codes.every((code) => code === 0)) {
      sum.say();
      return 0;
    }
    process.stdout.write(`${sum.failed} of ${sum.seeds} seeds fail\n`);
    return 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function startWorker(
  env: NodeJS.ProcessEnv,
  i: number,
  workers: number,
  sum: Sum,
): Promise<number | null> {
  const range = ['--from', String(from + i), '--seeds', String(seeds - i)];
  const child = spawn(process.execPath, [import.meta.filename, ...range, '--step', `${workers}`], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    sum.add(JSON.parse(line) as Outcome);
    if (sum.failed > 0 && !values.keep) child.kill();
  });
  return new Promise((resolve) => {
    child.once('close', resolve);
  });
}

class Sum {
  seeds = 0;
  failed = 0;
  #acknowledged = 0;
  #refused = 0;
  #healed = 0;
  readonly #injected: Record<string, number> = {};

  add(outcome: Outcome): void {
    const { seed, faults, schedule, trace, acknowledged, refused, injected, healed } = outcome;
    this.seeds++;
    this.#acknowledged += acknowledged;
    this.#refused += refused;
    this.#healed = Math.max(this.#healed, healed);
    for (const [what, count] of Object.entries(injected)) {
      this.#injected[what] = (this.#injected[what] ?? 0) + count;
    }
    if (values.traces) process.stdout.write(`seed ${seed}: ${trace}\n`);
    const fails = faults.length > 0;
    if (values.verbose || (fails && this.failed === 0)) {
      process.stdout.write(`${schedule.join('\n')}\n`);
    }
    if (!fails) return;
    this.failed++;
    process.stdout.write(`\nseed ${seed} fails:\n  ${faults.join('\n  ')}\n`);
    process.stdout.write(`again: npm run simulate -- --seeds 1 --from ${seed}\n`);
  }

  say(): void {
    const injected = Object.entries(this.#injected).sort(
      ([one, a], [other, b]) => b - a || (one < other ? -1 : 1),
    );
    const faults = injected.reduce((sum, [, count]) => sum + count, 0);
    process.stdout.write(
      `${this.seeds} seeds from ${from}: ${this.#acknowledged} keys answered, ` +
        `${this.#refused} refused; whole again within ${this.#healed / 1000} s\n` +
        `${faults} faults: ${injected.map(([what, count]) => `${count} ${what}`).join(', ')}\n` +
        'nothing lost, nothing wrong, nothing divergent, nothing resurrected\n',
    );
  }
}

process.exitCode = watchedRoot === undefined ? await conduct() : await work(watchedRoot);
