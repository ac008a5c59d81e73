import { Chance } from '../simulation/chance.ts';

export const nodeFaults = [
  'server killed',
  'keeper killed',
  'token process killed',
  'power cut',
  'server frozen',
  'keeper frozen',
  'node frozen',
  'disk full',
  'flush fails',
  'clock jumps',
  'old disk put back',
  'disk lost',
  'wrapping key rotated',
  'root key rotated',
] as const;
export const linkFaults = [
  'link: all is lost',
  'link: all is held',
  'link: one way there',
  'link: one way back',
  'link: half open',
  'link: reset',
  'link: delay',
  'link: throttled',
  'link: refused',
] as const;
export type NodeFault = (typeof nodeFaults)[number];
export type LinkFault = (typeof linkFaults)[number];
export type FaultKind = NodeFault | LinkFault;

/**
 * What the cluster promises while a fault is in it:
 * `refuse`: nothing is lost under any faults that leave one copy, so there are two at once;
 * `alone-for`: nothing is lost under one fault;
 * `journal`: nothing is lost when the disk of the lone node is lost, either.
 */
export const regimes = ['refuse', 'alone-for', 'journal'] as const;
export type Regime = (typeof regimes)[number];

export interface PlannedFault {
  readonly kind: FaultKind;
  readonly place: 'a' | 'b';
  /** From 0, less than 1: how long a delay is, how far a clock jumps. */
  readonly size: number;
}

export interface Step {
  readonly regime: Regime;
  readonly faults: readonly [PlannedFault] | readonly [PlannedFault, PlannedFault];
  readonly milliseconds: number;
}

const stepsOfRegime = 10;
const shortest = 400;
const longest = 5_000;
/** Of ten steps under `refuse`, so many have two faults. */
const doubledOfTen = 4;

export const isLinkFault = (kind: FaultKind): kind is LinkFault =>
  (linkFaults as readonly string[]).includes(kind);

/** What follows from a seed, for as long as somebody takes steps. */
export function* plan(seed: number): Generator<Step, never> {
  const chance = new Chance(seed);
  let bag: FaultKind[] = [];
  // Every fault has its turn before any has its second one.
  const draw = (): FaultKind => {
    if (bag.length === 0) bag = shuffled([...nodeFaults, ...linkFaults], chance);
    return bag.pop() ?? 'server killed';
  };
  const at = (kind: FaultKind, place: 'a' | 'b' = chance.of(['a', 'b'])): PlannedFault => ({
    ...{ kind, place, size: chance.next() },
  });
  for (let i = 0; ; i++) {
    const regime = regimes[Math.floor(i / stepsOfRegime) % regimes.length] ?? 'refuse';
    const first = at(draw());
    const milliseconds = Math.floor(shortest + chance.next() * (longest - shortest));
    const doubled = chance.below(10) < doubledOfTen && regime === 'refuse';
    const second = doubled ? another(first, chance, at) : undefined;
    yield { regime, milliseconds, faults: second === undefined ? [first] : [first, second] };
  }
}

/** Another fault beside the first one that leaves one copy, and does not undo it. */
function another(
  first: PlannedFault,
  chance: Chance,
  at: (kind: FaultKind, place?: 'a' | 'b') => PlannedFault,
): PlannedFault {
  const other = first.place === 'a' ? 'b' : 'a';
  const mild = nodeFaults.filter((kind) => !['old disk put back', 'disk lost'].includes(kind));
  const link = linkFaults[chance.below(linkFaults.length)] ?? 'link: reset';
  if (isLinkFault(first.kind)) return at(mild[chance.below(mild.length)] ?? 'server killed');
  const alone = ['old disk put back', 'disk lost'].includes(first.kind);
  if (alone || chance.happens(0.5)) return at(link);
  return at(mild[chance.below(mild.length)] ?? 'server killed', other);
}

function shuffled<T>(values: T[], chance: Chance): T[] {
  for (let i = values.length - 1; i > 0; i--) {
    const j = chance.below(i + 1);
    [values[i], values[j]] = [values[j] as T, values[i] as T];
  }
  return values;
}
