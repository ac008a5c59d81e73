import { wire } from '../harness/vcenter.ts';
import { pause, waitFor } from './node.ts';
import type { Place } from './node.ts';
import type { TorturedPair } from './pair.ts';
import { identifierIn, materialIn, visit } from './visit.ts';

/** How long after the answer its node is killed, in milliseconds. */
const moments = [0, 1, 5, 20];
const patience = 6_000;
const source = '127.0.6.1';

/**
 * E12: one node makes a key and is killed just after its answer, so many times; the other one has
 * to give it out at once. Gives what went wrong, as sentences.
 */
export async function failover(
  pair: TorturedPair,
  rounds: number,
  say: (text: string) => void,
): Promise<string[]> {
  const wrongs: string[] = [];
  const keys = new Map<string, string>();
  for (let i = 0; i < rounds; i++) {
    const maker = pair.places[i % 2] ?? pair.a;
    const other = pair.other(maker);
    const id = await made(pair, maker);
    const moment = moments[Math.floor(i / 2) % moments.length] ?? 0;
    if (moment > 0) await pause(moment);
    maker.signal(['server'], 'SIGKILL');
    try {
      keys.set(id, await fetched(pair, other, id));
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      wrongs.push(`${other.name} did not give ${id}, ${moment} ms after its answer: ${text}`);
    }
    if ((i + 1) % 100 === 0) say(`${i + 1} kills, ${wrongs.length} keys not given`);
  }
  await pair.converged();
  for (const place of pair.places) {
    for (const [id, key] of keys) {
      if ((await fetched(pair, place, id)) !== key) wrongs.push(`${id} differs on ${place.name}`);
    }
  }
  return wrongs;
}

/** Asks again while the node starts, or its peer does. */
async function made({ credentials }: TorturedPair, place: Place): Promise<string> {
  const how = { credentials, source, milliseconds: patience };
  let id: string | undefined;
  await waitFor(`${place.name} makes a key`, async () => {
    const making = visit(place, how, async (say) => identifierIn((await say(wire.create()))[0]));
    id = await making.catch(() => undefined);
    return id !== undefined;
  });
  return id ?? '';
}

function fetched({ credentials }: TorturedPair, place: Place, id: string): Promise<string> {
  const how = { credentials, source, milliseconds: patience };
  return visit(place, how, async (say) => materialIn((await say(wire.get(id)))[0]));
}
