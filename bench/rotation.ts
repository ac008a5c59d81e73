import { AdminClient } from '../appliance/admin/client.ts';
import { until } from '../test/harness/appliance.ts';
import type { RunningAppliance } from '../test/harness/appliance.ts';
import { find, readAnswer, request, wire } from '../test/harness/vcenter.ts';
import { asking, exchangesOf } from './load.ts';
import type { Round } from './load.ts';
import type { Target } from './target.ts';

const makers = 64;
const creationsTogether = 16;
const patience = 3 * 3600_000;

/** What Gets cost while every key is sealed anew, beside the same node when it is quiet. */
export interface RotationRounds {
  readonly meanwhile: readonly Round[];
  readonly quiet: readonly Round[];
  /** How long the rotation took, in seconds, and how many Gets were answered during its rounds. */
  readonly seconds: number;
  /** Rounds that began when everything was sealed anew already: they do not count. */
  readonly late: number;
}

/** Makes so many keys and gives their identifiers. */
export async function makeKeys(target: Target, count: number): Promise<string[]> {
  const ids: string[] = [];
  let asked = 0;
  await asking(target, Math.min(makers, count), async (ask) => {
    while (asked < count) {
      const few = Math.min(creationsTogether, count - asked);
      asked += few;
      const answer = await ask(request(Array.from({ length: few }, () => wire.create())));
      for (const { payload } of readAnswer(answer).results) {
        const id = find(payload, 0x420094)?.body.toString();
        if (id === undefined) throw new Error(`${target.name} created no key`);
        ids.push(id);
      }
    }
  });
  return ids;
}

/**
 * Fetches keys at random from a node while its wrapping key is rotated, and before and after that,
 * when it is quiet: a machine that has more to do in one hour than in the next shows in both.
 * Throws at the first Get that is not answered with a key.
 */
export async function rotationRounds(
  node: RunningAppliance,
  target: Target,
  load: { readonly rounds: number; readonly seconds: number; readonly ids: readonly string[] },
): Promise<RotationRounds> {
  const { rounds, seconds, ids } = load;
  const round = (): Promise<Round> => gets(target, ids, seconds);
  const quiet: Round[] = [];
  for (let i = 0; i < rounds; i += 2) quiet.push(await round());
  const admin = new AdminClient(node.file('run', 'admin.sock'));
  const left = async (): Promise<number | undefined> => (await admin.status()).wrappingKey.left;
  const begun = performance.now();
  const { code, stderr } = await node.twinlock('wrapping-key', 'rotate', '--no-wait');
  if (code !== 0) throw new Error(stderr);
  await until('everything is sealed anew', async () => (await left()) !== undefined, patience);
  const meanwhile: Round[] = [];
  let late = 0;
  for (let i = 0; i < rounds; i++) {
    if ((await left()) === undefined || (await left()) === 0) late++;
    else meanwhile.push(await round());
  }
  // Looked at now and then: to answer this is work for the node, too.
  await until(
    'the rotation ends',
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      return (await left()) === undefined;
    },
    patience,
  );
  const took = (performance.now() - begun) / 1000;
  while (quiet.length < rounds) quiet.push(await round());
  return { meanwhile, quiet, late, seconds: took };
}

function gets(target: Target, ids: readonly string[], seconds: number): Promise<Round> {
  let next = 0;
  // Everywhere in the table, and the same in each round.
  const message = (): Buffer => request([wire.get(ids[(next += 7_919) % ids.length] ?? '')]);
  const counts = (answer: Buffer): boolean =>
    find(readAnswer(answer).results[0]?.payload ?? [], 0x42008f) !== undefined;
  return exchangesOf(target, { seconds, clients: 8 }, { message, counts });
}
