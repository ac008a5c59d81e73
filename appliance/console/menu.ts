import { Box, h, Text, useInput, useState } from './terminal.ts';
import type { ReactNode } from './terminal.ts';

export interface MenuItem {
  readonly name: string;
  readonly what: string;
  readonly choose: () => void;
}

/** Lines to choose from with arrows and Enter, or by their numbers. */
export function Menu(properties: {
  readonly items: readonly MenuItem[];
  readonly onBack: () => void;
  readonly isActive?: boolean;
}): ReactNode {
  const { items, onBack, isActive = true } = properties;
  const [at, setAt] = useState(0);
  useInput(
    (input, key) => {
      const turn = key.downArrow || key.tab ? 1 : key.upArrow ? -1 : 0;
      if (key.escape) onBack();
      else if (turn !== 0) setAt((at + turn + items.length) % items.length);
      else if (key.return) items[at]?.choose();
      else if (/^[1-9]$/.test(input)) items[Number(input) - 1]?.choose();
    },
    { isActive },
  );
  return h(
    Box,
    { flexDirection: 'column', paddingTop: 1 },
    items.map(({ name, what }, index) =>
      h(
        Text,
        { key: index, wrap: 'truncate', inverse: index === at },
        `  ${index + 1}  ${name.padEnd(24)} ${what}`,
      ),
    ),
  );
}
