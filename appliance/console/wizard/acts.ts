import { Frame } from '../bar.ts';
import { questionLines } from '../invite-screen.ts';
import type { Secret } from '../secret.ts';
import { Lines } from '../lines.ts';
import { lineOf, withKeeper } from '../surroundings.ts';
import type { Surroundings } from '../surroundings.ts';
import { h, Text, useEffect, useInput, useState } from '../terminal.ts';
import type { ReactNode } from '../terminal.ts';
import type { SetupAnswers } from '../../setup/answers.ts';
import { setUp } from '../../setup/set-up.ts';
import { LastScreen } from './last-screen.ts';
import { RecoveryActs } from './recovery-acts.ts';

interface Question {
  readonly words: readonly string[];
  readonly name: string;
  readonly answer: (isSame: boolean) => void;
}

/** Of a token that was blank. */
interface OfficerPin {
  readonly text: string;
  readonly done: () => void;
}

interface Properties {
  readonly surroundings: Surroundings;
  readonly answers: SetupAnswers;
  readonly secrets: { readonly passphrase: Secret; readonly pin: Secret };
  readonly onBack: () => void;
  readonly onEnd: () => void;
  readonly width: number;
  readonly height: number;
}

/** Does what the summary said, then the two acts that need a person: pairing and recovery. */
export function Acts(properties: Properties): ReactNode {
  const { surroundings, answers, secrets, onBack, onEnd, width, height } = properties;
  const [said, setSaid] = useState<readonly string[]>([]);
  const [state, setState] = useState<'acting' | 'failed' | 'recovery' | 'done'>('acting');
  const [question, setQuestion] = useState<Question>();
  const [officer, setOfficer] = useState<OfficerPin>();
  useEffect(() => {
    const { box } = surroundings;
    const pin = secrets.pin.length === 0 ? undefined : secrets.pin.copy();
    setUp(answers, {
      admin: surroundings.admin,
      keeper: (act) => withKeeper(surroundings, act),
      compare: (words, name) =>
        new Promise((answer) => {
          setQuestion({ words, name, answer });
        }),
      pause: () => surroundings.pause(),
      label: surroundings.newLabel(),
      showOfficerPin: (text) =>
        new Promise((done) => {
          setOfficer({ text, done });
        }),
      say: (step) => {
        setSaid((before) => [...before.slice(-12), step]);
      },
      passphrase: secrets.passphrase.copy(),
      ...(box === undefined ? {} : { box }),
      ...(pin === undefined ? {} : { pin }),
    }).then(
      () => {
        setState(answers.node.role === 'second' ? 'done' : 'recovery');
      },
      (error: unknown) => {
        setSaid((before) => [...before, `! ${lineOf(error)}`]);
        setState('failed');
      },
    );
  }, []);
  useInput((input, key) => {
    if (question !== undefined && /^[yn]$/i.test(input)) {
      question.answer(input.toLowerCase() === 'y');
      setQuestion(undefined);
    }
    if (officer !== undefined && key.return) {
      officer.done();
      setOfficer(undefined);
    }
    if (state === 'failed' && key.escape) onBack();
  });
  const size = { width, height };
  if (state === 'recovery') {
    return h(RecoveryActs, {
      ...size,
      surroundings,
      onDone: () => {
        setState('done');
      },
    });
  }
  if (state === 'done') return h(LastScreen, { ...size, surroundings, onEnd });
  const asking = question === undefined ? [] : questionLines(question);
  const telling = officer === undefined ? [] : officerLines(officer.text);
  const keys = [
    ...(state === 'failed' ? ['<Esc> Back'] : []),
    ...(officer === undefined ? [] : ['<Enter> It is written down']),
  ];
  return h(Steps, { ...size, keys, lines: [...said, ...asking, ...telling] });
}

/** What is being done, a line a step. */
function Steps(properties: {
  readonly keys: readonly string[];
  readonly lines: readonly string[];
  readonly width: number;
  readonly height: number;
}): ReactNode {
  const { keys, lines, width, height } = properties;
  const children = [h(Text, { key: 'gap' }, ' '), h(Lines, { key: 'said', lines })];
  return h(Frame, { width, height, title: 'Set-up', right: '', keys, children });
}

function officerLines(pin: string): readonly string[] {
  return [
    '',
    'The token was blank and is ours now. Its security officer’s PIN:',
    `    ${pin}`,
    'It opens no key, but makes a new PIN where yours is lost. It is shown once:',
    'write it down and keep it with the recovery set.',
  ];
}
