import { Frame } from './bar.ts';
import { Lines } from './lines.ts';
import { Menu } from './menu.ts';
import { lineOf } from './surroundings.ts';
import type { Surroundings } from './surroundings.ts';
import { h, useEffect, useInput, useState } from './terminal.ts';
import type { ReactNode } from './terminal.ts';

type Knock = Awaited<ReturnType<Surroundings['admin']['knocks']>>['knocks'][number];

const nobody = [
  'Nobody has knocked. On the machine of whoever is to administer:',
  '    twinlock administrator identity ADDRESS --name NAME --out FOLDER',
  'and server.admin_listen has to say where this node listens for them.',
];

/**
 * Makes a security officer of somebody elsewhere, by the certificate that was shown at the admin
 * port: the person here compares its fingerprint. With the first one nobody needs a shell.
 */
export function KnockScreen(properties: {
  readonly surroundings: Surroundings;
  readonly onBack: () => void;
  readonly width: number;
  readonly height: number;
}): ReactNode {
  const { surroundings, onBack, width, height } = properties;
  const [knocks, setKnocks] = useState<readonly Knock[]>();
  const [chosen, setChosen] = useState<Knock>();
  const [said, setSaid] = useState<readonly string[]>(['one moment']);
  useEffect(() => {
    surroundings.admin.knocks().then(
      (found) => {
        setKnocks(found.knocks);
        if (found.knocks.length === 0) setSaid(nobody);
      },
      (error: unknown) => {
        setSaid([`! ${lineOf(error)}`]);
      },
    );
  }, [surroundings]);
  const admit = ({ name, certificate }: Knock): void => {
    setSaid(['one moment']);
    surroundings.admin.addAdministrator({ name, role: 'officer', certificate }).then(
      () => {
        setSaid([`${name} is a security officer from elsewhere now. Escape leads back.`]);
      },
      (error: unknown) => {
        setSaid([`! ${lineOf(error)}`]);
      },
    );
  };
  useInput((input, key) => {
    if (chosen === undefined) {
      if (key.escape && (knocks?.length ?? 0) === 0) onBack();
      return;
    }
    if (key.escape || /^n$/i.test(input)) setChosen(undefined);
    if (!/^y$/i.test(input)) return;
    setChosen(undefined);
    setKnocks([]);
    admit(chosen);
  });
  const isAsked = chosen === undefined && (knocks?.length ?? 0) > 0;
  const items = (knocks ?? []).map((knock) => ({
    name: knock.name.slice(0, 24),
    what: `from ${knock.address}, SHA-256 ${knock.fingerprint.slice(0, 16)}...`,
    choose: () => {
      setChosen(knock);
    },
  }));
  return h(Frame, {
    ...{ width, height },
    title: 'Let an administrator in',
    right: '',
    keys: isAsked ? ['<Enter> Choose', '<Esc> Back'] : ['<Esc> Back'],
    children: isAsked
      ? h(Menu, { items, onBack })
      : h(Lines, { lines: chosen === undefined ? said : question(chosen) }),
  });
}

function question({ name, address, fingerprint }: Knock): readonly string[] {
  const pairs = (fingerprint.toUpperCase().match(/../g) ?? []).join(':');
  return [
    `"${name}" at ${address} shows a certificate with SHA-256`,
    `    ${pairs.slice(0, 48)}`,
    `    ${pairs.slice(48)}`,
    'Is it the one that `twinlock administrator identity` said there?',
    'y: make its holder a security officer    n: do not',
  ];
}
