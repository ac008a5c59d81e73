import type { KeeperConsole } from '../keeper-client/console.ts';
import { Frame } from './bar.ts';
import type { Facts } from './facts.ts';
import { Menu } from './menu.ts';
import type { MenuItem } from './menu.ts';
import { SecretScreen } from './secret-screen.ts';
import { lineOf, withKeeper } from './surroundings.ts';
import type { Surroundings } from './surroundings.ts';
import { h, Text, useEffect, useState } from './terminal.ts';
import type { ReactNode } from './terminal.ts';
import { InviteScreen } from './invite-screen.ts';
import { KnockScreen } from './knock-screen.ts';
import { PortsScreen } from './ports-screen.ts';
import { RecoveryActs } from './wizard/recovery-acts.ts';
import { Wizard } from './wizard/wizard.ts';

interface Properties {
  readonly facts: Facts;
  readonly surroundings: Surroundings;
  readonly onBack: () => void;
  /** Whether persons are at what takes its time, and nobody may type for long. */
  readonly onHold: (held: boolean) => void;
  readonly width: number;
  readonly height: number;
}

type Step = 'asking' | 'passphrase' | 'menu' | 'wizard';

/** What only the administrator does at the console: the passphrase first, the menu then. */
export function ConfigureScreen(properties: Properties): ReactNode {
  const { facts, surroundings, onBack, onHold, width, height } = properties;
  const [isNew] = useState(facts.status?.state === 'NOT CONFIGURED');
  const [isKnown] = useState(facts.status !== undefined);
  const [step, setStep] = useState<Step>('asking');
  const [said, setSaid] = useState('one moment');
  useEffect(() => {
    withKeeper(surroundings, (keeper) => keeper.hasAdministrator()).then(
      (isSet) => {
        // It stays the wizard when there are keys: its last acts come after them.
        if (isSet || isNew) setStep(isSet ? 'passphrase' : 'wizard');
        else if (!isKnown) setSaid('The server does not answer yet: Escape, and once more then.');
        // Whoever stands here first must not become administrator of keys that are there.
        else setSaid('No passphrase was set yet. As root: twinlock administrator set');
      },
      (error: unknown) => {
        setSaid(lineOf(error));
      },
    );
  }, [surroundings, isNew, isKnown]);
  useEffect(() => {
    onHold(step === 'wizard');
  }, [step, onHold]);
  const size = { width, height };
  if (step === 'passphrase') {
    return h(SecretScreen, {
      ...size,
      title: 'Configure',
      why: 'The administrator’s passphrase, please.',
      asks: [['passphrase', 'Passphrase']],
      give: ({ passphrase = Buffer.alloc(0) }) =>
        withKeeper(surroundings, (keeper) => keeper.checkAdministrator(passphrase)),
      onDone: () => {
        setStep('menu');
      },
      onBack,
    });
  }
  if (step === 'wizard') return h(Wizard, { ...size, surroundings, onEnd: onBack });
  if (step === 'menu') return h(ConfigureMenu, properties);
  const keys = ['<Esc> Back'];
  const back = h(Menu, { key: 'back', items: [], onBack });
  const line = h(Text, { key: 'said', wrap: 'wrap' }, `\n  ${said}`);
  return h(Frame, { ...size, title: 'Configure', right: '', keys, children: [line, back] });
}

function NewPassphrase(properties: Properties & { readonly onDone: () => void }): ReactNode {
  const { surroundings, onDone, onBack, width, height } = properties;
  const asks = [
    ['old', 'Old passphrase'],
    ['passphrase', 'New passphrase'],
    ['again', 'The same again'],
  ] as const;
  return h(SecretScreen, {
    title: 'The administrator’s passphrase',
    why: 'It opens this menu and no key. Fifteen characters or more: four words do.',
    asks,
    give: async ({ old, passphrase = Buffer.alloc(0), again = Buffer.alloc(0) }) => {
      const isSame = passphrase.equals(again);
      again.fill(0);
      if (!isSame) throw new Error('the two were not the same: type them again');
      await withKeeper(surroundings, (keeper) => keeper.setAdministrator(passphrase, old));
    },
    onDone,
    onBack,
    ...{ width, height },
  });
}

type Page = 'menu' | 'pin' | 'passphrase' | 'invite' | 'knock' | 'ports' | 'recovery' | 'wizard';

/** Shares are written down, words compared at the other box. */
const heldPages: readonly Page[] = ['invite', 'recovery', 'wizard'];

function ConfigureMenu(properties: Properties): ReactNode {
  const { facts, surroundings, onBack, onHold, width, height } = properties;
  const [page, setPage] = useState<Page>('menu');
  useEffect(() => {
    onHold(heldPages.includes(page));
  }, [page, onHold]);
  const [said, setSaid] = useState('');
  const size = { width, height };
  const toMenu = (): void => {
    setPage('menu');
  };
  if (page === 'passphrase') {
    return h(NewPassphrase, { ...properties, onDone: toMenu, onBack: toMenu });
  }
  if (page === 'pin') {
    return h(SecretScreen, {
      ...size,
      title: 'The token’s PIN',
      why: 'It is tried once. A wrong one is not tried again: tokens lock themselves.',
      asks: [['pin', 'PIN']],
      give: ({ pin = Buffer.alloc(0) }) => withKeeper(surroundings, (keeper) => keeper.pin(pin)),
      onDone: toMenu,
      onBack: toMenu,
    });
  }
  if (page === 'invite') return h(InviteScreen, { ...size, surroundings, onBack: toMenu });
  if (page === 'knock') return h(KnockScreen, { ...size, surroundings, onBack: toMenu });
  const { box: { ports } = {} } = surroundings;
  if (page === 'ports' && ports !== undefined) {
    return h(PortsScreen, { ...size, ports, onBack: toMenu });
  }
  if (page === 'wizard') return h(Wizard, { ...size, surroundings, onEnd: onBack });
  if (page === 'recovery') return h(RecoveryActs, { ...size, surroundings, onDone: toMenu });
  const items = itemsOf(facts, surroundings, setPage, setSaid);
  return h(Frame, {
    ...size,
    title: 'Configure',
    right: facts.host,
    keys: ['<Enter> Choose', '<Esc> Back'],
    children: [
      h(Menu, { key: 'menu', items, onBack }),
      h(Text, { key: 'said', wrap: 'wrap' }, `\n  ${said}`),
    ],
  });
}

function itemsOf(
  { status }: Facts,
  surroundings: Surroundings,
  toPage: (page: Page) => void,
  say: (text: string) => void,
): readonly MenuItem[] {
  const act = (doing: string, run: () => Promise<string>) => (): void => {
    say(doing);
    run().then(say, (error: unknown) => {
      say(lineOf(error));
    });
  };
  const keeper = (done: string, run: (console: KeeperConsole) => Promise<void>) =>
    act('one moment', async () => {
      await withKeeper(surroundings, run);
      return done;
    });
  const page = (name: string, what: string, to: Page): MenuItem => ({
    name,
    what,
    choose: () => {
      toPage(to);
    },
  });
  if (status?.state === 'NOT CONFIGURED') {
    return [
      page('Set this node up', 'screen by screen; nothing is written before the end', 'wizard'),
    ];
  }
  const unseal = keeper('unsealed', (console) => console.unseal());
  const seal = keeper('sealed: no key is served', (console) => console.seal());
  const backUp = act('backing up', async () => {
    const { file, keys } = await surroundings.admin.createBackup();
    return `${file}: ${keys} keys, read back`;
  });
  const { update } = surroundings.box ?? {};
  return [
    page('Token PIN', 'give it after a start, once', 'pin'),
    status?.state === 'SEALED'
      ? { name: 'Unseal', what: 'open the wrapping key, serve keys again', choose: unseal }
      : { name: 'Seal', what: 'wipe the wrapping key: no key is served', choose: seal },
    { name: 'Back up now', what: 'to the backup folder, and read it back', choose: backUp },
    page('Invite a second node', 'makes its code, compares words', 'invite'),
    page('Let an administrator in', 'from elsewhere, by the certificate shown there', 'knock'),
    page('Recovery set', 'makes a new one in place of any earlier one', 'recovery'),
    page('Change the passphrase', 'the administrator’s, for this menu', 'passphrase'),
    ...(surroundings.box?.ports === undefined
      ? []
      : [page('Open ports', 'for administrators elsewhere and for monitoring', 'ports')]),
    ...(update === undefined
      ? []
      : [
          {
            name: 'Update',
            what: 'to the version on a stick called TWINLOCK',
            choose: act('looking at the stick: this takes minutes', update),
          },
        ]),
  ];
}
