import { Frame } from './bar.ts';
import { Form } from './form.ts';
import { Secret } from './secret.ts';
import { lineOf } from './surroundings.ts';
import { h, Text, useEffect, useState } from './terminal.ts';
import type { ReactNode } from './terminal.ts';

/**
 * Asks for one secret, or for several, and hands them over. What was typed is wiped then, or with
 * `keeps` once it was right: nobody types three shares again for one wrong word.
 */
export function SecretScreen(properties: {
  title: string;
  why: string;
  /** Names and what is shown before them. */
  asks: readonly (readonly [string, string])[];
  /** Throws an error whose message the person sees. It wipes what it is given. */
  give: (secrets: Readonly<Record<string, Buffer>>) => Promise<void>;
  keeps?: boolean;
  onDone: () => void;
  onBack: () => void;
  width: number;
  height: number;
}): ReactNode {
  const { title, why, asks, give, keeps = false, onDone, onBack, width, height } = properties;
  const [secrets] = useState(() =>
    Object.fromEntries(asks.map(([name]) => [name, new Secret()] as const)),
  );
  const [said, setSaid] = useState('');
  const [tries, setTries] = useState(0);
  const [isBusy, setBusy] = useState(false);
  const wipe = (): void => {
    for (const secret of Object.values(secrets)) secret.wipe();
  };
  useEffect(() => wipe, [secrets]);
  const enter = (): void => {
    const copies = Object.fromEntries(
      Object.entries(secrets).map(([name, secret]) => [name, secret.copy()] as const),
    );
    if (!keeps) wipe();
    setBusy(true);
    setSaid('one moment');
    give(copies).then(onDone, (error: unknown) => {
      setSaid(lineOf(error));
      setBusy(false);
      if (!keeps) setTries((count) => count + 1);
    });
  };
  return h(Frame, {
    title,
    right: '',
    keys: ['<Enter> Go on', '<Esc> Back'],
    width,
    height,
    children: [
      h(Text, { key: 'why', wrap: 'wrap' }, `\n  ${why}\n`),
      h(Form, {
        key: `form${tries}`,
        fields: asks.map(([name, label]) => ({ kind: 'secret' as const, name, label })),
        typed: { texts: {}, secrets },
        onText: () => undefined,
        onEnter: enter,
        onBack,
        isActive: !isBusy,
      }),
      h(Text, { key: 'said', color: 'red', wrap: 'wrap' }, `\n  ${said}`),
    ],
  });
}
