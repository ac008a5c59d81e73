import { join } from 'node:path';
import { launch, RunningAppliance } from '../harness/appliance.ts';
import { wire } from '../harness/vcenter.ts';
import type { Key, Ledger } from './ledger.ts';
import { waitFor } from './node.ts';
import type { Place } from './node.ts';
import { json } from './pair.ts';
import type { TorturedPair } from './pair.ts';
import { materialIn, Refused, stateIn, visit } from './visit.ts';

export interface Verdict {
  lost: number;
  divergent: number;
  wrong: number;
  resurrected: number;
  /** Keys that a restored backup lacks, or has otherwise. */
  restore: number;
}

interface Found {
  readonly hex: string | undefined;
  readonly state: number | undefined;
}

type Server = Pick<Place, 'host' | 'port' | 'name'>;
const keysOfVisit = 50;
const patience = 120_000;

/** Asks for every key that was ever answered, on both nodes and on a restored backup. */
export async function judge(pair: TorturedPair, ledger: Ledger, folder: string): Promise<Verdict> {
  const verdict: Verdict = { lost: 0, divergent: 0, wrong: 0, resurrected: 0, restore: 0 };
  for (const place of pair.places) {
    await waitFor(`no rotation goes on at ${place.name}`, () => isSettled(place));
  }
  const keys = [...ledger.keys.values()];
  const [a, b] = [await all(pair.a, pair, keys), await all(pair.b, pair, keys)];
  for (const key of keys) judgeKey(key, a.get(key.id), b.get(key.id), verdict, ledger);
  for (const place of pair.places) await json(place, 'audit', 'verify');
  await restored(pair, folder, async (server) => {
    const found = await all(server, pair, keys);
    for (const key of keys) {
      const [there, here] = [found.get(key.id), b.get(key.id)];
      if (there?.hex === here?.hex && there?.state === here?.state) continue;
      verdict.restore++;
      ledger.wrongs.push(`${key.id} is another one in the restored backup`);
    }
  });
  return verdict;
}

/** Whether everything is sealed under the newest wrapping key, on the other node too. */
async function isSettled({ admin }: Place): Promise<boolean> {
  const { left, pending } = (await admin.status()).wrappingKey;
  return left === undefined && pending === undefined;
}

function judgeKey(
  key: Key,
  a: Found | undefined,
  b: Found | undefined,
  verdict: Verdict,
  ledger: Ledger,
): void {
  const say = (what: string): void => {
    const told = `${String(a?.state)} ${String(b?.state)}`;
    ledger.wrongs.push(`${key.id} (answered by ${key.place}) ${what}; states ${told}`);
  };
  if (a?.hex !== b?.hex || a?.state !== b?.state) {
    verdict.divergent++;
    say('differs between the nodes');
  }
  for (const found of [a, b]) {
    if (key.destroyed !== undefined && key.uncertain !== true) {
      if (found?.hex !== undefined) {
        verdict.resurrected++;
        say('was destroyed and is there');
      }
    } else if (found?.hex === undefined) {
      if (key.uncertain === true) continue;
      verdict.lost++;
      say('is lost');
    } else if (key.hex !== undefined && key.hex !== found.hex) {
      verdict.wrong++;
      say('has another material');
    } else if (key.activated !== undefined && found.state !== 2 && key.uncertain !== true) {
      verdict.wrong++;
      say('was activated and is not Active');
    }
  }
}

async function all(
  server: Server,
  { credentials }: TorturedPair,
  keys: readonly Key[],
): Promise<Map<string, Found>> {
  const found = new Map<string, Found>();
  for (let at = 0; at < keys.length; at += keysOfVisit) {
    const how = { credentials, source: '127.0.3.1', milliseconds: patience };
    await visit(server as Place, how, async (say) => {
      for (const { id } of keys.slice(at, at + keysOfVisit)) {
        const refused = (error: unknown): undefined => {
          if (!(error instanceof Refused)) throw error;
          return undefined;
        };
        const got = await say(wire.get(id)).catch(refused);
        const state = await say(wire.getAttribute(id, 'State')).catch(refused);
        found.set(id, {
          hex: got === undefined ? undefined : materialIn(got[0]),
          state: state === undefined ? undefined : stateIn(state[0]),
        });
      }
    });
  }
  return found;
}

/** A backup of one node, on a box that was never set up. */
async function restored(
  pair: TorturedPair,
  folder: string,
  act: (server: Server) => Promise<void>,
): Promise<void> {
  const backup = join(folder, 'of-the-tortured.backup');
  await json(pair.b, 'backup', 'create', '--to', backup);
  const state = join(folder, 'restored');
  const options = ['--state', state, '--token', 'softhsm', '--listen', '127.0.0.3:0', '--blank'];
  const { child, ready, ended } = launch(options);
  try {
    const box = new RunningAppliance(state, '127.0.0.3:0', child, ended);
    await waitFor('the box waits', async () => {
      const { stdout } = await box.twinlock('status', '--json');
      return stdout.includes('NOT CONFIGURED');
    });
    const done = await box.twinlock('restore', backup, ...pair.shares.slice(0, 3), '--json');
    if (done.code !== 0) throw new Error(done.stderr);
    const endpoint = await Promise.race([ready, ended]);
    if (typeof endpoint !== 'string') throw new Error(endpoint.stderr);
    const { host, port } = new RunningAppliance(state, endpoint, child, ended);
    await act({ host, port, name: 'restored' });
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}
