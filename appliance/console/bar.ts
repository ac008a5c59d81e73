import { Box, h, Text } from './terminal.ts';
import type { ReactNode } from './terminal.ts';

/** The line on top: what this is, its name, the clock. Text beyond the width is cut. */
export function TitleBar(properties: { left: string; right: string; width: number }): ReactNode {
  const { left, right, width } = properties;
  const room = Math.max(0, width - right.length - 2);
  const text = ` ${left.slice(0, Math.max(0, room - 1)).padEnd(room - 1)}${right} `;
  return h(
    Text,
    { inverse: true, bold: true, wrap: 'truncate' },
    text.slice(0, width).padEnd(width),
  );
}

/** The line at the foot: which keys do what. */
export function KeyBar(properties: { keys: readonly string[]; width: number }): ReactNode {
  const { keys, width } = properties;
  const text = ` ${keys.join('   ')}`.slice(0, width).padEnd(width);
  return h(Text, { inverse: true, wrap: 'truncate' }, text);
}

/** A screen between the two: exactly as high as the terminal, so that nothing scrolls. */
export function Frame(properties: {
  title: string;
  right: string;
  keys: readonly string[];
  width: number;
  height: number;
  children: ReactNode;
}): ReactNode {
  const { title, right, keys, width, height, children } = properties;
  return h(
    Box,
    { flexDirection: 'column', width, height, overflow: 'hidden' },
    h(TitleBar, { left: title, right, width }),
    h(Box, { flexDirection: 'column', flexGrow: 1, overflow: 'hidden' }, children),
    h(KeyBar, { keys, width }),
  );
}
