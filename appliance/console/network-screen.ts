import { Frame } from './bar.ts';
import { lineOf } from './surroundings.ts';
import type { NetworkTest } from './surroundings.ts';
import { h, Text, useEffect, useInput, useState } from './terminal.ts';
import type { ReactNode } from './terminal.ts';

interface Outcome {
  readonly isGood: boolean;
  readonly text: string;
}

/** Tries one thing after the other, so that the first that fails is the one to mend. */
export function NetworkScreen(properties: {
  tests: () => readonly NetworkTest[];
  onBack: () => void;
  width: number;
  height: number;
}): ReactNode {
  const { onBack, width, height } = properties;
  const [tests] = useState(properties.tests);
  const [outcomes, setOutcomes] = useState<readonly Outcome[]>([]);
  const [round, setRound] = useState(0);
  useEffect(() => {
    let isOver = false;
    const runAll = async (): Promise<void> => {
      const made: Outcome[] = [];
      for (const test of tests) {
        made.push(await outcomeOf(test));
        if (isOver) return;
        setOutcomes([...made]);
      }
    };
    void runAll();
    return () => {
      isOver = true;
    };
  }, [tests, round]);
  useInput((_, key) => {
    if (key.escape) onBack();
    if (key.return) {
      setOutcomes([]);
      setRound(round + 1);
    }
  });
  return h(Frame, {
    title: 'Network tests',
    right: '',
    keys: ['<Enter> Again', '<Esc> Back'],
    width,
    height,
    children: tests.map(({ name }, at) => {
      const outcome = outcomes[at];
      const mark = outcome === undefined ? '....' : outcome.isGood ? ' OK ' : 'FAIL';
      const colour = outcome?.isGood === false ? { color: 'red', bold: true } : {};
      return h(
        Text,
        { key: name, ...colour, wrap: 'wrap' },
        `  [${mark}] ${name.padEnd(22)} ${outcome?.text ?? ''}`,
      );
    }),
  });
}

async function outcomeOf(test: NetworkTest): Promise<Outcome> {
  try {
    return { isGood: true, text: await test.run() };
  } catch (error) {
    return { isGood: false, text: lineOf(error) };
  }
}
