import { Frame } from './bar.ts';
import { warningsOf } from './facts.ts';
import type { Facts } from './facts.ts';
import { h, Text, useEffect, useInput, useState } from './terminal.ts';
import type { ReactNode } from './terminal.ts';

/** Every warning in full, then the last lines of the log. */
export function DiagnosticsScreen(properties: {
  facts: Facts;
  logLines: (count: number) => Promise<readonly string[]>;
  onBack: () => void;
  width: number;
  height: number;
}): ReactNode {
  const { facts, logLines, onBack, width, height } = properties;
  const [lines, setLines] = useState<readonly string[]>([]);
  const [from, setFrom] = useState(0);
  useEffect(() => {
    let isOver = false;
    void logLines(200).then((found) => {
      if (!isOver) setLines(found);
    });
    return () => {
      isOver = true;
    };
  }, [logLines, facts.time]);
  const warnings = warningsOf(facts).map((text) => `! ${text}`);
  const all = [
    ...(warnings.length === 0
      ? ['no warnings']
      : warnings.flatMap((line) => folded(line, width - 4))),
    '',
    'log, newest first',
    ...lines.flatMap((line) => folded(line, width - 4)),
  ];
  const room = height - 2;
  const last = Math.max(0, all.length - room);
  useInput((_, key) => {
    if (key.escape) onBack();
    const step = key.pageDown
      ? room
      : key.pageUp
        ? -room
        : key.downArrow
          ? 1
          : key.upArrow
            ? -1
            : 0;
    setFrom(Math.min(last, Math.max(0, from + step)));
  });
  return h(Frame, {
    title: 'Diagnostics',
    right: `${Math.min(from, last) + 1} of ${all.length}`,
    keys: ['<Up/Down/PgUp/PgDn> Move', '<Esc> Back'],
    width,
    height,
    children: all
      .slice(from, from + room)
      .map((line, at) =>
        h(
          Text,
          { key: at, wrap: 'truncate', ...(line.startsWith('! ') ? { color: 'red' } : {}) },
          line === '' ? ' ' : `  ${line}`,
        ),
      ),
  });
}

/** A long line as several of this many columns, cut between words where there is one. */
export function folded(line: string, width: number): readonly string[] {
  const clean = line.replace(/\p{C}/gu, ' ');
  if (clean.length <= width) return [clean];
  const space = clean.lastIndexOf(' ', width);
  const end = space > width / 2 ? space : width;
  return [clean.slice(0, end), ...folded(`    ${clean.slice(end).trimStart()}`, width)];
}
