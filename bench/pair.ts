import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { AdminClient } from '../appliance/admin/client.ts';
import { until } from '../test/harness/appliance.ts';
import type { RunningAppliance } from '../test/harness/appliance.ts';
import { startPair } from '../test/harness/pair.ts';
import { request, wire } from '../test/harness/vcenter.ts';
import { blocked } from './block.ts';
import type { Cut } from './block.ts';
import { exchanges, roundOf } from './load.ts';
import type { Round } from './load.ts';
import type { Target } from './target.ts';

/** Two paired nodes, and each of them as a server to ask. */
export interface MeasuredPair {
  readonly a: Target;
  readonly b: Target;
  /** Stops the second node, has the first one make keys alone, and lets the second one go on. */
  readonly leaveBehind: (seconds: number) => Promise<void>;
  /** How many records the second one lacks. */
  readonly lag: () => Promise<number>;
  /** See `blocked`, of the measured client's certificate. */
  readonly block: (rounds: number) => Promise<Cut>;
  readonly stop: () => Promise<void>;
}

const clients = 64;
const lookMilliseconds = 200;

export async function startMeasuredPair(options: {
  readonly state: string;
  readonly token: string;
  readonly identity: { readonly cert: string; readonly key: string };
  readonly certificate: string;
}): Promise<MeasuredPair> {
  const { state, token, identity, certificate } = options;
  const ends: (() => Promise<void> | void)[] = [];
  const teardown = (end: () => Promise<void> | void): void => void ends.push(end);
  const pair = await startPair({ teardown }, { state, token, keep: true });
  const added = await pair.a.twinlock('client', 'add', '--name', 'bench', '--cert', certificate);
  if (added.code !== 0) throw new Error(added.stderr);
  const processes = (): number[] =>
    [pair.a, pair.b].flatMap((node) => [...node.processes('server'), ...node.processes('keeper')]);
  const target = (name: string, { host, port }: RunningAppliance): Target => ({
    ...{ name, processes, connect: { host, port, ...identity } },
    stop: () => Promise.resolve(),
  });
  const admin = new AdminClient(pair.a.file('run', 'admin.sock'));
  // Asked now and then: to answer this is work for the node that is measured, too.
  const peer = async () => {
    await new Promise((resolve) => setTimeout(resolve, lookMilliseconds));
    return (await admin.peers()).peers[0];
  };
  const a = target('first of two nodes', pair.a);
  const b = target('second of two nodes', pair.b);
  return {
    ...{ a, b },
    leaveBehind: async (seconds) => {
      pair.b.signal('server', 'SIGSTOP');
      await until('the other one is away', async () => (await peer())?.state === 'away');
      await exchanges(a, request([wire.create()]), { seconds, clients });
      pair.b.signal('server', 'SIGCONT');
    },
    lag: async () => {
      const found = await peer();
      return found === undefined || found.state === 'away' ? Infinity : found.lag;
    },
    block: (rounds) => blocked(admin, [a.connect, b.connect], { name: 'bench', rounds }),
    stop: async () => {
      pair.b.signal('server', 'SIGCONT');
      for (const end of ends) await end();
    },
  };
}

const page = Buffer.alloc(4096, 1);

/** The ceiling of one flush for each key: 4 KiB appended and flushed, again and again. */
export function flushes(folder: string, seconds: number): Round {
  const file = openSync(join(folder, 'flushed'), 'a');
  const latencies: number[] = [];
  const start = performance.now();
  do {
    const begun = performance.now();
    writeSync(file, page);
    fdatasyncSync(file);
    latencies.push((performance.now() - begun) * 1000);
  } while (performance.now() - start < seconds * 1000);
  const elapsed = (performance.now() - start) * 1000;
  closeSync(file);
  return roundOf(latencies, elapsed, 0);
}
