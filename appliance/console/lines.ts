import { Box, h, Text } from './terminal.ts';
import type { ReactNode } from './terminal.ts';

/** Lines that a person has to read; those that begin with "! " in red. */
export function Lines({ lines }: { readonly lines: readonly string[] }): ReactNode {
  return h(
    Box,
    { flexDirection: 'column', paddingTop: 1, paddingLeft: 2 },
    lines.map((line, at) =>
      h(Text, { key: at, wrap: 'wrap', ...(line.startsWith('! ') ? { color: 'red' } : {}) }, line),
    ),
  );
}
