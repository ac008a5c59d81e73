import { Chance } from '../simulation/chance.ts';
import { VsanCluster } from './cluster.ts';
import { faultOf, stops } from './fault.ts';
import type { Scene } from './fault.ts';
import { judge } from './judge.ts';
import type { Verdict } from './judge.ts';
import { Ledger } from './ledger.ts';
import { pause } from './node.ts';
import { TorturedPair } from './pair.ts';
import { plan } from './plan.ts';
import type { Regime, Step } from './plan.ts';
import { Provider } from './provider.ts';
import { Traffic } from './traffic.ts';

export interface TortureOptions {
  readonly seed: number;
  /** Ends after so many steps, or once this says so. */
  readonly steps: number;
  /** Leaves out so many of the seed's first steps, to come to the one that fails sooner. */
  readonly skipped?: number;
  readonly isOver?: () => boolean;
  /** Keys that have to be answered in peace before each step. */
  readonly keysOfStep: number;
  readonly folder: string;
  readonly say: (line: string) => void;
}

export interface Report {
  readonly steps: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly ledger: Ledger;
  readonly verdict: Verdict;
  /** Milliseconds from the end of each step's faults until both nodes had the same. */
  readonly convergence: readonly number[];
  /** The same where an empty node took a lost one's place: all keys had to come. */
  readonly refills: readonly Refill[];
}

export interface Refill {
  readonly milliseconds: number;
  readonly keys: number;
}

const peaceMilliseconds = 120_000;
const betweenFaults = 300;
/** After so many steps a cluster gets new keys. */
const stepsOfKey = 5;

/** Tortures a pair as a seed says, and judges what is left of it. */
export async function torture(options: TortureOptions): Promise<Report> {
  const { seed, folder, say } = options;
  const pair = await TorturedPair.start(folder);
  const ledger = new Ledger();
  const provider = new Provider(pair, ledger);
  const traffic = new Traffic(pair, provider, ledger, new Chance(seed ^ 0x5eed));
  const cluster = new VsanCluster(provider, ledger);
  const course = new Course({ options, pair, traffic, ledger, cluster });
  try {
    traffic.start();
    await course.run();
    await traffic.stop();
    say('judging');
    const verdict = await judge(pair, ledger, folder);
    const { steps, faults, convergence, refills } = course;
    return { steps, faults, convergence, refills, ledger, verdict };
  } finally {
    await traffic.stop();
    await pair.stop();
  }
}

interface CourseParts {
  readonly options: TortureOptions;
  readonly pair: TorturedPair;
  readonly traffic: Traffic;
  readonly ledger: Ledger;
  readonly cluster: VsanCluster;
}

class Course {
  steps = 0;
  readonly faults = new Map<string, number>();
  readonly convergence: number[] = [];
  readonly refills: Refill[] = [];
  readonly #options: TortureOptions;
  readonly #pair: TorturedPair;
  readonly #traffic: Traffic;
  readonly #ledger: Ledger;
  readonly #cluster: VsanCluster;
  #regime: Regime | undefined;

  constructor({ options, pair, traffic, ledger, cluster }: CourseParts) {
    this.#options = options;
    this.#pair = pair;
    this.#traffic = traffic;
    this.#ledger = ledger;
    this.#cluster = cluster;
  }

  async run(): Promise<void> {
    const { seed, steps: count, isOver, skipped = 0 } = this.#options;
    const steps = plan(seed);
    for (let i = 0; i < skipped; i++) steps.next();
    for (const step of steps) {
      if (this.steps === count || isOver?.() === true) return;
      if (step.regime !== this.#regime) await this.#rule(step.regime);
      await this.#peace();
      if (this.steps % stepsOfKey === 0) await this.#cluster.rekey();
      await this.#step(step);
      this.steps++;
    }
  }

  async #rule(regime: Regime): Promise<void> {
    const journal = regime === 'journal';
    if (journal !== (this.#regime === 'journal')) {
      // One after the other, as an upgrade is done.
      for (const place of this.#pair.places) {
        await place.stop();
        await place.start({ journal });
        await this.#pair.converged();
      }
    }
    this.#regime = regime;
    await this.#pair.setPolicy(regime === 'alone-for' ? ['alone-for', '72h'] : ['refuse']);
  }

  /** With both nodes there, keys are answered. */
  async #peace(): Promise<void> {
    this.#traffic.goOn();
    const { keysOfStep } = this.#options;
    if (await this.#traffic.answered(keysOfStep, peaceMilliseconds)) return;
    this.#ledger.wrongs.push(`no keys were answered in peace before step ${this.steps + 1}`);
  }

  async #step(step: Step): Promise<void> {
    const { say } = this.#options;
    const { regime, faults, milliseconds } = step;
    const scene: Scene = {
      ...{ pair: this.#pair, traffic: this.#traffic, ledger: this.#ledger },
      ...{ regime, whole: this.#whole },
    };
    const acts = faults.map((planned) => faultOf(planned, scene));
    const named = faults.map(({ kind, place }) => `${kind} (${place})`).join(' + ');
    const outage = faults.length === 2 && faults.every(stops);
    if (outage) this.#ledger.beginOutage();
    for (const [i, act] of acts.entries()) {
      if (i > 0) await pause(betweenFaults);
      await act.begin();
      const { kind } = faults[i] ?? faults[0];
      this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
    }
    await pause(milliseconds);
    const ending = performance.now();
    const storm = outage ? this.#cluster.storm() : undefined;
    for (const act of acts.toReversed()) await act.end();
    const [took] = await Promise.all([this.#pair.converged(), storm]);
    const { size } = this.#ledger.keys;
    if (faults.some(({ kind }) => kind === 'disk lost')) {
      this.refills.push({ milliseconds: performance.now() - ending, keys: size });
    } else this.convergence.push(took);
    await this.#traffic.hold();
    await this.#pair.converged();
    if (outage) this.#ledger.endOutage();
    this.#whole = performance.now();
    const { keys, reads } = this.#ledger;
    say(
      `${this.steps + 1}. ${regime}: ${named}, ${milliseconds} ms; ` +
        `converged in ${(took / 1000).toFixed(1)} s; ${keys.size} keys, ` +
        `${reads.answered} reads, ${reads.unanswered} not answered`,
    );
  }

  #whole = 0;
}
