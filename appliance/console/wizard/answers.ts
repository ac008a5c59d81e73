import { faultOf, setupAnswers } from '../../setup/answers.ts';
import type { SetupAnswers } from '../../setup/answers.ts';
import type { Typed } from '../form.ts';

/** What stands in the fields before somebody types. */
export function firstTexts(facts: {
  readonly interfaces?: readonly string[];
  readonly tokens: readonly { readonly name: string }[];
}): Readonly<Record<string, string>> {
  return {
    interface: facts.interfaces?.[0] ?? '',
    method: 'dhcp',
    address: '',
    gateway: '',
    nameServers: '',
    name: '',
    timeServers: 'time.cloudflare.com, nts.netnod.se',
    nts: 'yes',
    token: facts.tokens[0]?.name ?? '',
    role: 'first',
    peer: '',
    code: '',
    policy: 'alone-for',
    hours: '72',
  };
}

/** What was typed as the answers that a file would give; not checked. */
export function valueOf({ texts }: Typed, isBoxOurs: boolean): Record<string, unknown> {
  const text = (name: string): string => (texts[name] ?? '').trim();
  const list = (name: string): string[] =>
    text(name)
      .split(/[\s,]+/)
      .filter((each) => each !== '');
  const network =
    text('method') === 'dhcp'
      ? { method: 'dhcp', interface: text('interface') }
      : {
          method: 'static',
          interface: text('interface'),
          address: text('address'),
          gateway: text('gateway'),
          name_servers: list('nameServers'),
        };
  const servers = list('timeServers');
  const box = {
    network,
    ...(text('name') === '' ? {} : { name: text('name') }),
    ...(servers.length === 0 ? {} : { time: { servers, nts: text('nts') === 'yes' } }),
  };
  return {
    ...(isBoxOurs ? box : {}),
    root_key: text('token') === '' ? {} : { token: text('token') },
    node: nodeOf(text),
  };
}

function nodeOf(text: (name: string) => string): Record<string, unknown> {
  if (text('role') === 'second') {
    return { role: 'second', peer: text('peer'), code: text('code') };
  }
  const policy = text('policy');
  const lost = policy === 'alone-for' ? { policy, hours: Number(text('hours')) } : { policy };
  return { role: 'first', peer_lost: lost };
}

/** What is wrong with one part of the answers, in the words of the file's checks. */
export function faultIn(part: string, typed: Typed): string | undefined {
  const fault = faultOf(valueOf(typed, true), part);
  return fault?.replace(/^[\w.]*?(\w+): /, (_, name: string) => `${name.replaceAll('_', ' ')}: `);
}

/** Throws where something is wrong still, which the pages have said before. */
export function answersOf(typed: Typed, isBoxOurs: boolean): SetupAnswers {
  return setupAnswers.parse(valueOf(typed, isBoxOurs));
}
