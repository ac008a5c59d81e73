import { CommandError } from './context.ts';

/** What others named, without what a terminal would obey. */
export function shown(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '?');
}

/** Rows as aligned columns under a head line; the last column is not padded. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((row) => row.map(shown));
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  const last = head.length - 1;
  return all
    .map((row) =>
      row.map((cell, i) => (i === last ? cell : cell.padEnd(widths[i] ?? 0))).join('  '),
    )
    .join('\n');
}

/** Seconds since 1970 as a person reads them, in UTC. */
export function date(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ');
}

/** One line of comma-separated values (RFC 4180) with its end. */
export function csvLine(cells: readonly string[]): string {
  const quoted = cells.map((cell) => {
    // A cell that begins so is a formula to a spreadsheet.
    const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  });
  return `${quoted.join(',')}\n`;
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** A duration as `secondsOf` reads it: in the largest unit that it is whole in. */
export function durationOf(seconds: number): string {
  const [unit, length] = Object.entries(units).findLast(
    ([unit, each]) => seconds % each === 0 && (unit !== 'd' || seconds > 7 * each),
  ) ?? ['s', 1];
  return `${seconds / length}${unit}`;
}

/** Reads a duration such as 90m, 72h or 30d, in seconds. Throws CommandError. */
export function secondsOf(text: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count === undefined) {
    throw new CommandError('bad-request', `${text} is no duration`, 'write 90m, 72h or 3d');
  }
  return Number(count) * (units[unit] ?? 0);
}
