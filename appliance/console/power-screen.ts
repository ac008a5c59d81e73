import { Frame } from './bar.ts';
import type { Facts } from './facts.ts';
import { Menu } from './menu.ts';
import { lineOf } from './surroundings.ts';
import { h, Text, useState } from './terminal.ts';
import type { ReactNode } from './terminal.ts';

/** Restart or shut down, with what it means for the hosts said first. */
export function PowerScreen(properties: {
  facts: Facts;
  restart: () => Promise<void>;
  shutDown: () => Promise<void>;
  onBack: () => void;
  width: number;
  height: number;
}): ReactNode {
  const { facts, restart, shutDown, onBack, width, height } = properties;
  const [said, setSaid] = useState('');
  const act = (doing: string, run: () => Promise<void>) => (): void => {
    setSaid(doing);
    run().catch((error: unknown) => {
      setSaid(lineOf(error));
    });
  };
  return h(Frame, {
    title: 'Restart or shut down',
    right: '',
    keys: ['<Enter> Choose', '<Esc> Back'],
    width,
    height,
    children: [
      h(Text, { key: 'what' }, `\n  ${consequence(facts)}`),
      h(Menu, {
        key: 'menu',
        onBack,
        items: [
          { name: 'Go back', what: 'nothing happens', choose: onBack },
          { name: 'Restart', what: 'the box starts anew', choose: act('restarting', restart) },
          {
            name: 'Shut down',
            what: 'until it is switched on',
            choose: act('shutting down', shutDown),
          },
        ],
      }),
      h(Text, { key: 'said', color: 'red' }, `\n  ${said}`),
    ],
  });
}

function consequence({ peers }: Facts): string {
  const present = peers?.peers.filter(({ state }) => state === 'present') ?? [];
  return present.length > 0
    ? `${present.map(({ name }) => name).join(', ')} serves all keys meanwhile.`
    : 'No other node serves meanwhile: hosts that restart will not get their keys.';
}
