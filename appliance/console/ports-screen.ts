import type { BoxPorts, PortName } from '../setup/box.ts';
import { Frame } from './bar.ts';
import { Menu } from './menu.ts';
import { lineOf } from './surroundings.ts';
import { h, Text, useState } from './terminal.ts';
import type { ReactNode } from './terminal.ts';

/** What can be opened beside KMIP and the other node, and what for. */
const choices: readonly (readonly [PortName, string])[] = [
  ['admin', 'port 5698: administrators elsewhere, by certificate'],
  ['metrics', 'port 9464: monitoring, which is not asked who it is'],
];

/** Opens and closes ports in the box's firewall; all are closed until somebody opens them. */
export function PortsScreen(properties: {
  readonly ports: BoxPorts;
  readonly onBack: () => void;
  readonly width: number;
  readonly height: number;
}): ReactNode {
  const { ports, onBack, width, height } = properties;
  const [opened, setOpened] = useState(() => ports.opened());
  const [said, setSaid] = useState('');
  const turn = (name: PortName) => (): void => {
    const isOpen = opened.includes(name);
    const next = isOpen ? opened.filter((each) => each !== name) : [...opened, name];
    setSaid('one moment');
    ports.open(next).then(
      () => {
        setOpened(next);
        setSaid(`${name} is ${isOpen ? 'closed' : 'open'}`);
      },
      (error: unknown) => {
        setSaid(lineOf(error));
      },
    );
  };
  const items = choices.map(([name, what]) => ({
    name: `${name}: ${opened.includes(name) ? 'open' : 'closed'}`,
    what,
    choose: turn(name),
  }));
  return h(Frame, {
    ...{ width, height },
    title: 'Open ports',
    right: '',
    keys: ['<Enter> Open or close', '<Esc> Back'],
    children: [
      h(Menu, { key: 'menu', items, onBack }),
      h(Text, { key: 'said', wrap: 'wrap' }, `\n  ${said}`),
    ],
  });
}
