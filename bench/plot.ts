import type { Rounds } from './table.ts';
import { median } from './table.ts';

export interface Measured {
  readonly title: string;
  readonly results: readonly Rounds[];
}

const width = 900;
const nameWidth = 330;
const rowHeight = 18;
const headHeight = 30;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Bars of the rates of each table beside its fastest, and p99 in words: an SVG document. */
export function plot(all: readonly Measured[]): string {
  let top = 10;
  const parts: string[] = [];
  for (const { title, results } of all) {
    parts.push(`<text x="10" y="${top + 16}" font-weight="bold">${escaped(title)}</text>`);
    top += headHeight;
    const rates = results.map(({ rounds }) => median(rounds.map(({ rate }) => rate)));
    const most = Math.max(...rates, 1e-9);
    for (const [i, { name, rounds }] of results.entries()) {
      const rate = rates[i] ?? 0;
      const bar = Math.max(1, (rate / most) * (width - nameWidth - 220));
      const p99 = median(rounds.map((round) => round.p99)) / 1000;
      const words = `${rate.toPrecision(3)}/s, p99 ${p99.toPrecision(3)} ms`;
      const fill = i === 0 ? '#1f6f8b' : '#b8b8b8';
      parts.push(
        `<text x="20" y="${top + 12}">${escaped(name)}</text>`,
        `<rect x="${nameWidth}" y="${top}" width="${bar.toFixed(1)}" height="14" fill="${fill}"/>`,
        `<text x="${(nameWidth + bar + 6).toFixed(1)}" y="${top + 12}">${words}</text>`,
      );
      top += rowHeight;
    }
    top += 8;
  }
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top + 10}" ` +
    `font-family="sans-serif" font-size="12">\n` +
    `<rect width="100%" height="100%" fill="white"/>\n${parts.join('\n')}\n</svg>\n`
  );
}
