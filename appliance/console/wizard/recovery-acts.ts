import { readShare, shareWords } from '../../keeper-client/share.ts';
import { Frame } from '../bar.ts';
import { Form } from '../form.ts';
import { SecretScreen } from '../secret-screen.ts';
import { Lines } from '../lines.ts';
import { lineOf, withKeeper } from '../surroundings.ts';
import type { Surroundings } from '../surroundings.ts';
import { h, Text, useInput, useState } from '../terminal.ts';
import type { ReactNode } from '../terminal.ts';

interface Properties {
  readonly surroundings: Surroundings;
  readonly onDone: () => void;
  readonly width: number;
  readonly height: number;
}

/** Makes the recovery set, shows each share once, and has enough of them typed back. */
export function RecoveryActs(properties: Properties): ReactNode {
  const { surroundings, onDone, ...size } = properties;
  const [made, setMade] = useState<{ threshold: number; shares: readonly string[] }>();
  const [shown, setShown] = useState(0);
  if (made === undefined) {
    const onMade = (threshold: number, shares: readonly string[]): void => {
      setMade({ threshold, shares });
    };
    return h(NumbersScreen, { ...size, surroundings, onMade });
  }
  const share = made.shares[shown];
  if (share !== undefined) {
    const onNext = (): void => {
      setShown(shown + 1);
    };
    const onBefore = (): void => {
      setShown(Math.max(0, shown - 1));
    };
    return h(ShareScreen, { ...size, share, count: made.shares.length, onNext, onBefore });
  }
  const asks = Array.from(
    { length: made.threshold },
    (_, at) => [`share${at}`, `One share (${at + 1})`] as const,
  );
  return h(SecretScreen, {
    ...size,
    title: 'Recovery set: prove it',
    why:
      `Any ${made.threshold} people type their share: its words, first four letters each. ` +
      'No key is made before this. Escape shows the shares again.',
    asks,
    give: async (secrets) => {
      const shares = Object.values(secrets).map((bytes) => bytes.toString());
      for (const bytes of Object.values(secrets)) bytes.fill(0);
      await withKeeper(surroundings, (keeper) => keeper.proveRecovery(shares));
    },
    keeps: true,
    onDone,
    onBack: () => {
      setShown(0);
    },
  });
}

function NumbersScreen(
  properties: Omit<Properties, 'onDone'> & {
    readonly onMade: (threshold: number, shares: readonly string[]) => void;
  },
): ReactNode {
  const { surroundings, onMade, width, height } = properties;
  const [texts, setTexts] = useState<Record<string, string>>({ shares: '5', threshold: '3' });
  const [said, setSaid] = useState<readonly string[]>([]);
  const [isBusy, setBusy] = useState(false);
  const make = (): void => {
    const [shares, threshold] = [Number(texts['shares']), Number(texts['threshold'])];
    if (!(threshold >= 2 && threshold <= shares && shares <= 255)) {
      setSaid(['! at least 2 are needed, and no more than there are']);
      return;
    }
    setBusy(true);
    withKeeper(surroundings, (keeper) => keeper.makeRecovery({ threshold, shares })).then(
      (found) => {
        onMade(threshold, found);
      },
      (error: unknown) => {
        setSaid([`! ${lineOf(error)}`]);
        setBusy(false);
      },
    );
  };
  return h(Frame, {
    ...{ width, height },
    title: 'Recovery set',
    right: '',
    keys: ['<Enter> Go on'],
    children: [
      h(
        Text,
        { key: 'why', wrap: 'wrap' },
        '\n  After the loss of the token, people who hold shares open the keys again. Each share ' +
          'is shown once: have pens and paper for as many people as there are shares.\n',
      ),
      h(Form, {
        key: 'form',
        fields: [
          { kind: 'text', name: 'shares', label: 'How many shares' },
          { kind: 'text', name: 'threshold', label: 'How many are needed' },
        ],
        typed: { texts, secrets: {} },
        onText: (name, value) => {
          setTexts({ ...texts, [name]: value });
        },
        onEnter: make,
        onBack: () => undefined,
        isActive: !isBusy,
      }),
      h(Lines, { key: 'said', lines: said }),
    ],
  });
}

/** One share alone on the screen: the next person looks only when this one has written. */
function ShareScreen(properties: {
  readonly share: string;
  readonly count: number;
  readonly onNext: () => void;
  readonly onBefore: () => void;
  readonly width: number;
  readonly height: number;
}): ReactNode {
  const { share: text, count, onNext, onBefore, width, height } = properties;
  const share = readShare(text);
  const words = shareWords(share);
  const isLast = share.index === count;
  useInput((_, key) => {
    if (key.return) onNext();
    if (key.escape) onBefore();
  });
  const rows = Array.from({ length: Math.ceil(words.length / 4) }, (_, row) =>
    words
      .slice(row * 4, row * 4 + 4)
      .map((word, at) => `${String(row * 4 + at + 1).padStart(4)} ${word.padEnd(10)}`)
      .join(''),
  );
  return h(Frame, {
    ...{ width, height },
    title: `Share ${share.index} of ${count}`,
    right: `set ${share.set.toString('hex')}, ${share.threshold} needed`,
    keys: [isLast ? '<Enter> Prove the set' : '<Enter> Next share', '<Esc> Share before'],
    children: [
      h(Text, { key: 'why' }, `\n  Person ${share.index}, alone: write these words down.\n`),
      ...rows.map((row, at) => h(Text, { key: at }, `  ${row}`)),
    ],
  });
}
