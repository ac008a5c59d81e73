import type { Field, Typed } from '../form.ts';
import { faultIn } from './answers.ts';
import type { WizardFacts, WizardPage } from './page.ts';

const choice = (
  name: string,
  label: string,
  choices: readonly (readonly [string, string])[],
): Field => ({
  kind: 'choice',
  name,
  label,
  choices: choices.map(([value, text]) => ({ value, text })),
});
const text = (name: string, label: string): Field => ({ kind: 'text', name, label });
const secret = (name: string, label: string): Field => ({ kind: 'secret', name, label });
const listOf = (typed: Typed, name: string): readonly string[] =>
  (typed.texts[name] ?? '').split(/[\s,]+/).filter((each) => each !== '');

const network: WizardPage = {
  title: 'Network',
  why: 'vCenter, the hosts and the other node reach this box at this address.',
  fields: ({ texts }, { interfaces = [] }) => [
    choice(
      'interface',
      'Interface',
      interfaces.map((name) => [name, name] as const),
    ),
    choice('method', 'Address', [
      ['dhcp', 'from DHCP'],
      ['static', 'fixed'],
    ]),
    ...(texts['method'] === 'static'
      ? [
          text('address', 'Address/prefix'),
          text('gateway', 'Gateway'),
          text('nameServers', 'Name servers'),
        ]
      : []),
  ],
  fault: (typed) => faultIn('network', typed),
  async look({ texts }, { checks }) {
    if (texts['method'] !== 'static' || checks === undefined) return [];
    const { interface: name = '', address = '', gateway = '' } = texts;
    await checks.addressFree(name, address);
    const taken = `${address} is free`;
    return [taken, await line(checks.gateway(gateway), `the gateway ${gateway} answers`)];
  },
};

const name: WizardPage = {
  title: 'Name',
  why: 'So the other node, the log and the certificate call this box.',
  fields: () => [text('name', 'Host name')],
  fault: (typed) => faultIn('name', typed),
};

const time: WizardPage = {
  title: 'Time',
  why: 'Certificates end by the clock; a wrong one is an alarm and never loses a key.',
  fields: () => [
    text('timeServers', 'Time servers'),
    choice('nts', 'Servers prove themselves', [
      ['yes', 'yes (NTS)'],
      ['no', 'no (plain NTP)'],
    ]),
  ],
  fault: (typed) => faultIn('time', typed),
  async look(typed, { checks, now }) {
    if (checks === undefined) return [];
    const looks = listOf(typed, 'timeServers').map(async (server) => {
      const offset = await checks.timeServer(server, now);
      return `${server}: this clock is off by ${Math.abs(offset).toFixed(1)} s`;
    });
    return Promise.all(looks.map((each) => line(each)));
  },
};

const administrator: WizardPage = {
  title: 'Administrator',
  why: 'The passphrase opens this console’s menu (F2) and no key. Fifteen characters or more.',
  fields: () => [secret('passphrase', 'Passphrase'), secret('again', 'The same again')],
  fault({ secrets }) {
    const { passphrase, again } = secrets;
    if (passphrase === undefined || passphrase.length < 15) return 'fifteen characters or more';
    if (again?.equals(passphrase) !== true) return 'the two are not the same: type them again';
    return undefined;
  },
};

const rootKey: WizardPage = {
  title: 'Root key',
  why: 'It is made in this token and never leaves it. Leave the PIN empty where systemd gives it.',
  fields: ({ texts }, { tokens }) => [
    choice(
      'token',
      'Token',
      tokens.map((token) => [token.name, token.text] as const),
    ),
    ...(isBlank(texts['token'], tokens)
      ? [secret('pin', 'PIN, made up by you'), secret('pinAgain', 'The same again')]
      : [secret('pin', 'PIN')]),
  ],
  fault({ texts, secrets: { pin, pinAgain } }, { tokens }) {
    if (!isBlank(texts['token'], tokens) || pin === undefined || pinAgain?.equals(pin) === true) {
      return undefined;
    }
    return 'the two are not the same: type them again';
  },
};

const node: WizardPage = {
  title: 'First or second node',
  why: 'The first makes the cluster’s keys. The second takes them over: begin with the first.',
  fields: ({ texts }) => [
    choice('role', 'This node is', [
      ['first', 'the first'],
      ['second', 'the second: it joins another one'],
    ]),
    ...(texts['role'] === 'second'
      ? [text('peer', 'First node, ADDRESS:PORT'), text('code', 'Its code (F2, invite)')]
      : []),
  ],
  fault: (typed) => (typed.texts['role'] === 'second' ? faultIn('node', typed) : undefined),
};

const peerLost: WizardPage = {
  title: 'When the other node is lost',
  why: 'Keys are always served. New ones: a host that restarts may need one to start machines.',
  fields: ({ texts }) => [
    choice('policy', 'New keys', [
      ['alone-for', 'go on for a time, then are refused'],
      ['refuse', 'are refused without a second copy'],
      ['alone', 'go on: there is to be no other node'],
    ]),
    ...(texts['policy'] === 'alone-for' ? [text('hours', 'For how many hours')] : []),
  ],
  fault: (typed) => faultIn('node', typed),
};

/** The pages before the summary, as far as they concern this box and what was chosen. */
export function pagesFor(typed: Typed, facts: WizardFacts): readonly WizardPage[] {
  const box = facts.interfaces === undefined ? [] : [network, name, time];
  const last = typed.texts['role'] === 'second' ? [] : [peerLost];
  return [...box, administrator, rootKey, node, ...last];
}

/** Whether there is no token of ours there: a blank one becomes ours with this PIN. */
function isBlank(chosen: string | undefined, tokens: WizardFacts['tokens']): boolean {
  return tokens.find(({ name }) => name === chosen)?.isAbsent === true;
}

/** What a look found as one line, also where it found something wrong that need not stop. */
async function line(look: Promise<unknown>, well?: string): Promise<string> {
  try {
    const found = await look;
    return well ?? String(found);
  } catch (error) {
    return `! ${error instanceof Error ? error.message : 'unknown'}`;
  }
}
