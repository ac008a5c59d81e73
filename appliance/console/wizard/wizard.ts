import { Frame } from '../bar.ts';
import { Form } from '../form.ts';
import type { Typed } from '../form.ts';
import { Secret } from '../secret.ts';
import { Lines } from '../lines.ts';
import { lineOf } from '../surroundings.ts';
import type { Surroundings } from '../surroundings.ts';
import { h, Text, useEffect, useInput, useState } from '../terminal.ts';
import type { ReactNode } from '../terminal.ts';
import { summaryOf } from '../../setup/summary.ts';
import { Acts } from './acts.ts';
import { answersOf, firstTexts } from './answers.ts';
import type { WizardFacts } from './page.ts';
import { pagesFor } from './pages.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Sets a new node up, screen by screen; nothing is written before the last one is confirmed. */
export function Wizard(
  properties: Size & { readonly surroundings: Surroundings; readonly onEnd: () => void },
): ReactNode {
  const { surroundings, onEnd, width, height } = properties;
  const [facts, setFacts] = useState<WizardFacts>();
  const [said, setSaid] = useState('looking at the box and its tokens');
  useEffect(() => {
    surroundings.wizardFacts().then(setFacts, (error: unknown) => {
      setSaid(lineOf(error));
    });
  }, [surroundings]);
  useInput((_, key) => {
    if (key.escape && facts === undefined) onEnd();
  });
  if (facts !== undefined) return h(Pages, { ...properties, facts });
  const children = h(Text, { wrap: 'wrap' }, `\n  ${said}`);
  return h(Frame, { title: 'Set-up', right: '', keys: ['<Esc> Back'], width, height, children });
}

type Step = { readonly at: number; readonly isActing: boolean };

function Pages(
  properties: Size & {
    readonly surroundings: Surroundings;
    readonly facts: WizardFacts;
    readonly onEnd: () => void;
  },
): ReactNode {
  const { facts, onEnd, surroundings, ...size } = properties;
  const [texts, setTexts] = useState(() => firstTexts(facts));
  const [secrets] = useState(() => ({
    passphrase: new Secret(),
    again: new Secret(),
    pin: new Secret(),
    pinAgain: new Secret(),
  }));
  const [{ at, isActing }, setStep] = useState<Step>({ at: 0, isActing: false });
  useEffect(() => {
    return () => {
      for (const secret of Object.values(secrets)) secret.wipe();
    };
  }, [secrets]);
  const typed: Typed = { texts, secrets };
  const pages = pagesFor(typed, facts);
  const isBoxOurs = facts.interfaces !== undefined;
  if (isActing) {
    const onBack = (): void => {
      setStep({ at, isActing: false });
    };
    const answers = answersOf(typed, isBoxOurs);
    return h(Acts, { ...size, surroundings, answers, secrets, onBack, onEnd });
  }
  const back = (): void => {
    if (at === 0) onEnd();
    else setStep({ at: at - 1, isActing: false });
  };
  const count = `${at + 1} of ${pages.length + 1}`;
  if (pages[at] === undefined) {
    const onGo = (): void => {
      setStep({ at, isActing: true });
    };
    return h(Summary, { ...size, typed, isBoxOurs, count, onBack: back, onGo });
  }
  return h(Page, {
    ...size,
    key: pages[at].title,
    ...{ page: pages[at], typed, facts, count },
    onText: (name, value) => {
      setTexts({ ...texts, [name]: value });
    },
    onBack: back,
    onNext: () => {
      setStep({ at: at + 1, isActing: false });
    },
  });
}

function Page(
  properties: Size & {
    readonly page: ReturnType<typeof pagesFor>[number];
    readonly typed: Typed;
    readonly facts: WizardFacts;
    readonly count: string;
    readonly onText: (name: string, value: string) => void;
    readonly onBack: () => void;
    readonly onNext: () => void;
  },
): ReactNode {
  const { page, typed, facts, count, onText, onBack, onNext, width, height } = properties;
  const [said, setSaid] = useState<readonly string[]>([]);
  const [isBusy, setBusy] = useState(false);
  /** What the live looks found was shown: the next Enter goes on. */
  const [isShown, setShown] = useState(false);
  const next = (): void => {
    const fault = page.fault(typed, facts);
    if (fault !== undefined) setSaid([`! ${fault}`]);
    else if (page.look === undefined || isShown) onNext();
    else {
      setBusy(true);
      setSaid(['looking']);
      page
        .look(typed, facts)
        .then(
          (found) => {
            if (found.length === 0) onNext();
            else setSaid([...found, 'Enter goes on']);
            setShown(true);
          },
          (error: unknown) => {
            setSaid([`! ${lineOf(error)}`]);
          },
        )
        .finally(() => {
          setBusy(false);
        });
    }
  };
  const fields = page.fields(typed, facts);
  return h(Frame, {
    ...{ width, height },
    title: `Set-up: ${page.title}`,
    right: count,
    keys: ['<Up/Down> Move', '<Left/Right> Choose', '<Enter> Go on', '<Esc> Back'],
    children: [
      h(Text, { key: 'why', wrap: 'wrap' }, `\n  ${page.why}\n`),
      h(Form, {
        key: 'form',
        ...{ fields, typed, onBack, isActive: !isBusy },
        onText: (name, value) => {
          setShown(false);
          onText(name, value);
        },
        onEnter: next,
      }),
      h(Lines, { key: 'said', lines: said }),
    ],
  });
}

function Summary(
  properties: Size & {
    readonly typed: Typed;
    readonly isBoxOurs: boolean;
    readonly count: string;
    readonly onBack: () => void;
    readonly onGo: () => void;
  },
): ReactNode {
  const { typed, isBoxOurs, count, onBack, onGo, width, height } = properties;
  useInput((_, key) => {
    if (key.escape) onBack();
    if (key.return) onGo();
  });
  const lines = summaryOf(answersOf(typed, isBoxOurs));
  return h(Frame, {
    ...{ width, height },
    title: 'Set-up: Summary',
    right: count,
    keys: ['<Enter> Do it', '<Esc> Back'],
    children: [
      h(Text, { key: 'why' }, '\n  Nothing is written yet. Enter does all this:\n'),
      ...lines.map(([name, text]) =>
        h(Text, { key: name, wrap: 'wrap' }, `  ${name.padEnd(16)} ${text}`),
      ),
    ],
  });
}
