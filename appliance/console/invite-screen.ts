import { comparedPairing, invitedNode } from '../setup/pairing.ts';
import type { JoinParts } from '../setup/pairing.ts';
import { Frame } from './bar.ts';
import { Lines } from './lines.ts';
import { lineOf, withKeeper } from './surroundings.ts';
import type { Surroundings } from './surroundings.ts';
import { h, useEffect, useInput, useState } from './terminal.ts';
import type { ReactNode } from './terminal.ts';

interface Question {
  readonly words: readonly string[];
  readonly name: string;
  readonly answer: (isSame: boolean) => void;
}

/** Makes a new node's code, shows the words, and waits until the node is a member. */
export function InviteScreen(properties: {
  readonly surroundings: Surroundings;
  readonly onBack: () => void;
  readonly width: number;
  readonly height: number;
}): ReactNode {
  const { surroundings, onBack, width, height } = properties;
  const [said, setSaid] = useState<readonly string[]>(['one moment']);
  const [question, setQuestion] = useState<Question>();
  useEffect(() => {
    const invite = async (): Promise<void> => {
      const { admin } = surroundings;
      const keeper: JoinParts['keeper'] = (act) => withKeeper(surroundings, act);
      const { code, addresses } = await invitedNode({ admin, keeper });
      setSaid([
        'On the new node, within 15 minutes: "the second", and then',
        `    first node   ${addresses.join(' or ')}`,
        `    its code     ${code}`,
        'The words to compare come here once it has called.',
      ]);
      await comparedPairing({
        ...{ admin, keeper },
        compare: (words, name) =>
          new Promise((answer) => {
            setQuestion({ words, name, answer });
          }),
        pause: () => surroundings.pause(),
      });
      setSaid(['The new node has its keys and catches up. Escape leads back.']);
    };
    invite().catch((error: unknown) => {
      setSaid([`! ${lineOf(error)}`]);
    });
  }, [surroundings]);
  useInput((input, key) => {
    if (key.escape) onBack();
    if (question === undefined || !/^[yn]$/i.test(input)) return;
    question.answer(input.toLowerCase() === 'y');
    setQuestion(undefined);
    setSaid(['one moment']);
  });
  const lines = question === undefined ? said : questionLines(question);
  return h(Frame, {
    ...{ width, height },
    title: 'Invite a second node',
    right: '',
    keys: ['<Esc> Back'],
    children: h(Lines, { lines }),
  });
}

/** What both screens of a pairing ask. */
export function questionLines({ words, name }: Omit<Question, 'answer'>): readonly string[] {
  return [
    `${name} shows ten words. Are they these?`,
    `    ${words.slice(0, 5).join(' ')}`,
    `    ${words.slice(5).join(' ')}`,
    'y: they are the same    n: they differ, somebody may be in between',
  ];
}
