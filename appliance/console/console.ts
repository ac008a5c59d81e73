import { ConfigureScreen } from './configure-screen.ts';
import { DiagnosticsScreen } from './diagnostics-screen.ts';
import type { Facts } from './facts.ts';
import { IdleScreen } from './idle-screen.ts';
import { functionKey, keyboardOf } from './keyboard.ts';
import { NetworkScreen } from './network-screen.ts';
import { PowerScreen } from './power-screen.ts';
import type { Surroundings } from './surroundings.ts';
import {
  h,
  plainOutput,
  render,
  useEffect,
  useInput,
  useState,
  useWindowSize,
} from './terminal.ts';
import type { ReactNode } from './terminal.ts';

type Place = 'idle' | 'configure' | 'network' | 'diagnostics' | 'power';

/** Milliseconds from one look at the appliance to the next. */
const lookMilliseconds = 1_000;
/** Milliseconds after which a screen that nobody uses makes way for the idle one. */
const leaveMilliseconds = 300_000;
/** The same while persons do what takes its time: write shares down, compare words elsewhere. */
const heldMilliseconds = 3_600_000;

const placeOf: Readonly<Record<string, Place>> = {
  [functionKey.F2]: 'configure',
  [functionKey.F5]: 'network',
  [functionKey.F8]: 'diagnostics',
  [functionKey.F12]: 'power',
};

/** Shows the console on this process's terminal until the terminal ends. */
export async function runConsole(surroundings: Surroundings): Promise<void> {
  const first = await surroundings.facts();
  const shown = render(h(Console, { surroundings, first }), {
    stdin: keyboardOf(process.stdin),
    stdout: plainOutput(process.stdout),
    exitOnCtrlC: false,
    patchConsole: false,
    alternateScreen: true,
    interactive: true,
  });
  process.stdin.once('end', () => {
    shown.unmount();
  });
  await shown.waitUntilExit();
}

function Console({ surroundings, first }: { surroundings: Surroundings; first: Facts }): ReactNode {
  const facts = useFacts(surroundings, first);
  const [place, setPlace] = useState<Place>('idle');
  const [keys, setKeys] = useState(0);
  const [held, setHeld] = useState(false);
  const { columns, rows } = useWindowSize();
  const onBack = (): void => {
    setPlace('idle');
  };
  useInput((input) => {
    setKeys((count) => count + 1);
    const next = placeOf[input];
    if (next !== undefined && place === 'idle') setPlace(next);
  });
  useEffect(() => {
    if (place === 'idle') return undefined;
    const timer = setTimeout(onBack, held ? heldMilliseconds : leaveMilliseconds);
    return () => {
      clearTimeout(timer);
    };
  }, [place, keys, held]);
  // The last column and row stay free: some terminals scroll when the corner is written.
  const size = { width: Math.max(40, columns) - 1, height: Math.max(12, rows) - 1 };
  switch (place) {
    case 'idle':
      return h(IdleScreen, { facts, ...size });
    case 'configure':
      return h(ConfigureScreen, { facts, surroundings, onBack, onHold: setHeld, ...size });
    case 'network':
      return h(NetworkScreen, { tests: () => surroundings.networkTests(), onBack, ...size });
    case 'diagnostics':
      return h(DiagnosticsScreen, { facts, logLines: surroundings.logLines, onBack, ...size });
    case 'power': {
      const { restart, shutDown } = surroundings;
      return h(PowerScreen, { facts, restart, shutDown, onBack, ...size });
    }
  }
}

/** A look each second; a look that takes longer is waited for. */
function useFacts(surroundings: Surroundings, first: Facts): Facts {
  const [facts, setFacts] = useState(first);
  useEffect(() => {
    let timer: NodeJS.Timeout;
    let isOver = false;
    const look = async (): Promise<void> => {
      const found = await surroundings.facts();
      if (isOver) return;
      setFacts(found);
      timer = setTimeout(() => void look(), lookMilliseconds);
    };
    timer = setTimeout(() => void look(), lookMilliseconds);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [surroundings]);
  return facts;
}
