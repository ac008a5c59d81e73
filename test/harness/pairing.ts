import type { ExecutionContext } from 'ava';
import { AdminClient } from '../../appliance/admin/client.ts';
import { until } from './appliance.ts';
import type { Ended, RunningAppliance } from './appliance.ts';

export interface Invitation {
  readonly code: string;
  readonly addresses: readonly string[];
}

export async function json<T>(appliance: RunningAppliance, ...parameters: string[]): Promise<T> {
  const { code, stdout, stderr } = await appliance.twinlock(...parameters, '--json');
  if (code !== 0) throw new Error(`${parameters.join(' ')}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

export const invite = (a: RunningAppliance): Promise<Invitation> =>
  json(a, 'peer', 'invite', '--no-wait');

export function join(b: RunningAppliance, { code, addresses }: Invitation): Promise<Ended> {
  return b.twinlock('peer', 'join', addresses[0] ?? '', code, '--yes', '--json');
}

const words = ({ stderr }: Ended): string => /\n\n {2}([\s\S]+?)\n\n/.exec(stderr)?.[1] ?? '';

/** Pairs a new node with one that serves, as two persons do. */
export async function pairByHand(t: ExecutionContext, a: RunningAppliance, b: RunningAppliance) {
  const joining = join(b, await invite(a));
  await waitsOrEnds(a, joining);
  const here = await a.twinlock('peer', 'confirm', '--yes');
  const there = await joining;
  t.is(there.code, 0, there.stderr);
  t.is(here.code, 0, here.stderr);
  t.regex(words(here), /^[a-z]+( +[a-z]+){4}\n +[a-z]+( [a-z]+){4}$/);
  t.is(words(here), words(there));
  return JSON.parse(there.stdout) as { joined: boolean; keys: number; endpoint: string };
}

/** Waits until the words are to be compared; throws what the joiner said when it ended instead. */
export async function waitsOrEnds(a: RunningAppliance, joining: Promise<Ended>): Promise<void> {
  const seen: Ended[] = [];
  void joining.then((ended) => seen.push(ended));
  await until('it waits for persons', async () => {
    if (seen[0] !== undefined) throw new Error(seen[0].stderr);
    return (await stateOf(a)) === 'comparing';
  });
}

/** How a pairing stands on a node. */
export const stateOf = async (node: RunningAppliance): Promise<string> => {
  const admin = new AdminClient(node.file('run', 'admin.sock'));
  return (await admin.pairing().catch(() => undefined))?.state ?? 'away';
};
