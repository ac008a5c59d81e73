import type { Round } from './load.ts';

export interface Rounds {
  readonly name: string;
  readonly rounds: readonly Round[];
}

function sorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

export function median(values: readonly number[]): number {
  return sorted(values)[Math.floor(values.length / 2)] ?? 0;
}

function spread(values: readonly number[]): string {
  const [low = 0] = sorted(values);
  return `${short(median(values))} [${short(low)}–${short(sorted(values).at(-1) ?? 0)}]`;
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(2);
}

/**
 * A Markdown table: each server's median with minimum and maximum over the rounds, and the first
 * server's figures as a multiple of each, taken round by round so that a busy machine harms both.
 */
export function table(title: string, servers: readonly Rounds[]): string {
  const [own] = servers;
  const lines = [
    `### ${title}`,
    '',
    '| server | per second | p50 µs | p99 µs | CPU µs each | our rate : its | our CPU : its |',
    '| --- | --- | --- | --- | --- | --- | --- |',
  ];
  for (const { name, rounds } of servers) {
    const ratio = (of: (round: Round) => number): string =>
      spread(
        rounds.map((round, i) => {
          const ours = own?.rounds[i];
          return ours === undefined || of(round) === 0 ? 0 : of(ours) / of(round);
        }),
      );
    const cells = [
      name,
      spread(rounds.map(({ rate }) => rate)),
      short(median(rounds.map(({ p50 }) => p50))),
      short(median(rounds.map(({ p99 }) => p99))),
      spread(rounds.map(({ processor }) => processor)),
      ratio(({ rate }) => rate),
      ratio(({ processor }) => processor),
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return `${lines.join('\n')}\n`;
}
